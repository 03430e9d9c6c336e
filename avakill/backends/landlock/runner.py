"""Executing needs reading: what an allow of EXEC loses to a deny of READ.

The kernel opens the file that it executes for reading, so Landlock asks READ_FILE and EXECUTE of it (measured, Linux
6.18; `get_required_file_open_access` in security/landlock/fs.c).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice

from avakill.backends.landlock.example import NEW, paths_in
from avakill.backends.landlock.field import EXEC, READ, prefix_of
from avakill.backends.landlock.ground import Ground, Unknown
from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Finding, Lost, Verdict, Witness
from avakill.paths.glob import join, split

MAX_DENIES = 40
UNREAD = "a program that may not be read cannot be executed either: the kernel opens it for reading"


class Runner:
    """What f says of executing, and which allows of it are lost because f denies reading."""

    def __init__(self, plan: Plan, ground: Ground, kept: frozenset[Effect]) -> None:
        layers = plan.layers[Effect.EXEC]
        self._reading = ground if Effect.READ in kept else None
        self._read_layers = plan.layers[Effect.READ]
        if not layers:
            self._running: Ground | None = None
        else:
            self._running = ground if Effect.EXEC in kept else Ground({Effect.EXEC: layers})
        self._layers = layers
        self._apart = [(x.index, id(x.region)) for x in layers] != [(x.index, id(x.region)) for x in self._read_layers]

    def runs(self, path: str) -> bool:
        """Whether f allows executing `path`; also where that took too long to tell."""
        try:
            return self._running is None or self._running.allows(path, EXEC)
        except Unknown:
            return True

    def findings(self) -> Iterator[Finding]:
        if self._reading is None or self._running is None or not self._apart:
            return
        lost: tuple[Lost, ...] = ()
        for layer in self._layers:
            if not layer.denies:
                shown = self._shown(self._reading, self._running, layer)
                if shown is not None:
                    lost = lost or tuple(dict.fromkeys(self._lost()))
                    yield Finding(layer.index, Verdict.STRICTER, UNREAD, frozenset({Effect.EXEC}), shown, lost, layer.span)

    def _lost(self) -> Iterator[Lost]:
        count = 0
        for layer in self._read_layers:
            for piece in layer.region.pieces if layer.denies else ():
                prefix = prefix_of(piece)
                count += 1
                if count > MAX_DENIES:
                    yield Lost((Operation.EXEC,), "/", True)
                    return
                yield Lost((Operation.EXEC,), join(prefix), True)
                yield from (Lost((Operation.EXEC,), join(prefix[:n])) for n in range(len(prefix)))

    def _shown(self, reading: Ground, running: Ground, layer: Layer) -> Witness | None:
        for path in self._candidates(layer):
            try:
                owner = running.decider(path, EXEC)
                if owner is None or owner.index != layer.index:
                    continue
                if not reading.allows(path, READ) or reading.is_ungranted(split(path)[:-1], READ):
                    return Witness(Operation.EXEC, path, policy=True, target=False)
            except Unknown:
                return Witness(Operation.EXEC, path, policy=True, target=False)
        return None

    def _candidates(self, layer: Layer) -> Iterator[str]:
        own = (path for piece in islice(layer.region.pieces, MAX_DENIES) for path in islice(paths_in(piece), 2))
        denies = (piece for denied in self._read_layers if denied.denies for piece in denied.region.pieces)
        others = (path for piece in islice(denies, MAX_DENIES) for path in islice(paths_in(piece), 2))
        return chain(own, others, (f"/{NEW}",))
