"""Every row of the least-verdict table (semantics §5) is reached by a fixture."""

from __future__ import annotations

import pytest

from avakill.ir.effect import Operation
from avakill.ir.verdict import Verdict
from avakill.pipeline import RowVerdict
from tests.golden.fixtures import BACKENDS, made

E, S, W, U = Verdict.EXACT, Verdict.STRICTER, Verdict.WEAKER, Verdict.UNENFORCEABLE
TABLE: dict[str, tuple[tuple[Verdict, ...], ...]] = {
    # fixture: what is good enough on landlock, apparmor, selinux, sbpl, tetragon, seccomp
    "shape-tree": ((E, S), (E,), (E,), (E,), (E, S), (U,)),
    "shape-read-only": ((E, S), (E,), (E,), (E,), (E, S), (U,)),
    "shape-delete-only": ((E, S), (E, S), (E,), (E,), (E,), (U,)),
    "shape-hole": ((E, S), (E,), (E,), (E,), (E,), (U,)),
    "shape-deny-in-hole": ((E, S), (E,), (E,), (E,), (E,), (U,)),
    "shape-later-files": ((E, S, W), (E, W), (E, S, W), (E,), (E, S), (U,)),
    "shape-missing-tree": ((E, S), (E,), (E, S, W), (E,), (E,), (U,)),
    "shape-web-fetch": ((E, S, W), (E, S), (E, S), (E,), (E, S), (E, S)),
    "shape-shell-allowlist": ((E, S), (E,), (E, S), (E,), (E,), (U,)),
}
IMPOSSIBLE: dict[tuple[str, str], tuple[Verdict, str]] = {
    # The next honest verdict where a cell cannot be reached, and why; docs/measured.md has what kernels answered.
    ("shape-tree", "apparmor"): (S, "an ancestor's rename can only be denied by `w`, which is also its chmod and chown"),
    ("shape-hole", "apparmor"): (S, "the same"),
    ("shape-deny-in-hole", "apparmor"): (S, "the same"),
    ("shape-missing-tree", "apparmor"): (S, "the same"),
    ("shape-read-only", "apparmor"): (S, "the same; and a rename asks reading of the old name, inside the tree too"),
    ("shape-tree", "selinux"): (S, "a program is opened for reading when it starts: a read deny also stops exec"),
    ("shape-read-only", "selinux"): (S, "a program is opened for reading when it starts: a read deny also stops exec"),
    ("shape-hole", "selinux"): (S, "the same; and `add_name` knows no names: the hole's own name cannot be made"),
    ("shape-deny-in-hole", "selinux"): (S, "the same"),
    ("shape-read-only", "sbpl"): (S, "a rename asks no more than unlink and create: what may be deleted may be moved out"),
    ("shape-later-files", "sbpl"): (W, "a renamed parent takes the file out of the pattern, as on apparmor"),
    ("shape-hole", "tetragon"): (S, "a read deny also stops exec, as for the tree"),
    ("shape-deny-in-hole", "tetragon"): (S, "a read deny also stops exec, as for the tree"),
    ("shape-missing-tree", "tetragon"): (S, "a read deny also stops exec, as for the tree"),
    ("shape-shell-allowlist", "apparmor"): (
        S,
        "a rename does not ask `x`: what may run must not be written, or another is moved over it",
    ),
    ("shape-shell-allowlist", "sbpl"): (S, "the same: no gain by a rename over what may run"),
}
CELLS = [(name, backend, cell) for name, row in TABLE.items() for backend, cell in zip(BACKENDS, row, strict=True)]


def denying(name: str, backend: str) -> RowVerdict:
    """The worst of the fixture's denying rules."""
    emission = next(e for e in made(name).emissions if e.backend.name == backend)
    rows = [row for row in emission.rows if row.row.denies and row.row.index >= 0]
    return max(rows, key=lambda row: list(Verdict).index(row.verdict))


@pytest.mark.parametrize(("name", "backend", "enough"), CELLS)
def test_a_cell_of_the_table_is_reached(name: str, backend: str, enough: tuple[Verdict, ...]) -> None:
    found = denying(name, backend)
    expected = (IMPOSSIBLE[name, backend][0],) if (name, backend) in IMPOSSIBLE else enough
    assert found.verdict in expected, [finding.reason for finding in found.findings]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_condition_on_a_command_line_is_unenforceable_and_lowers_nothing(backend: str) -> None:
    build = made("shape-command-line")
    emission = next(e for e in build.emissions if e.backend.name == backend)
    rows = [row for row in emission.rows if row.row.index >= 0]
    assert [row.verdict for row in rows] == [U, U]
    assert all(any(finding.reason for finding in row.findings) for row in rows)


@pytest.mark.parametrize(("backend", "blind"), [("landlock", Operation.ATTR), ("apparmor", Operation.ATTR)])
def test_what_a_layer_does_not_mediate_stands_beside_the_verdict(backend: str, blind: Operation) -> None:
    assert blind in denying("shape-tree", backend).blind
