"""However a path is written, a rule sees where it leads."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest

from avakill.evaluator.context import Context, TableResolver
from tests.evaluator.asking import CONTEXT, HOME, WORKSPACE, ask, linked, policy, verdict, verdict_of

NO_SSH = policy(
    """
    - {name: no-ssh, tools: ["file_*"], action: deny, conditions: {path_match: {path: ["~/.ssh/**"]}}}
""",
    "allow",
)
ONLY_APP = policy("""
    - {name: app, tools: ["file_*"], action: allow, conditions: {path_match: {path: ["./**"]}}}
""")


@pytest.mark.parametrize(
    "path",
    [
        "~/.ssh/id_rsa",
        "~/.ssh",
        "~/.ssh/",
        "/home/u/.ssh/id_rsa",
        "/home/u//.ssh///id_rsa",
        "/home/u/./.ssh/id_rsa",
        "/home/u/app/../.ssh/id_rsa",
        "../.ssh/id_rsa",
        "x/../../.ssh/id_rsa",
        "~/app/../.ssh",
        "//home/u/.ssh",
        "file:///home/u/.ssh/id_rsa",
        "file:/home/u/.ssh",
        "file://localhost/home/u/.ssh/id",
        "FILE:///home/u/.ssh/id",
        "file:///home/u/%2essh/id_rsa",
        "$HOME/.ssh/id_rsa",
        "${HOME}/.ssh/id_rsa",
        " ~/.ssh/id_rsa",
        "~/.ssh/id_rsa\n",
        "/proc/self/root/home/u/.ssh/id_rsa",
        "/proc/self/cwd/../.ssh/id_rsa",
        "/proc/thread-self/cwd/../.ssh",
        "/proc/1/root/home/u/.ssh",
        "/../home/u/.ssh",
        "~other/.ssh/id_rsa",
        "/proc/self/fd/3",
        "/dev/fd/3",
        "$PWD/../.ssh/id_rsa",
        "file://elsewhere/home/u/.ssh",
    ],
)
def test_a_deny_holds_for_every_spelling_of_a_path(path: str) -> None:
    assert verdict(NO_SSH, "Read", file_path=path) == "deny"


@pytest.mark.parametrize("path", ["~/.sshx", "~/x.ssh/id", "/home/u/app/.ssh/id", "/home/u/app/src/main.py", ".ssh/id", "~/.ssh/../x"])
def test_a_deny_leaves_its_neighbours_alone(path: str) -> None:
    assert verdict(NO_SSH, "Read", file_path=path) == "allow"


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": "~/.ssh/id"},
        {"filePath": "~/.ssh/id"},
        {"file-path": "~/.ssh/id"},
        {"FILE_PATH": "~/.ssh/id"},
        {"absolute_path": "~/.ssh/id"},
        {"paths": ["a", "~/.ssh/id"]},
        {"edits": [{"path": "a"}, {"path": "~/.ssh/id"}]},
        {"path": {"value": "~/.ssh/id"}},
        {"path": {"~/.ssh/id": "text"}},
        {"path": [["a", ["~/.ssh/id"]]]},
        {"options": {"deep": {"deeper": {"file_path": "~/.ssh/id"}}}},
        {"path": "a", "file_path": "~/.ssh/id"},
    ],
)
def test_a_path_is_seen_wherever_it_is_nested_and_whatever_its_name(arguments: dict[str, object]) -> None:
    assert verdict_of(NO_SSH, "Read", arguments) == "deny"


def test_one_denied_path_among_many_denies_and_one_foreign_path_spoils_an_allow() -> None:
    assert verdict(NO_SSH, "Read", paths=["a", "b", "~/.ssh/id"]) == "deny"
    assert verdict(ONLY_APP, "Read", paths=["a", "b"]) == "allow"
    assert verdict(ONLY_APP, "Read", paths=["a", "/etc/passwd"]) == "deny"


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../x",
        "~/x",
        "/home/u/app/../x",
        "/home/u/app/a/../../x",
        "~root/app/x",
        "$HOME/x",
        "$SECRET/x",
        "/home/u/appendix",
        "/proc/self/fd/7",
        "file:///etc/passwd",
        "/proc/self/root/etc/passwd",
        " /etc/passwd",
    ],
)
def test_an_allow_does_not_hold_for_what_may_lead_outside(path: str) -> None:
    assert verdict(ONLY_APP, "Write", path=path) == "deny"


@pytest.mark.parametrize(
    "path",
    [
        "x",
        "./x",
        "a/../b",
        "/home/u/app",
        "/home/u/app/",
        "~/app/x",
        "file:///home/u/app/x",
        "$HOME/app/x",
        "a$b.txt",
        "/proc/self/cwd/x",
        "routes/$id.tsx",
    ],
)
def test_an_allow_holds_for_every_spelling_of_what_is_inside(path: str) -> None:
    assert verdict(ONLY_APP, "Write", path=path) == "allow"


def test_a_symbolic_link_leads_where_it_points() -> None:
    links = linked(door="/home/u/.ssh", up="..", final="/home/u/.ssh/id_rsa", chain="door", abs="/etc")
    for path in ("door/id_rsa", "door", "up/.ssh/id", "final", "chain/id", "door/../.ssh/id"):
        assert verdict(NO_SSH, "Read", links, path=path) == "deny", path
        assert verdict(ONLY_APP, "Read", links, path=path) == "deny", path
    assert verdict(ONLY_APP, "Read", links, path="abs/passwd") == "deny"


def test_dot_dot_after_a_link_is_the_parent_of_where_it_points() -> None:
    links = linked(door="/home/u/.ssh/keys")
    assert verdict(NO_SSH, "Read", links, path="door/../id_rsa") == "deny"


def test_a_link_in_the_pattern_closes_both_names() -> None:
    dotfiles = Context(HOME, WORKSPACE, resolver=TableResolver({"/home/u/.ssh": "dotfiles/ssh"}))
    for path in ("~/.ssh/id", "~/dotfiles/ssh/id", "/home/u/dotfiles/ssh"):
        assert verdict(NO_SSH, "Read", dotfiles, path=path) == "deny", path
    assert verdict(NO_SSH, "Read", dotfiles, path="~/dotfiles/vimrc") == "allow"


def test_a_loop_of_links_is_not_followed_for_ever_and_not_allowed() -> None:
    links = linked(a="b", b="a")
    assert verdict(ONLY_APP, "Read", links, path="a/x") == "deny"
    assert verdict(NO_SSH, "Read", links, path="a/x") == "deny"


def test_deleting_judges_the_name_and_reading_the_object() -> None:
    links = linked(out="/srv/data")
    assert verdict(ONLY_APP, "file_read", links, path="out") == "deny"
    assert verdict(ONLY_APP, "file_delete", links, path="out") == "allow"
    assert verdict(ONLY_APP, "file_delete", links, path="out/x") == "deny"


def test_a_relative_path_starts_in_the_sessions_directory_and_in_a_cwd_argument_too() -> None:
    assert verdict(NO_SSH, "Read", path="id_rsa", cwd="/home/u/.ssh") == "deny"
    assert verdict(NO_SSH, "Read", replace(CONTEXT, cwd="/home/u/.ssh"), path="id_rsa") == "deny"
    in_ssh = {"path": "id_rsa", "workdir": "~/.ssh"}
    assert verdict_of(NO_SSH, "Read", in_ssh) == "deny"
    elsewhere = {"path": ".ssh/id_rsa", "workdir": "/tmp"}
    assert verdict_of(NO_SSH, "Read", elsewhere, replace(CONTEXT, cwd="/home/u")) == "deny"
    assert verdict_of(ONLY_APP, "Read", {"path": "x", "workdir": "/etc"}) == "deny"


def test_a_listing_without_a_path_is_of_the_working_directory() -> None:
    assert verdict(NO_SSH, "LS", replace(CONTEXT, cwd="/home/u/.ssh")) == "deny"
    assert verdict(ONLY_APP, "LS") == "allow"


def test_the_directory_of_a_search_pattern_is_a_path() -> None:
    assert verdict(NO_SSH, "Glob", pattern="~/.ssh/*") == "deny"
    assert verdict(NO_SSH, "Glob", pattern="../.ssh/id*", path="/home/u/app") == "deny"
    assert verdict(NO_SSH, "Glob", pattern="**/*.py") == "allow"


def test_the_files_of_a_patch_are_paths() -> None:
    patch = "*** Begin Patch\n*** Update File: src/a.py\n*** Move to: ../.ssh/config\n*** End Patch"
    assert verdict(NO_SSH, "apply_patch", input=patch) == "deny"
    assert verdict(NO_SSH, "apply_patch", input=patch.replace("../.ssh/config", "b.py")) == "allow"


def test_unicode_forms_of_a_name_are_one_name_to_a_deny() -> None:
    composed, apart = (unicodedata.normalize(form, "/srv/café") for form in ("NFC", "NFD"))
    for pattern in (composed, apart):
        denied = policy(
            f"- {{name: no, tools: ['file_*'], action: deny, conditions: {{path_match: {{path: ['{pattern}/**']}}}}}}", "allow"
        )
        for path in (composed, apart):
            assert verdict(denied, "Read", path=f"{path}/x") == "deny"


def test_a_nul_in_a_path_is_denied_whatever_the_rules() -> None:
    assert ask(policy("- {name: yes, tools: ['*'], action: allow}"), "Read", path="/ok\0/etc").reason == (
        "the call cannot be judged: a NUL in a path"
    )


def test_case_counts_unless_the_file_system_ignores_it() -> None:
    assert verdict(NO_SSH, "Read", path="~/.SSH/id") == "allow"
    assert verdict(NO_SSH, "Read", replace(CONTEXT, ignores_case=True), path="/HOME/U/.SSH/id") == "deny"


def test_path_not_match_means_that_no_path_is_inside() -> None:
    outside = policy("""
        - {name: a, tools: ["file_*"], action: allow, conditions: {path_not_match: {path: ["~/.ssh/**"]}}}
    """)
    assert verdict(outside, "Read", path="/etc/hosts") == "allow"
    assert verdict(outside, "Read", paths=["/etc/hosts", "~/.ssh/id"]) == "deny"
    assert verdict(outside, "Read", linked(door="/home/u/.ssh"), path="door/id") == "deny"
    inside = policy(
        """
        - {name: d, tools: ["file_*"], action: deny, conditions: {path_not_match: {path: ["./**"]}}}
    """,
        "allow",
    )
    assert verdict(inside, "Read", paths=["x", "/etc/passwd"]) == "deny"
    assert verdict(inside, "Read", path="x") == "allow"


def test_a_substring_of_a_path_is_asked_of_where_it_leads() -> None:
    text = policy("- {name: no, tools: ['file_*'], action: deny, conditions: {args_match: {path: ['/.SSH']}}}", "allow")
    assert verdict(text, "Read", linked(door="/home/u/.ssh"), path="door/id") == "deny"
    assert verdict(text, "Read", path="~/.ssh/id") == "deny"
    only = policy("- {name: tmp, tools: ['file_*'], action: allow, conditions: {args_match: {path: ['/tmp/']}}}")
    assert verdict(only, "Write", path="/tmp/x") == "allow"
    assert verdict(only, "Write", path="/tmp/../etc/passwd") == "deny"
