"""What tools do to objects, the operations by which a process does it, and the bridge between them (semantics §2)."""

from __future__ import annotations

from enum import StrEnum


class Effect(StrEnum):
    __hash__ = str.__hash__  # equal to its text, so it hashes as the text does; and Enum's own is slow

    READ = "read"
    WRITE = "write"
    ATTR = "attr"
    CREATE = "create"
    DELETE = "delete"
    EXEC = "exec"
    CONNECT = "connect"


PATH_EFFECTS = (Effect.READ, Effect.WRITE, Effect.ATTR, Effect.CREATE, Effect.DELETE)
"""The effects that a condition on a path argument binds."""

FILE_EFFECTS = (*PATH_EFFECTS, Effect.EXEC)
"""The effects whose objects are paths."""


class Operation(StrEnum):
    """What a process tries; the words of `coverage.json`."""

    __hash__ = str.__hash__

    READ = "read"
    LIST = "list"
    WRITE = "write"
    TRUNCATE = "truncate"
    ATTR = "attr"
    CREATE = "create"
    MKDIR = "mkdir"
    SYMLINK = "symlink"
    LINK = "link"
    RENAME = "rename"
    UNLINK = "unlink"
    RMDIR = "rmdir"
    EXEC = "exec"
    CONNECT = "connect"


EFFECT_OF = {
    Operation.READ: Effect.READ,
    Operation.LIST: Effect.READ,
    Operation.WRITE: Effect.WRITE,
    Operation.TRUNCATE: Effect.WRITE,
    Operation.ATTR: Effect.ATTR,
    Operation.CREATE: Effect.CREATE,
    Operation.MKDIR: Effect.CREATE,
    Operation.SYMLINK: Effect.CREATE,
    Operation.LINK: Effect.CREATE,
    Operation.RENAME: Effect.DELETE,
    Operation.UNLINK: Effect.DELETE,
    Operation.RMDIR: Effect.DELETE,
    Operation.EXEC: Effect.EXEC,
    Operation.CONNECT: Effect.CONNECT,
}
"""The effect that an operation is first of all; rename and link ask more (`backends.judge`)."""

OPERATIONS_OF = {effect: tuple(op for op, of in EFFECT_OF.items() if of is effect) for effect in Effect}

TOOL_EFFECTS: dict[str, frozenset[Effect]] = {
    "file_read": frozenset({Effect.READ}),
    "file_list": frozenset({Effect.READ}),
    "file_search": frozenset({Effect.READ}),
    "content_search": frozenset({Effect.READ}),
    "file_write": frozenset({Effect.WRITE, Effect.CREATE, Effect.ATTR}),
    "file_edit": frozenset({Effect.WRITE, Effect.ATTR}),
    "file_delete": frozenset({Effect.DELETE}),
    "shell_execute": frozenset({Effect.EXEC}),
    "web_fetch": frozenset({Effect.CONNECT}),
    "web_search": frozenset({Effect.CONNECT}),
}
"""The canonical tools (semantics §2)."""

TOOL_ARGUMENTS: dict[str, frozenset[str]] = {
    "file_read": frozenset({"path", "offset", "limit"}),
    "file_list": frozenset({"path", "pattern"}),
    "file_search": frozenset({"path", "pattern"}),
    "content_search": frozenset({"path", "pattern", "query"}),
    "file_write": frozenset({"path", "content"}),
    "file_edit": frozenset({"path", "content", "old_string", "new_string"}),
    "file_delete": frozenset({"path"}),
    "shell_execute": frozenset({"command", "cwd"}),
    "web_fetch": frozenset({"url", "host", "port", "prompt"}),
    "web_search": frozenset({"query", "url", "host", "port"}),
}
"""Which of the known canonical arguments a canonical tool can carry; an argument outside all of these may be carried by any."""

KNOWN_ARGUMENTS = frozenset(name for names in TOOL_ARGUMENTS.values() for name in names)
