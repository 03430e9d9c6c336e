"""The findings of a plan made precise by its expansion on one machine: which directories are split, which files match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from avakill.backends.judge import Probe, judge
from avakill.backends.landlock.example import NEW
from avakill.backends.landlock.expand import Expansion, Split
from avakill.backends.landlock.field import is_tree, prefix_of
from avakill.backends.landlock.model import is_loose
from avakill.backends.landlock.tree import FileTree
from avakill.backends.plan import Plan
from avakill.ir.effect import FILE_EFFECTS, Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.glob import join

MAX_LISTED = 50
NAMED = (Operation.RENAME, Operation.LINK)


def expanded_findings(plan: Plan, findings: Iterable[Finding], expansion: Expansion, tree: FileTree) -> tuple[Finding, ...]:
    """`findings` as they are on this machine. What the walk did not reach is confessed."""
    here = _Here(plan, expansion, tree)
    found = [precise for finding in findings if (precise := here.precise(finding)) is not None]
    return (*found, *_unwalked(plan, expansion))


def _unwalked(plan: Plan, expansion: Expansion) -> Iterator[Finding]:
    for place in expansion.unwalked:
        for index in sorted(place.rows):
            reason = f"the walk ended at {place.path} ({place.reason}): what the pattern matches below it is open"
            found = Witness(Operation.READ, f"{place.path}/{NEW}", policy=False, target=True)
            span = plan.row_by_index[index].span
            yield Finding(index, Verdict.WEAKER, reason, frozenset({place.effect}), found, span=span)


class _Here:
    def __init__(self, plan: Plan, expansion: Expansion, tree: FileTree) -> None:
        self._plan = plan
        self._tree = tree
        self._splits: dict[str, list[Split]] = {}
        for split in expansion.splits:
            self._splits.setdefault(split.path, []).append(split)
        self._matches = Counter((match.index, match.effect) for match in expansion.matches)
        self._matched: dict[int, list[str]] = {}
        for match in expansion.matches:
            if match.effect is Effect.READ:
                self._matched.setdefault(match.index, []).append(match.path)
        self._zones: dict[int, frozenset[str]] = {}

    def precise(self, finding: Finding) -> Finding | None:
        if finding.verdict is Verdict.STRICTER and finding.effects & set(FILE_EFFECTS):
            return self._stricter(finding)
        if finding.verdict is Verdict.WEAKER and finding.effects and self._is_at_any_depth(finding):
            count = max(self._matches[(finding.index, effect)] for effect in finding.effects)
            return replace(finding, reason=f"{finding.reason} (matching now, and covered: {count})")
        return finding

    def _is_at_any_depth(self, finding: Finding) -> bool:
        return any(
            is_loose(piece)
            for effect in finding.effects & set(FILE_EFFECTS)
            for layer in self._plan.layers[effect]
            if layer.index == finding.index
            for piece in layer.region.pieces
        )

    def _stricter(self, finding: Finding) -> Finding | None:
        lost = tuple(dict.fromkeys(entry for entry in finding.lost for entry in self._places(finding, entry)))
        if not lost:
            return None
        return replace(finding, lost=lost, witness=self._witness(lost) or finding.witness)

    def _places(self, finding: Finding, lost: Lost) -> Iterator[Lost]:
        if not lost.below:
            if self._is_split(lost.place, finding.effects):
                yield lost
            return
        if lost.operations == (Operation.EXEC,) and lost.place in self._own_zones(finding.index):
            yield from (Lost(lost.operations, path, True) for path in self._matched.get(finding.index, ())[:MAX_LISTED])
            return
        if self._tree.kind(lost.place) is None or lost.operations in ((Operation.RENAME,), (Operation.EXEC,)):
            if lost.place not in self._own_zones(finding.index):
                yield lost
            return
        if lost.place not in self._own_zones(finding.index):
            yield lost._replace(below=False)
        start = lost.place.rstrip("/") + "/"
        for place in self._splits:
            inside = place == lost.place or place.startswith(start)
            if inside and self._is_split(place, finding.effects):
                yield Lost(lost.operations, place)

    def _is_split(self, place: str, effects: frozenset[Effect]) -> bool:
        return any(not effects or split.effect in effects for split in self._splits.get(place, ()))

    def _own_zones(self, index: int) -> frozenset[str]:
        """Where the row's own patterns with wildcards begin: what they cost below is known from the walk."""
        if index not in self._zones:
            self._zones[index] = frozenset(
                join(prefix_of(piece))
                for effect in FILE_EFFECTS
                for layer in self._plan.layers[effect]
                if layer.index == index and layer.denies
                for piece in layer.region.pieces
                if piece.within and not is_tree(piece) and not piece.without
            )
        return self._zones[index]

    def _witness(self, lost: tuple[Lost, ...]) -> Witness | None:
        for entry in lost:
            for operation in entry.operations:
                if operation not in NAMED:
                    place = entry.place
                    path = place if operation is Operation.LIST else f"{place.rstrip('/')}/{NEW}"
                    if judge(self._plan, Probe(operation, path)).allowed:
                        return Witness(operation, path, policy=True, target=False)
        return None
