"""`@protect`: a function that is a tool, called only where the policy allows it."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from functools import wraps
from pathlib import PurePath
from threading import Lock
from typing import Any, Literal, TypeVar, overload

from avakill.guard.decision import Decision
from avakill.guard.errors import PolicyViolation, RateLimitExceeded
from avakill.guard.guard import Guard

F = TypeVar("F", bound=Callable[..., Any])
OnDeny = Literal["raise", "return_none", "callback"]
DenyCallback = Callable[[str, Decision, tuple[Any, ...], dict[str, Any]], Any]
ON_DENY = ("raise", "return_none", "callback")

UNNAMED = ("path", "command", "url")
"""What a text in `*args` may be: its place says nothing, so it is judged as each."""

_guards: dict[str | None, Guard] = {}
_making = Lock()


@overload
def protect(fn: F) -> F: ...
@overload
def protect(
    fn: None = None,
    *,
    guard: Guard | None = None,
    policy: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    tool_name: str | None = None,
    on_deny: OnDeny = "raise",
    deny_callback: DenyCallback | None = None,
    ignore: Collection[str] = (),
) -> Callable[[F], F]: ...
def protect(
    fn: Any = None,
    *,
    guard: Guard | None = None,
    policy: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    tool_name: str | None = None,
    on_deny: OnDeny = "raise",
    deny_callback: DenyCallback | None = None,
    ignore: Collection[str] = (),
) -> Any:
    """Judge each call of a function before it runs, with or without parentheses: `@protect`, `@protect(policy="avakill.yaml")`.

    Functions, methods, static and class methods, coroutine functions, generators and asynchronous generators. The tool is
    `tool_name`, else the function's name; its arguments are the parameters' names with their values, defaults too. `self` and
    `cls` are left out, and so are the parameters in `ignore`: values that no policy can judge (a connection) are denied
    otherwise. A denied call raises PolicyViolation, or gives None (an empty iteration, for a generator), or what
    `deny_callback(tool, decision, args, kwargs)` gives. Without a guard, one is made from `policy` at the first call.

    Raises ValueError for options that do not fit, TypeError for what is no function.
    """
    if on_deny not in ON_DENY:
        raise ValueError(f"`on_deny` is one of {', '.join(ON_DENY)}, not {on_deny!r}")
    if (on_deny == "callback") != (deny_callback is not None):
        raise ValueError("`deny_callback` goes with on_deny='callback', and needs it")
    if guard is not None and policy is not None:
        raise ValueError("give a guard or a policy, not both")

    def decorate(target: Any) -> Any:
        if isinstance(target, staticmethod | classmethod):
            return type(target)(decorate_function(target.__func__, isinstance(target, classmethod)))
        if not callable(target) or inspect.isclass(target):
            raise TypeError(f"only functions can be protected, not {target!r}")
        return decorate_function(target, False)

    def decorate_function(function: Callable[..., Any], is_bound: bool) -> Callable[..., Any]:
        tool = Protected(function, tool_name or function.__name__, guard, policy, on_deny, deny_callback, frozenset(ignore), is_bound)
        return tool.wrapper()

    return decorate if fn is None else decorate(fn)


class Protected:
    """One function with what decides about it."""

    def __init__(
        self,
        function: Callable[..., Any],
        tool: str,
        guard: Guard | None,
        policy: Any,
        on_deny: OnDeny,
        callback: DenyCallback | None,
        ignore: frozenset[str],
        is_bound: bool,
    ) -> None:
        self.function = function
        self.tool = tool
        self.on_deny = on_deny
        self.callback = callback
        self._guard = guard
        self._policy = policy
        self._signature = inspect.signature(function)
        unknown = ignore - self._signature.parameters.keys()
        if unknown:
            raise ValueError(f"`ignore` names {', '.join(sorted(unknown))}, which `{function.__name__}` does not take")
        first = next(iter(self._signature.parameters), None)
        is_method = is_bound or (first in ("self", "cls") and _is_in_class(function))
        self._left_out = ignore | ({first} if is_method and first is not None else frozenset())

    @property
    def guard(self) -> Guard:
        if self._guard is None:
            self._guard = _guard_of(self._policy)
        return self._guard

    def judge(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Decision:
        """The decision on a call. Raises TypeError where the function does not take these arguments."""
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return self.guard.decide(self.tool, self._arguments(bound))

    async def judge_aside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Decision:
        """As `judge`; where that may wait for a store, the event loop does not."""
        if self.guard.may_wait:
            return await asyncio.to_thread(self.judge, args, kwargs)
        return self.judge(args, kwargs)

    def _arguments(self, bound: inspect.BoundArguments) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            if name in self._left_out:
                continue
            match self._signature.parameters[name].kind:
                case inspect.Parameter.VAR_KEYWORD:
                    found.update({key: _plain(inner) for key, inner in value.items() if key not in self._left_out})
                case inspect.Parameter.VAR_POSITIONAL:
                    found[name] = [_plain(inner) for inner in value]
                    texts = [inner for inner in found[name] if isinstance(inner, str)]
                    if texts:
                        found.update({unnamed: texts for unnamed in UNNAMED if unnamed not in found})
                case _:
                    found[name] = _plain(value)
        return found

    def denied(self, decision: Decision, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a denied call gives. Raises PolicyViolation."""
        if self.on_deny == "raise":
            if decision.retry_after is not None:
                raise RateLimitExceeded(self.tool, decision, decision.retry_after)
            raise PolicyViolation(self.tool, decision)
        if self.callback is not None:
            return self.callback(self.tool, decision, args, kwargs)
        return None

    # -- the four kinds of function --

    def wrapper(self) -> Callable[..., Any]:
        function = self.function
        if inspect.isasyncgenfunction(function):
            made = self._async_generator()
        elif inspect.iscoroutinefunction(function):
            made = self._coroutine()
        elif inspect.isgeneratorfunction(function):
            made = self._generator()
        else:
            made = self._plain()
        return wraps(function)(made)

    def _plain(self) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            decision = self.judge(args, kwargs)
            return self.function(*args, **kwargs) if decision.allowed else self.denied(decision, args, kwargs)

        return call

    def _coroutine(self) -> Callable[..., Any]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            decision = await self.judge_aside(args, kwargs)
            if decision.allowed:
                return await self.function(*args, **kwargs)
            result = self.denied(decision, args, kwargs)
            return await result if inspect.isawaitable(result) else result

        return call

    def _generator(self) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            """Judged when it is called, not when its first value is asked for."""
            decision = self.judge(args, kwargs)
            if decision.allowed:
                return self.function(*args, **kwargs)
            result = self.denied(decision, args, kwargs)
            return iter(()) if self.on_deny == "return_none" else result

        return call

    def _async_generator(self) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            decision = self.judge(args, kwargs)
            if decision.allowed:
                return self.function(*args, **kwargs)
            result = self.denied(decision, args, kwargs)
            return _nothing() if self.on_deny == "return_none" else result

        return call


async def _nothing() -> AsyncIterator[Any]:
    for nothing in tuple[Any, ...]():
        yield nothing


def _is_in_class(function: Callable[..., Any]) -> bool:
    """Whether it was defined in the body of a class."""
    outer, _, _ = function.__qualname__.rpartition(".")
    return bool(outer) and not outer.endswith("<locals>")


def _plain(value: Any) -> Any:
    """Paths as text, at any depth of plain containers; anything else as it is, for the guard to refuse what it cannot judge."""
    return _as_data(value, 64)


def _as_data(value: Any, depth: int) -> Any:
    if depth == 0:
        return value
    if isinstance(value, PurePath):
        return os.fspath(value)
    if isinstance(value, list | tuple):
        return [_as_data(inner, depth - 1) for inner in value]
    if isinstance(value, set | frozenset):
        return [_as_data(inner, depth - 1) for inner in sorted(value, key=repr)]
    if isinstance(value, dict):
        return {key: _as_data(inner, depth - 1) for key, inner in value.items()}
    return value


def _guard_of(policy: Any) -> Guard:
    """One guard for all functions that are protected by the same file."""
    if isinstance(policy, Mapping):
        return Guard(policy=policy)
    key = None if policy is None else os.path.abspath(policy)
    with _making:
        guard = _guards.get(key)
        if guard is None:
            guard = _guards[key] = Guard(policy=policy)
        return guard


