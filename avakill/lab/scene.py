"""The objects that one trial touches: as they were, whether the effect took place, and how all is put back."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation
from avakill.lab.snapshot import Node, look, look_with_flags, move_back, put_back, remake_directory, remove
from avakill.lab.spelling import Request, bytes_of
from avakill.lab.stage import beside, relative

TAKING = frozenset({Operation.RENAME, Operation.UNLINK, Operation.RMDIR})


class Spoiled(Exception):
    """The world is not as it was, and cannot be made so in place."""


@dataclass(frozen=True, slots=True)
class Touched:
    """A path that the trial may change, as the supervisor spells it, and what was there."""

    path: bytes
    was: Node | None


@dataclass(slots=True)
class Scene:
    """One trial's objects. `remade` are the directories that had to be made anew: a layer by inode no longer knows them."""

    door: str
    operation: Operation
    object: Touched
    to: Touched | None
    request: Request
    remade: list[bytes] = field(default_factory=list)
    stashed: bytes = b""

    @property
    def touched(self) -> tuple[Touched, ...]:
        return (self.object,) if self.to is None else (self.object, self.to)


def open_scene(door: str, probe: Probe, request: Request, stash: Callable[[bytes], bytes] = beside) -> Scene:
    """Looks, and lays what the trial needs beside its objects. Raises OSError."""
    if probe.operation is Operation.CONNECT:
        return Scene(door, probe.operation, Touched(b"", None), None, request)
    scene = Scene(door, probe.operation, _seen(door, probe.object), _seen(door, probe.to) if probe.to is not None else None, request)
    for path, text in request.links:
        os.symlink(bytes_of(text), relative(bytes_of(path)))
    if request.script is not None:
        _write_script(relative(bytes_of(request.script[0])), request.script[1])
    taken = _taken(scene)
    if taken is not None:
        scene.stashed = stash(taken)
        os.link(taken, scene.stashed, follow_symlinks=False)
    return scene


def _seen(door: str, path: str) -> Touched:
    here = relative(bytes_of(path))
    return Touched(here, look_with_flags(here) if door == "flags" else look(here))


def _write_script(path: bytes, text: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755)
    os.write(fd, text)
    os.close(fd)


def _taken(scene: Scene) -> bytes | None:
    """The file that loses its last name if the trial succeeds."""
    lost = scene.to if scene.operation is Operation.RENAME else scene.object
    if scene.operation not in TAKING or scene.door == "exchange" or lost is None or lost.was is None or lost.was.is_directory:
        return None
    return lost.path


def took_place(scene: Scene) -> bool:
    """Whether what the prober says it did is there."""
    was, now = scene.object.was, _now(scene, scene.object)
    match scene.operation:
        case Operation.WRITE:
            return scene.door == "tmpfile" or (now is not None and was is not None and now.content != was.content)
        case Operation.TRUNCATE:
            return now is not None and now.content == b""
        case Operation.ATTR:
            return now != was
        case Operation.CREATE:
            return now is not None and was is None
        case Operation.MKDIR:
            return now is not None and now.is_directory
        case Operation.SYMLINK:
            return now is not None and now.content == b"nowhere"
        case Operation.UNLINK | Operation.RMDIR:
            return now is None
        case Operation.LINK:
            return _is(was, _to_now(scene))
        case Operation.RENAME:
            return _is(was, _to_now(scene)) and not _is(was, now)
        case _:
            return True  # the prober itself saw what it read, listed, ran or reached


def _now(scene: Scene, touched: Touched) -> Node | None:
    return look_with_flags(touched.path) if scene.door == "flags" else look(touched.path)


def _to_now(scene: Scene) -> Node | None:
    return None if scene.to is None else look(scene.to.path)


def _is(was: Node | None, now: Node | None) -> bool:
    return was is not None and now is not None and was.inode == now.inode


def close_scene(scene: Scene) -> None:
    """All as it was. Raises Spoiled."""
    if scene.operation is Operation.CONNECT:
        return
    try:
        _undo_move(scene)
        for touched in scene.touched:
            _undo(scene, touched)
        _tidy(scene)
    except OSError as error:
        raise Spoiled(str(error)) from error


def _undo_move(scene: Scene) -> None:
    was, to = scene.object.was, scene.to
    if scene.operation is not Operation.RENAME or to is None or was is None:
        return
    here, there = look(scene.object.path), look(to.path)
    if _is(was, there) and not _is(was, here):
        move_back(to.path, scene.object.path, exchanged=here is not None)


def _undo(scene: Scene, touched: Touched) -> None:
    now, was = _now(scene, touched), touched.was
    if now == was:
        return
    if now is not None and not _is(was, now):
        remove(touched.path)
        now = None
    if was is None:
        return
    if now is None and was.is_directory:
        remake_directory(touched.path, was)
        scene.remade.append(touched.path)
        return
    if now is None:
        os.link(scene.stashed, touched.path, follow_symlinks=False)
        now = look(touched.path)
    put_back(touched.path, now, was)


def _tidy(scene: Scene) -> None:
    """The stashed link, symlinks, script and copies go; then the objects must be as they were."""
    if scene.stashed:
        remove(scene.stashed)
    for path, _ in scene.request.links:
        remove(relative(bytes_of(path)))
    if scene.request.script is not None:
        remove(relative(bytes_of(scene.request.script[0])))
    if scene.door == "copy-exec":
        remove(b"run/avakill-lab/copy")
    for touched in scene.touched:
        now, was = _now(scene, touched), touched.was
        if not _same(now, was, touched.path in scene.remade):
            raise Spoiled(f"not as it was: {touched.path!r}")


def _same(now: Node | None, was: Node | None, remade: bool) -> bool:
    if now is None or was is None or now == was:
        return now == was
    if not now.is_directory:
        return False
    # times of a directory change with what is made and unmade in it; a remade one is another inode
    return (now.mode, now.uid, now.gid, now.xattrs, now.flags) == (was.mode, was.uid, was.gid, was.xattrs, was.flags) and (
        remade or now.inode == was.inode
    )
