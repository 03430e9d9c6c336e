"""One audit hook in this process that keeps Python code from changing protected files.

It is defence in depth: a child process, native code and whoever patches the interpreter are outside (docs/hardening.md).
"""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.abc import InspectLoader
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import cast

from avakill.hardening.sentry import ASK, PROTECT, Args, OnAttempt

StrPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

PRIVATE = ("avakill.hardening.places", "avakill.hardening.sentry")
"""What the hook is made of, from below."""

_installing = Lock()


def protect_files(paths: Iterable[StrPath], on_attempt: OnAttempt | None = None) -> None:
    """Refuse from now on, with PermissionError, what Python code of this process does to change one of `paths`.

    A directory stands for its tree, a name need not exist yet. Paths can be added by further calls and never be taken away,
    also by nobody of this program: name nothing that the program writes itself. `on_attempt` hears of each refusal.
    """
    if os.name != "posix":
        raise OSError("avakill.hardening knows the paths of POSIX systems only")
    base = os.getcwd()
    places = tuple(os.path.join(base, os.fsdecode(path)) for path in paths)
    with _installing:
        if not is_installed():
            sys.addaudithook(_private_hook())
    sys.audit(PROTECT, places, on_attempt)
    if not is_installed():
        raise RuntimeError("another audit hook keeps ours out")


def is_installed() -> bool:
    """Asked of the hook itself, so that it is true after a reload of this module too."""
    return bool(_answers())


def protected_names() -> tuple[str, ...]:
    """The real paths that are protected now, sidecars of SQLite among them."""
    return tuple(sorted({name for names in _answers() for name in names}))


def _answers() -> list[tuple[str, ...]]:
    answers: list[tuple[str, ...]] = []
    sys.audit(ASK, answers)
    return answers


def _private_hook() -> Callable[[str, Args], None]:
    """The hook, of modules that nobody else has, over builtins that nobody else has.

    So nothing that is replaced later in `os`, in `builtins` or in our own modules is used by it.
    """
    private: dict[str, ModuleType] = {}
    own = dict(vars(builtins))
    load = builtins.__import__

    def load_private(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        return private.get(name) or load(name, globals, locals, fromlist or (), level)

    own["__import__"] = load_private
    for name in PRIVATE:
        spec = find_spec(name)
        if spec is None or not isinstance(spec.loader, InspectLoader):
            raise RuntimeError(f"the code of {name} cannot be found")
        code = spec.loader.get_code(name)
        assert code is not None
        module = ModuleType(name)
        module.__dict__["__builtins__"] = own
        exec(code, module.__dict__)
        private[name] = module
    return cast(Callable[[str, Args], None], private[PRIVATE[-1]].make_hook())
