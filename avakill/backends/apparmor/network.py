"""CONNECT: AppArmor 3.0.8 knows families of sockets, neither hosts nor ports."""

from __future__ import annotations

from avakill.backends.apparmor.ledger import Ledger
from avakill.backends.plan import Layer, Plan
from avakill.ir.effect import Effect, Operation
from avakill.ir.verdict import Lost, Verdict, Witness


def lower_network(plan: Plan, ledger: Ledger) -> Layer | None:
    """The layer that takes the IP families away, or None; every other deny is UNENFORCEABLE."""
    taken: Layer | None = None
    opened: list[Layer] = []
    for layer in plan.layers[Effect.CONNECT]:
        if not layer.denies:
            opened.append(layer)
        elif any(allow.region.is_everything for allow in opened):
            if all(allow.certain for allow in opened if allow.region.is_everything):
                continue  # an allow above takes all of it
            _refuse(ledger, layer, "a rule above allows every connection on a condition that no kernel sees")
        elif taken is not None:
            _families(ledger, layer)
        elif not layer.region.is_everything:
            _refuse(ledger, layer, "AppArmor 3.0 knows families of sockets, neither hosts nor ports")
        elif opened:
            _refuse(ledger, layer, "AppArmor 3.0 cannot leave some hosts or ports open and close the rest")
        else:
            taken = layer
            _families(ledger, layer)
    return taken


def _refuse(ledger: Ledger, layer: Layer, reason: str) -> None:
    ledger.note(layer.index, Verdict.UNENFORCEABLE, reason, (Effect.CONNECT,))


def _families(ledger: Ledger, layer: Layer) -> None:
    reason = "the whole IP families of sockets are taken away: bind, listen and accept go with connect"
    witness = Witness(Operation.CONNECT, "tcp://192.0.2.1:443", policy=False, target=False)
    lost = (Lost((Operation.CONNECT,), "*"),)
    ledger.note(layer.index, Verdict.STRICTER, reason, (Effect.CONNECT,), witness, lost)
