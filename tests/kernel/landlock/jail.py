"""A child process under a ruleset that does what it is told and says which system call failed how."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Any

from avakill.backends.landlock.expand import Expansion
from avakill.enforce.landlock import apply

MSG_FASTOPEN = 0x20000000
DENIED = (13, 18, 1)  # EACCES, EXDEV, EPERM


def do(operation: str, path: str, to: str | None = None) -> int:
    """Tries one operation; 0 or the errno."""
    try:
        _do(operation, path, to)
    except OSError as error:
        return error.errno or -1
    return 0


def _do(operation: str, path: str, to: str | None) -> None:
    match operation:
        case "read":
            os.close(os.open(path, os.O_RDONLY))
        case "list":
            os.listdir(path)
        case "write":
            os.close(os.open(path, os.O_WRONLY))
        case "truncate":
            os.truncate(path, os.stat(path).st_size)
        case "read-trunc":
            os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))
        case "create":
            os.mknod(path)  # not open: that asks for WRITE on the new file too
        case "mkdir":
            os.mkdir(path)
        case "symlink":
            os.symlink("nowhere", path)
        case "unlink":
            os.unlink(path)
        case "rmdir":
            os.rmdir(path)
        case "rename":
            os.rename(path, str(to))
        case "link":
            os.link(path, str(to), follow_symlinks=False)
        case "tmpfile":
            os.close(os.open(path, os.O_TMPFILE | os.O_WRONLY, 0o600))
        case "exec":
            _run(path)
        case "tcp":
            _connect(socket.SOCK_STREAM, int(path))
        case "fast-open":
            with socket.socket() as sock:
                try:
                    sock.sendto(b"x", MSG_FASTOPEN, ("127.0.0.1", int(path)))
                except ConnectionRefusedError:
                    return
        case "udp":
            _connect(socket.SOCK_DGRAM, int(path))
        case other:
            raise AssertionError(other)


def _run(path: str) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            os.execv(path, [path])
        except OSError as error:
            os._exit(100 + (error.errno or 0) % 100)
        finally:
            os._exit(99)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status >= 100:
        raise OSError(status - 100, "exec")


def _connect(kind: socket.SocketKind, port: int) -> None:
    with socket.socket(socket.AF_INET, kind) as sock:
        try:
            sock.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            return


class Jail:
    """`with Jail(expansion) as jail: jail("read", path)` answers 0 or the errno, from inside."""

    def __init__(self, expansion: Expansion) -> None:
        self._expansion = expansion

    def __enter__(self) -> Jail:
        ask_read, self._ask = os.pipe()
        self._answer, answer_write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._ask)
            os.close(self._answer)
            _serve(self._expansion, ask_read, answer_write)
        os.close(ask_read)
        os.close(answer_write)
        self._out = os.fdopen(self._answer, "r")
        assert self._out.readline() == "ready\n"
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._ask)
        self._out.close()
        os.waitpid(self._pid, 0)

    def __call__(self, operation: str, path: str, to: str | None = None) -> int:
        os.write(self._ask, (json.dumps([operation, path, to]) + "\n").encode())
        return int(self._out.readline())

    def refuses(self, operation: str, path: str, to: str | None = None) -> bool:
        return self(operation, path, to) in DENIED


def _serve(expansion: Expansion, ask: int, answer: int) -> None:
    try:
        refusal = apply(expansion)
        os.write(answer, b"ready\n" if refusal is None else f"{refusal.reason}\n".encode())
        with os.fdopen(ask) as commands:
            for line in commands:
                os.write(answer, f"{do(*json.loads(line))}\n".encode())
    finally:
        os._exit(0)


def inside(expansion: Expansion, work: Callable[[], Any]) -> Any:
    """What `work` returns (as JSON) in a restricted child."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            refusal = apply(expansion)
            result = {"error": refusal.reason} if refusal else {"value": work()}
        except BaseException as error:
            result = {"error": repr(error)}
        os.write(write, json.dumps(result).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    result = json.loads(text)
    assert "error" not in result, result
    return result["value"]
