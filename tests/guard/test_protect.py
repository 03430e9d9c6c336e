"""`@protect` on every kind of function, and what a denied call gives."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from avakill import ConfigError, Guard, PolicyViolation, RateLimitExceeded, protect
from avakill.guard.decision import Decision
from avakill.ratelimit.memory import MemoryLimiter

DENY_ETC = {"name": "etc", "tools": ["*"], "action": "deny", "conditions": {"path_match": {"path": ["/etc/**"]}}}
DENY_RM = {"name": "rm", "tools": ["*"], "action": "deny", "conditions": {"args_match": {"command": ["rm -rf"]}}}
POLICY = {"version": "1.0", "default_action": "allow", "policies": [DENY_ETC, DENY_RM]}


@pytest.fixture
def guard() -> Guard:
    return Guard(policy=POLICY)


def test_a_function_is_called_only_where_it_is_allowed(guard: Guard) -> None:
    done: list[str] = []

    @protect(guard=guard)
    def write(path: str, content: str = "x") -> str:
        """Writes."""
        done.append(path)
        return content

    assert write("/a", content="y") == "y"
    with pytest.raises(PolicyViolation) as caught:
        write(path="/etc/passwd")
    assert done == ["/a"]
    assert caught.value.tool_name == "write"
    assert (write.__name__, write.__doc__) == ("write", "Writes.")
    assert list(inspect.signature(write).parameters) == ["path", "content"]


def test_defaults_are_judged_too(guard: Guard) -> None:
    @protect(guard=guard)
    def read(path: str = "/etc/shadow") -> str:
        return path

    with pytest.raises(PolicyViolation):
        read()


def test_paths_and_nested_values_are_judged(guard: Guard) -> None:
    @protect(guard=guard)
    def read(files: Any) -> str:
        return "done"

    assert read({"path": [Path("/a")]}) == "done"
    for files in ({"path": [Path("/a"), Path("/etc/x")]}, {"path": {Path("/etc/x")}}, [{"path": ("/etc/x",)}]):
        with pytest.raises(PolicyViolation):
            read(files)


def test_arguments_without_a_name_may_be_anything(guard: Guard) -> None:
    @protect(guard=guard)
    def run(*words: str, **more: str) -> str:
        return "done"

    assert run("ls", "/a") == "done"
    for words in (("cat", "/etc/x"), ("rm -rf /",)):
        with pytest.raises(PolicyViolation):
            run(*words)
    with pytest.raises(PolicyViolation):
        run(path="/etc/x")


def test_methods_are_judged_without_their_object(guard: Guard) -> None:
    class Tools:
        @protect(guard=guard)
        def one(self, path: str) -> tuple[Any, str]:
            return self, path

        @classmethod
        @protect(guard=guard)
        def inner(cls, path: str) -> tuple[Any, str]:
            return cls, path

        @protect(guard=guard)
        @classmethod
        def outer(cls, path: str) -> tuple[Any, str]:
            return cls, path

        @protect(guard=guard)
        @staticmethod
        def free(path: str) -> tuple[Any, str]:
            return None, path

    tools = Tools()
    assert tools.one("/a") == (tools, "/a")
    assert tools.inner("/a") == tools.outer("/a") == (Tools, "/a")
    assert tools.free("/a") == (None, "/a")
    for call in (tools.one, tools.inner, tools.outer, tools.free):
        with pytest.raises(PolicyViolation):
            call("/etc/x")


def test_coroutine_functions(guard: Guard) -> None:
    @protect(guard=guard)
    async def fetch(path: str) -> str:
        await asyncio.sleep(0)
        return path

    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.run(fetch("/a")) == "/a"
    with pytest.raises(PolicyViolation):
        asyncio.run(fetch("/etc/x"))


def test_the_event_loop_does_not_wait_for_a_store() -> None:
    rule = {"name": "few", "tools": ["*"], "action": "allow", "rate_limit": {"max_calls": 5, "window": "1h"}}

    @protect(guard=Guard(policy={"version": "1.0", "policies": [rule]}, rate_limit_backend=MemoryLimiter()))
    async def fetch(number: int) -> int:
        return number

    async def fetch_all() -> list[Any]:
        return await asyncio.gather(*(fetch(number) for number in range(9)), return_exceptions=True)

    came = asyncio.run(fetch_all())
    assert sum(isinstance(item, RateLimitExceeded) for item in came) == 4


def test_generators_are_judged_when_they_are_called(guard: Guard) -> None:
    begun: list[str] = []

    @protect(guard=guard)
    def lines(path: str) -> Iterator[int]:
        begun.append(path)
        yield from (1, 2)

    assert list(lines("/a")) == [1, 2]
    with pytest.raises(PolicyViolation):
        lines("/etc/x")
    assert begun == ["/a"]


def test_asynchronous_generators(guard: Guard) -> None:
    @protect(guard=guard)
    async def lines(path: str) -> AsyncIterator[int]:
        for number in (1, 2):
            yield number

    async def read(path: str) -> list[int]:
        return [number async for number in lines(path)]

    assert asyncio.run(read("/a")) == [1, 2]
    with pytest.raises(PolicyViolation):
        asyncio.run(read("/etc/x"))


def test_a_denied_call_gives_none_or_nothing(guard: Guard) -> None:
    @protect(guard=guard, on_deny="return_none")
    def read(path: str) -> str:
        return path

    @protect(guard=guard, on_deny="return_none")
    def lines(path: str) -> Iterator[int]:
        yield 1

    @protect(guard=guard, on_deny="return_none")
    async def later(path: str) -> AsyncIterator[int]:
        yield 1

    async def read_later() -> list[int]:
        return [number async for number in later("/etc/x")]

    assert read("/etc/x") is None
    assert list(lines("/etc/x")) == []
    assert asyncio.run(read_later()) == []


def test_a_callback_decides_what_a_denied_call_gives(guard: Guard) -> None:
    def told(tool: str, decision: Decision, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return tool, decision.policy_name, args, kwargs

    @protect(guard=guard, tool_name="reader", on_deny="callback", deny_callback=told)
    def read(path: str, mode: str = "r") -> Any:
        return path

    assert read("/etc/x", mode="w") == ("reader", "etc", ("/etc/x",), {"mode": "w"})


def test_what_no_policy_can_judge_is_denied_unless_it_is_left_out(guard: Guard) -> None:
    @protect(guard=guard)
    def ask(connection: object, query: str) -> str:
        return query

    @protect(guard=guard, ignore=["connection"])
    def ask_more(connection: object, query: str) -> str:
        return query

    with pytest.raises(PolicyViolation, match="is not a JSON value"):
        ask(object(), "x")
    assert ask_more(object(), "x") == "x"


def test_a_call_that_does_not_fit_is_the_callers_mistake(guard: Guard) -> None:
    @protect(guard=guard)
    def read(path: str) -> str:
        return path

    with pytest.raises(TypeError, match="missing a required argument"):
        read()  # type: ignore[call-arg]


def test_without_parentheses_the_policy_is_found_at_the_first_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avakill.guard.protect._guards", {})
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    @protect
    def read(path: str) -> str:
        return path

    with pytest.raises(ConfigError):
        read("/a")
    (tmp_path / "avakill.yaml").write_text('version: "1.0"\npolicies:\n  - {name: yes, tools: [read], action: allow}\n')
    assert read("/a") == "/a"


def test_options_that_do_not_fit_are_refused(guard: Guard) -> None:
    options: list[dict[str, Any]] = [
        {"on_deny": "ignore"}, {"on_deny": "callback"}, {"deny_callback": print}, {"guard": guard, "policy": "x"},
    ]  # fmt: skip
    for wrong in options:
        with pytest.raises(ValueError, match=r"on_deny|deny_callback|not both"):
            protect(**wrong)
    with pytest.raises(ValueError, match="`ignore` names"):
        protect(guard=guard, ignore=["typo"])(lambda path: path)
    for thing in (5, int):
        with pytest.raises(TypeError):
            protect(guard=guard)(thing)  # type: ignore[type-var]
