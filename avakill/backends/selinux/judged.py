"""Where labels and policy differ at one path, as claims: objects that come later, new names, programs that are read."""

from __future__ import annotations

from avakill.backends.plan import SELF_PROTECTION
from avakill.backends.selinux import claims as say
from avakill.backends.selinux.claims import Claims
from avakill.backends.selinux.ground import Ground, parent
from avakill.backends.selinux.model import BIT, Closed
from avakill.backends.selinux.units import Node, Unit, owner, settle
from avakill.ir.effect import OPERATIONS_OF, Effect, Operation
from avakill.ir.verdict import Witness
from avakill.paths.glob import join

OWN = (Effect.READ, Effect.WRITE, Effect.ATTR, Effect.DELETE, Effect.EXEC)
NAMES = (Operation.CREATE, Operation.MKDIR, Operation.SYMLINK, Operation.LINK, Operation.RENAME)
GOING = (Operation.UNLINK, Operation.RMDIR, Operation.RENAME)
OF_DIRECTORIES = (Effect.READ, Effect.WRITE, Effect.ATTR, Effect.DELETE)
MOVER = "avakill-other"


def claim_node(claims: Claims, ground: Ground, node: Node, exists: bool | None) -> None:
    """What the label of a literal path loses and adds. Where nobody looked (`exists` is None) it is taken to be there, but for
    what self-protection names: a signature is often missing."""
    path = join(node.path)
    here, closed, around = _surroundings(ground, node, path)
    claim_reading(claims, here, closed, path, path)
    if node.below is not node.here:
        claim_reading(claims, node.below, node.closed_below, path, join((*node.path, MOVER)))
        claim_directory(claims, ground, node, node_label(ground, node))
    if node.path:
        _claim_name(claims, path, here, closed, around)
        if exists is False:
            claim_later(claims, ground, path, path, absent=True)
        elif exists is None:
            claim_planted(claims, here, settle(around), path)


def _surroundings(ground: Ground, node: Node, path: str) -> tuple[tuple[Unit, ...], int, tuple[Unit, ...]]:
    """What holds a literal path, what that closes, and what holds every new name beside it."""
    if ground.patterns:
        here = ground.here(path)
        return here, settle(here), ground.inside(parent(path))
    return node.here, node.closed_here, node.around


def claim_reading(claims: Claims, here: tuple[Unit, ...], closed: int, place: str, at: str) -> None:
    """A program that cannot be read cannot be run."""
    if closed & Closed.READ and not closed & Closed.EXEC:
        reader, runner = owner(here, Closed.READ), owner(here, Closed.EXEC)
        assert reader is not None
        claims.stricter((reader.index,), say.READ_STOPS_EXEC, Effect.READ, (Operation.EXEC,), place, True, at)
        if runner is not None:
            claims.stricter((runner.index,), say.READ_STOPS_EXEC, Effect.EXEC, (Operation.EXEC,), place, True, at)


def stays(closed: int, around: tuple[Unit, ...]) -> bool:
    """Whether the object that bears a name must stay, for nothing else keeps another from taking the name."""
    return bool(closed & Closed.CREATE) and not closed & Closed.DELETE and not settle(around) & Closed.CREATE


def _claim_name(claims: Claims, path: str, here: tuple[Unit, ...], closed: int, around: tuple[Unit, ...]) -> None:
    if stays(closed, around):
        maker, remover = owner(here, Closed.CREATE), owner(here, Closed.DELETE)
        assert maker is not None
        claims.stricter((maker.index,), say.ROOT_STAYS, Effect.CREATE, GOING, path, False, path)
        if remover is not None:
            claims.stricter((remover.index,), say.ROOT_STAYS, Effect.DELETE, GOING, path, False, path)
    elif not closed & Closed.CREATE and settle(around) & Closed.CREATE:
        maker, keeper = owner(here, Closed.CREATE), owner(around, Closed.CREATE)
        assert keeper is not None
        rows = (keeper.index, *((maker.index,) if maker is not None else ()))
        claims.stricter(rows, say.HOLE_NAME, Effect.CREATE, NAMES, path, False, path)


def claim_later(claims: Claims, ground: Ground, path: str, place: str, absent: bool) -> None:
    """`path` stands for what takes such a name after labels were applied: it bears its directory's label."""
    here = ground.here(path)
    wanted = settle(here)
    directory = ground.of_directory(parent(path))
    for effect in OWN:
        bit = BIT[effect]
        mine = owner(here, bit)
        closed = bit & directory or (effect is Effect.EXEC and directory & Closed.READ)
        operation = Operation.UNLINK if effect is Effect.DELETE else OPERATIONS_OF[effect][0]
        if bit & wanted and not closed:
            assert mine is not None
            reason = say.LATER_ABSENT if absent else say.LATER_DENY
            claims.weaker(mine.index, reason, bit, Witness(operation, path, policy=False, target=True))
        elif not bit & wanted and closed:
            keeper = owner(ground.here(parent(path)), bit if bit & directory else Closed.READ)
            rows = tuple(unit.index for unit in (keeper, mine) if unit is not None)
            reason = say.ABSENT_HOLE if absent else say.LATER_HOLE
            claims.stricter(rows, reason, effect, OPERATIONS_OF[effect], place, True, path)
    _claim_new_name(claims, ground, path, place, absent)


def _claim_new_name(claims: Claims, ground: Ground, path: str, place: str, absent: bool) -> None:
    around = ground.inside(parent(path))
    maker = owner(ground.here(path), Closed.CREATE)
    refused = maker is not None and maker.denies
    closed = settle(around) & Closed.CREATE
    if refused and not closed:
        assert maker is not None
        beside = join((*_names(parent(path)), MOVER))
        free = not ground.of_directory(parent(path)) & Closed.DELETE
        witness = Witness(Operation.RENAME, beside if free else f"/tmp/{MOVER}", policy=False, target=True, to=path)
        claims.weaker(maker.index, say.LATER_ABSENT if absent else say.LATER_DENY, Closed.CREATE, witness)
    elif closed and not refused:
        keeper = owner(around, Closed.CREATE)
        rows = tuple(unit.index for unit in (keeper, maker) if unit is not None)
        claims.stricter(rows, say.NAMES_CLOSED, Effect.CREATE, NAMES, place, True, path)


def claim_planted(claims: Claims, here: tuple[Unit, ...], around: int, path: str) -> None:
    """Self-protection's own name, where nobody looked whether it is there; `around` is what its directory refuses."""
    maker = owner(here, Closed.CREATE)
    if maker is not None and maker.index == SELF_PROTECTION and not around & Closed.CREATE:
        claims.weaker(maker.index, say.PLANTED, Closed.CREATE, Witness(Operation.CREATE, path, policy=False, target=True))


def claim_directory(claims: Claims, ground: Ground, node: Node, label: int) -> None:
    """What a directory refuses beyond a file of that name."""
    path = join(node.path)
    here = ground.here(path)
    more = directory_label(ground, node, label) & ~label & ~settle(here)
    for effect in OF_DIRECTORIES:
        keeper, mine = owner(ground.inside(path), BIT[effect]), owner(here, BIT[effect])
        if more & BIT[effect] and keeper is not None:
            rows = (keeper.index, *((mine.index,) if mine is not None else ()))
            claims.stricter(rows, say.DIRECTORY_CLOSED, effect, OPERATIONS_OF[effect], path, False, path)


def _names(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name)


def node_label(ground: Ground, node: Node) -> int:
    """The label of a literal path itself."""
    path = join(node.path)
    _, closed, around = _surroundings(ground, node, path)
    inside = settle(ground.inside(path)) if ground.patterns else node.closed_below
    found = (closed & ~Closed.CREATE) | (inside & Closed.CREATE)
    return found | Closed.DELETE if node.path and stays(closed, around) else found


def directory_label(ground: Ground, node: Node, label: int) -> int:
    """The label of a directory at a literal path whose other objects bear `label`. What is made in it gets its label (Linux 6.12
    hooks.c, `inode_init_security`), so where that may be, nothing is open that is closed to what is below it."""
    if node.here is node.below or label & Closed.CREATE:
        return label
    return label | (settle(ground.inside(join(node.path))) & ~Closed.CREATE)
