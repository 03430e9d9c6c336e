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
CELLS = [(name, backend, cell) for name, row in TABLE.items() for backend, cell in zip(BACKENDS, row, strict=True)]


def denying(name: str, backend: str) -> RowVerdict:
    """The worst of the fixture's denying rules."""
    emission = next(e for e in made(name).emissions if e.backend.name == backend)
    rows = [row for row in emission.rows if row.row.denies and row.row.index >= 0]
    return max(rows, key=lambda row: list(Verdict).index(row.verdict))


@pytest.mark.parametrize(("name", "backend", "enough"), CELLS)
def test_a_cell_of_the_table_is_reached(name: str, backend: str, enough: tuple[Verdict, ...]) -> None:
    found = denying(name, backend)
    assert found.verdict in enough, [finding.reason for finding in found.findings]


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
