"""The audit hook in real processes: every way of writing, every way around, and what stays possible."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import need
from tests.hardening.attacks import AROUND, HARMLESS, LIMITS, SUBINTERPRETER, WRITES
from tests.hardening.child import attacked


@pytest.mark.parametrize("name", WRITES)
def test_no_way_of_writing_changes_what_is_protected(name: str, tmp_path: Path) -> None:
    before = "os.setxattr(safe, 'user.x', b'x')" if name == "removexattr" else ""
    ended = attacked(tmp_path, WRITES[name], before)
    assert (ended.answer, ended.changed) == ("refused", ())
    assert ended.told


@pytest.mark.parametrize("name", AROUND)
def test_no_way_around_the_hook_is_open(name: str, tmp_path: Path) -> None:
    ended = attacked(tmp_path, AROUND[name])
    assert (ended.answer, ended.changed) == ("refused", ())


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="only the hooks of C hold there: see docs/hardening.md")
def test_no_second_interpreter_without_the_hook(tmp_path: Path) -> None:
    ended = attacked(tmp_path, SUBINTERPRETER)
    assert (ended.answer, ended.changed) == ("RuntimeError: interpreter creation failed", ())


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_goes_on(name: str, tmp_path: Path) -> None:
    ended = attacked(tmp_path, HARMLESS[name])
    assert (ended.answer, ended.told) == ("done", ())


def test_a_refusal_names_the_event_the_path_and_what_is_protected(tmp_path: Path) -> None:
    ended = attacked(tmp_path, "os.remove('way/safe.yaml')")
    assert ended.told == (("os.remove", f"{tmp_path}/way/safe.yaml", f"{tmp_path}/safe.yaml"),)


def test_paths_are_added_and_the_hook_is_one(tmp_path: Path) -> None:
    ended = attacked(
        tmp_path,
        """
from avakill.hardening import hooks
calls = []
hooks.protect_files([where / 'free'], lambda *a: calls.append(a))
try: open('free/file', 'w')
except PermissionError: pass
assert len(calls) == 1 == len(hooks._answers()), calls
open(safe, 'w')
""",
    )
    assert ended.answer == "refused"


def test_without_a_call_nothing_is_installed(tmp_path: Path) -> None:
    before = "import avakill.hardening.hooks as h; assert not h.is_installed() and h.protected_names() == ()"
    ended = attacked(tmp_path, "assert True", before)
    assert ended.answer == "done"


def test_a_number_given_anew_is_not_taken_for_the_protected_file(tmp_path: Path) -> None:
    """Another process replaces the file; what then gets the old inode is a stranger."""
    ended = attacked(
        tmp_path,
        """
import subprocess
os.remove('link')
subprocess.run(['sh', '-c', 'rm twin; cp safe.yaml n && mv n safe.yaml'], check=True)
for number in range(50): open(f'free/{number}', 'w').write('x')
""",
    )
    assert ended.answer == "done"


def test_the_manager_installs_once_asked_and_adds_at_once_after(tmp_path: Path) -> None:
    attack = """
from avakill.hardening import AuditHookManager
calls = []
manager = AuditHookManager([where / 'free'], lambda *attempt: calls.append(attempt))
open('free/file', 'w')
manager.install()
assert manager.is_installed
manager.add_protected_path('real2')
for path in ('free/file', 'real2'):
    try: open(path, 'w')
    except PermissionError: continue
    raise AssertionError(path)
assert [attempt[0] for attempt in calls] == ['open', 'open']
"""
    assert attacked(tmp_path, attack).answer == "done"


def test_without_the_hooks_of_c_nothing_is_called_hardened(tmp_path: Path) -> None:
    attack = """
from avakill.hardening import c_hooks_available, harden, hardened_available, is_hardened
assert not hardened_available() and not c_hooks_available() and not is_hardened()
harden([safe])
"""
    ended = attacked(tmp_path, attack, "sys.modules['avakill.hardening._hooks'] = None")
    assert ended.answer.startswith("OSError: avakill was built without the hooks of C")


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_not_held_is_told_on_the_page(name: str, tmp_path: Path) -> None:
    """Whoever closes one of these takes it off the page."""
    need(name != "readline" or find_spec("readline") is not None, "this Python has no readline")
    place, attack = LIMITS[name]
    ended = attacked(tmp_path, attack)
    assert (ended.answer, ended.changed) == ("done", (place,))
    page = (Path(__file__).parents[2] / "docs" / "hardening.md").read_text()
    assert name in page.partition("## What they do not hold")[2]
