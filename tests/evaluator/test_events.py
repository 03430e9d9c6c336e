"""Bad input is an answer, and the answer is no."""

from __future__ import annotations

import json

import pytest

from avakill.evaluator.decide import decide
from avakill.events.event import BadEvent, Event, make_event
from avakill.events.reading import read_event
from avakill.events.value import Members
from tests.evaluator.asking import CONTEXT, policy


def complaint(text: str | bytes) -> str:
    event = read_event(text)
    assert isinstance(event, BadEvent), event
    return event.reason


def test_a_call_is_read_from_json() -> None:
    text = '{"tool": "Bash", "args": {"cmd": ["ls", 1]}, "agent_id": "claude-code", "session": "s", "cwd": "/w"}'
    assert read_event(text) == Event("shell_execute", "Bash", Members((("cmd", ("ls", 1)),)), "claude-code", "s", "/w")
    assert read_event('{"tool_name": "Read", "tool_input": null}') == Event("file_read", "Read")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON: Expecting value at line 1, column 1"),
        ("[]", "a call is a JSON object"),
        ("{}", "`tool` is missing"),
        ('{"tool": 1}', "`tool` is not a string"),
        ('{"tool": " "}', "`tool` is empty"),
        ('{"tool": "Bash "}', "`tool` begins or ends with a blank"),
        ('{"tool": "a\\u0000"}', "`tool` has a NUL in it"),
        ('{"tool": "a", "args": []}', "`args` is not an object"),
        ('{"tool": "a", "arg": {}}', "unknown key `arg`; a call has `tool`, `args`, `agent`, `session` and `cwd`"),
        ('{"tool": "a", "tool": "b"}', "`tool` is given twice"),
        ('{"tool": "a", "tool_name": "b"}', "`tool_name` says a second time what another key says"),
        ('{"tool": "a", "args": {"path": "/ok", "path": "/etc"}}', "`path` is given twice"),
        ('{"tool": "a", "args": {"n": NaN}}', "`NaN` is not a JSON number"),
        ('{"tool": "a", "args": {"n": -Infinity}}', "`-Infinity` is not a JSON number"),
        ('{"tool": "a", "args": {"n": 1e999}}', "`inf` is not a JSON number"),
        ('{"tool": "a", "args": {"s": "\\ud800"}}', "a lone surrogate, which is not text"),
        ('{"tool": "a", "args": {"n": ' + "9" * 400 + "}}", "a number of over 1024 bits"),
        ('{"tool": "a", "args": {"n": ' + "9" * 5000 + "}}", "a number that is too long"),
        ('{"tool": "a", "args": {"d": ' + "[" * 100 + "]" * 100 + "}}", "nested over 64 deep"),
        ('{"tool": "a", "args": {"d": ' + "[" * 200_000, "nested too deep"),
        (b'{"tool": "\xff"}', "not UTF-8 text"),
    ],
)
def test_what_is_no_call_is_said_to_be_none(text: str | bytes, reason: str) -> None:
    assert complaint(text) == reason


def test_arguments_that_are_not_json_are_refused() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    for arguments in ({"x": cyclic}, {"x": object()}, {1: "x"}, {"x": b"bytes"}, {"x": {1, 2}}, {"x": float("nan")}):
        assert isinstance(make_event("t", arguments), BadEvent)
    assert make_event("t", {"x": [0] * 200_000}) == BadEvent("over 100000 values")


def test_a_bad_call_is_denied_with_its_reason() -> None:
    yes = policy("- {name: yes, tools: ['*'], action: allow}")
    decision = decide(yes, read_event("nonsense"), CONTEXT)
    assert (decision.allowed, decision.reason[:27]) == (False, "the call cannot be read: no")


def test_what_was_changed_after_reading_is_not_seen() -> None:
    arguments = {"path": ["/a"]}
    event = make_event("Read", arguments)
    arguments["path"].append("/b")
    assert isinstance(event, Event)
    assert event.arguments == Members((("path", ("/a",)),))
    assert hash(event) == hash(make_event("Read", json.loads('{"path": ["/a"]}')))
