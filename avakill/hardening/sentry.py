"""Which places an audit event would change, and the hook that refuses.

`hooks` runs this file in a namespace of its own (see there): import by name, and only what is written in C.
"""

from __future__ import annotations

import sys
from _thread import _local
from collections.abc import Callable, Iterator
from errno import EACCES
from os import O_CREAT, O_RDWR, O_TRUNC, O_WRONLY, fspath, getcwd, listdir, readlink, stat
from pathlib import PosixPath
from stat import S_ISDIR

from avakill.hardening.places import Places, UnknowableError

OnAttempt = Callable[[str, str, str], object]
"""Told of a refused attempt: the audit event, the place it named, the protected path."""

Args = tuple[object, ...]

PROTECT = "avakill.hardening.protect"
"""An audit event of ours: more places, and who is told. There is none that takes a place away."""

ASK = "avakill.hardening.ask"
"""An audit event of ours: the hook puts a tuple of the names it protects into the list that it is given."""

INTERPRETER = "cpython.PyInterpreterState_New"
"""A Python hook belongs to one interpreter. CPython 3.11 tells the maker of a second one; 3.12.1 crashes where that is refused,
3.13 tells only the new one. From 3.12 on the hooks of C alone hold there."""

WRITES = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC
"""Flags of which any can change what is there: Linux truncates with `O_RDONLY | O_TRUNC` too."""

ENCODING = sys.getfilesystemencoding()

TARGETS: dict[str, tuple[tuple[int, int | None, bool, bool], ...]] = {
    "os.remove": ((0, 1, False, True),),
    "os.rmdir": ((0, 1, False, True),),
    "os.rename": ((0, 2, False, True), (1, 3, False, True)),
    "os.link": ((0, 2, True, False), (1, 3, False, False)),
    "os.symlink": ((1, 2, False, False),),
    "os.mkdir": ((0, 2, False, False),),
    "os.truncate": ((0, None, True, False),),
    "os.chmod": ((0, 2, True, False),),
    "os.chown": ((0, 3, True, False),),
    "os.chflags": ((0, None, True, False),),
    "os.utime": ((0, 3, True, False),),
    "os.setxattr": ((0, None, True, False),),
    "os.removexattr": ((0, None, True, False),),
    "fcntl.ioctl": ((0, None, True, False),),
}
"""For each path: its argument, that of its directory's descriptor, whether a link at the end is followed, whether the entry goes."""

WATCHED = frozenset({"open", "sqlite3.connect", "socket.bind", "shutil.rmtree", PROTECT, ASK, *TARGETS}) | (
    {INTERPRETER} if sys.version_info < (3, 12) else frozenset()
)


def make_hook() -> Callable[[str, Args], None]:
    """The hook: what it protects is in its closure, to which nothing but `PROTECT` leads."""
    places = Places()
    listeners: list[OnAttempt] = []
    telling = _local()

    def hook(event: str, args: Args) -> None:
        if event not in WATCHED or (event == "open" and _only_reads(args)):
            return
        try:
            if event == PROTECT:
                protect(args)
                return
            if event == ASK:
                answer(args)
                return
            refused = _refused(places, event, args)
        except BaseException as failure:  # an audit hook is an edge: what goes wrong in it refuses
            refused = ("", f"what would be changed cannot be told ({type(failure).__name__}: {failure})")
        if refused is not None:
            tell(event, *refused)
            raise PermissionError(EACCES, f"avakill refuses {event}: protected: {refused[1]}", refused[0])

    def protect(args: Args) -> None:
        match args:
            case (paths, listener) if type(paths) is tuple:
                for path in paths:
                    places.add(_text(path))
                if callable(listener) and all(one is not listener for one in listeners):
                    listeners.append(listener)

    def answer(args: Args) -> None:
        match args:
            case (answers,) if type(answers) is list:  # of a subclass, `append` would run here, and see our frames
                answers.append(tuple(sorted(places.names)))

    def tell(event: str, place: str, name: str) -> None:
        """A listener may open files itself: those are checked too, only the telling does not nest."""
        if getattr(telling, "now", False):
            return
        telling.now = True
        try:
            for listener in tuple(listeners):
                _call(listener, event, place, name)
        finally:
            telling.now = False

    return hook


def _call(listener: OnAttempt, event: str, place: str, name: str) -> None:
    try:
        listener(event, place, name)
    except BaseException:  # the refusal stands whatever its listener does
        return


def _only_reads(args: Args) -> bool:
    """readline and TLS say 0 for their flags: the mode tells there."""
    match args:
        case (_, mode, flags) if type(flags) is int and not flags & WRITES:
            return mode is None or (type(mode) is str and not {"w", "a", "x", "+"} & set(mode))
    return False


def _refused(places: Places, event: str, args: Args) -> tuple[str, str] | None:
    """The place named and the protected one it would change."""
    if event == INTERPRETER:
        raise UnknowableError("another interpreter would not have this hook")
    for path, follows, removes in _changed(event, args):
        found = places.find(path, follows, removes)
        if found is not None:
            return path, found
    return None


def _changed(event: str, args: Args) -> Iterator[tuple[str, bool, bool]]:
    """Absolute paths that would be changed; several where it is not known which."""
    match event:
        case "open":
            if type(args[0]) is not int:  # a descriptor gains no right by being wrapped
                for path in _opened(_text(args[0]), args[1] is None):
                    yield path, True, False
        case "sqlite3.connect":
            for text in _databases(_text(_plain(args[0]))):
                yield _here(text), True, False
        case "socket.bind":
            if issubclass(type(args[1]), (str, bytes)) and not (text := _text(args[1])).startswith("\0"):
                yield _here(text), False, False
        case "shutil.rmtree":  # what is in it raises events of its own: this one is early, so that nothing is half removed
            if issubclass(type(root := _plain(args[0])), (str, bytes)):
                yield from _at(root, args[1] if len(args) > 1 else None, False, True)
        case _:
            for index, directory, follows, removes in TARGETS[event]:
                yield from _at(args[index], None if directory is None else args[directory], follows, removes)


def _at(path: object, directory: object, follows: bool, removes: bool) -> Iterator[tuple[str, bool, bool]]:
    if type(path) is int:
        base, text = _descriptor(path), ""
    else:
        text = _text(path)
        given = type(directory) is int and directory != -1 and not text.startswith("/")
        base = _descriptor(directory) if given and type(directory) is int else getcwd() if not text.startswith("/") else "/"
    if base.startswith("/"):  # not a pipe, not a socket
        yield _joined(base, text), follows, removes


def _opened(text: str, by_descriptor: bool) -> Iterator[str]:
    """`open` does not tell its `dir_fd`: it can be any directory that is open now."""
    yield _here(text)
    if by_descriptor and not text.startswith("/"):
        for name in listdir(DESCRIPTORS):
            base = _directory(int(name))
            if base is not None:
                yield _joined(base, text)


def _directory(descriptor: int) -> str | None:
    try:
        return _descriptor(descriptor) if S_ISDIR(stat(descriptor).st_mode) else None
    except OSError:  # closed meanwhile, as the one is through which we list them
        return None


def _databases(text: str) -> Iterator[str]:
    """SQLite takes a name, or a URI where it is told to, which the event does not say."""
    if text and text != ":memory:":
        yield text
    if text.startswith("file:"):
        path = text[5:].partition("?")[0].partition("#")[0]
        if path.startswith("//"):
            path = "/" + path[2:].partition("/")[2]
        yield _unquoted(path)


def _unquoted(text: str) -> str:
    first, *rest = text.split("%")
    parts = [first.encode(ENCODING, "surrogateescape")]
    for piece in rest:
        try:
            parts.append(bytes((int(piece[:2], 16),)) + piece[2:].encode(ENCODING, "surrogateescape"))
        except ValueError:
            parts.append(b"%" + piece.encode(ENCODING, "surrogateescape"))
    return b"".join(parts).decode(ENCODING, "surrogateescape")


def _plain(path: object) -> object:
    """A path of pathlib as text, where the event gives the object itself."""
    return fspath(path) if type(path) is PosixPath else path


def _text(path: object) -> str:
    """The characters themselves: a subclass may answer otherwise each time it is asked, and any other object too."""
    if isinstance(path, str) and issubclass(type(path), str):
        return str.__str__(path)
    if isinstance(path, bytes) and issubclass(type(path), bytes):
        return bytes.decode(path, ENCODING, "surrogateescape")
    raise UnknowableError("a path that is neither str nor bytes")


def _here(text: str) -> str:
    return text if text.startswith("/") else f"{getcwd()}/{text}"


def _joined(base: str, text: str) -> str:
    return text if text.startswith("/") else f"{base}/{text}"


if sys.platform == "darwin":
    from fcntl import F_GETPATH, fcntl

    DESCRIPTORS = "/dev/fd"

    def _descriptor(descriptor: int) -> str:
        return fcntl(descriptor, F_GETPATH, bytes(1024)).rstrip(b"\0").decode(ENCODING, "surrogateescape")
else:
    DESCRIPTORS = "/proc/self/fd"

    def _descriptor(descriptor: int) -> str:
        return readlink(f"{DESCRIPTORS}/{descriptor}")
