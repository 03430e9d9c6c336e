"""JSON text to an Event, or to the reason why it is none."""
from __future__ import annotations

import json

from avakill.events.event import IGNORED, SPELLINGS, BadEvent, Event, make_event
from avakill.events.value import BadValue

MAX_BYTES = 32 * 1024 * 1024


def read_event(text: str | bytes) -> Event | BadEvent:
    """`{"tool": …, "args": {…}, "agent": …, "session": …, "cwd": …}` to an Event.

    A key given twice is refused at any depth (parsers differ on which one counts), and so is an unknown one.
    """
    if len(text) > MAX_BYTES:
        return BadEvent(f"over {MAX_BYTES} bytes")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        raw = json.loads(decoded, object_pairs_hook=_object, parse_constant=_constant)
    except BadValue as bad:
        return BadEvent(str(bad))
    except UnicodeDecodeError:
        return BadEvent("not UTF-8 text")
    except json.JSONDecodeError as bad:
        return BadEvent(f"not JSON: {bad.msg} at line {bad.lineno}, column {bad.colno}")
    except RecursionError:
        return BadEvent("nested too deep")
    except ValueError:  # Python refuses to read integers of over 4,300 digits
        return BadEvent("a number that is too long")
    if not isinstance(raw, dict):
        return BadEvent("a call is a JSON object")
    given: dict[str, object] = {}
    for key, value in raw.items():
        field = SPELLINGS.get(key)
        if field is None and key not in IGNORED:
            return BadEvent(f"unknown key `{key}`; a call has `tool`, `args`, `agent`, `session` and `cwd`")
        if field is not None and field in given:
            return BadEvent(f"`{key}` says a second time what another key says")
        if field is not None:
            given[field] = value
    return make_event(
        given.get("tool"),
        given.get("arguments"),
        agent=given.get("agent"),
        session=given.get("session"),
        cwd=given.get("cwd"),
    )


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadValue(f"`{key}` is given twice")
            seen.add(key)
    return result


def _constant(text: str) -> object:
    raise BadValue(f"`{text}` is not a JSON number")
