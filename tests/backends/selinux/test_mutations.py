"""A line dropped, a path widened, lines swapped, a permission given back: the oracle and the laws notice."""

from __future__ import annotations

import pytest

from tests.backends.selinux.harness import lowered, problems
from tests.backends.selinux.shapes import ALLOW, DENY, READS, plan, rule

MADE = plan(
    rule(("file_edit",), ALLOW, "/srv/app/open"),
    rule(("file_edit",), DENY, "/srv/app"),
    rule(READS, DENY, "/srv/app/open/secret"),
    rule(("web_fetch",), DENY),
)
LOWERING, TE, FC = lowered(MADE)


@pytest.fixture(autouse=True)
def _every_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a sample of them: one line may hold but one."""
    monkeypatch.setattr("tests.contract.probes.MAX_PROBES", 1_000_000)


def noticed(te: str, fc: str) -> bool:
    assert (te, fc) != (TE, FC)
    return problems(MADE, LOWERING, te, fc) != []


def test_the_module_as_emitted_is_without_contradiction() -> None:
    assert problems(MADE, LOWERING, TE, FC) == []


def test_every_label_line_counts() -> None:
    lines = FC.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.startswith("/"):
            assert noticed(TE, "".join(lines[:number] + lines[number + 1 :])), line


def test_a_wider_path_is_noticed() -> None:
    assert noticed(TE, FC.replace("/srv/app(/.*)?", "/srv(/.*)?"))


def test_swapped_lines_are_noticed() -> None:
    lines = FC.splitlines(keepends=True)
    trees = [number for number, line in enumerate(lines) if line.startswith("/srv/app")]
    lines[trees[0]], lines[trees[1]] = lines[trees[1]], lines[trees[0]]
    assert noticed(TE, "".join(lines))


def test_a_permission_given_back_is_noticed() -> None:
    assert noticed(TE + "allow avakill_agent_t avakill_no_write_attr_t:file { write append open };\n", FC)
    sockets = "allow avakill_agent_t self:tcp_socket { create connect write bind };\n"
    assert noticed(TE + sockets + "allow avakill_agent_t port_type:tcp_socket name_connect;\n", FC)


def test_a_base_grant_taken_away_is_noticed() -> None:
    lines = [line for line in TE.splitlines(keepends=True) if "-avakill_label -proc_kcore_t }:dir" not in line]
    assert noticed("".join(lines), FC)


def test_an_agent_that_is_a_domain_of_the_base_policy_is_noticed() -> None:
    """Debian's policy lets every `domain` list `/etc`: the smallest policy that shows it."""
    closed = plan(rule(READS, DENY))
    lowering, te, fc = lowered(closed)
    assert problems(closed, lowering, te, fc) == []
    wrong = problems(closed, lowering, te + "typeattribute avakill_agent_t domain;\n", fc)
    assert any(text.startswith("LEAK") for text in wrong)
