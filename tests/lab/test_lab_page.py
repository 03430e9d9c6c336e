"""docs/lab.md names every door and route of the table, with what each asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avakill.lab.doors import DOORS, ROUTES, Door
from avakill.lab.words import Mark

LINES = (Path(__file__).parents[2] / "docs" / "lab.md").read_text().splitlines()


def test_the_page_has_the_doors_of_the_table() -> None:
    assert _rows("| door | asks | needs | |") == [row(door) for door in DOORS]


def test_the_page_has_the_routes_of_the_table() -> None:
    assert [line.split(" | ")[0] for line in _rows("| route | spelled |")] == [f"| {route.name}" for route in ROUTES]


def test_the_page_explains_every_mark() -> None:
    shown = {line.split(" | ")[0].strip("|* ") for line in _rows("| mark | the policy says | the kernel | the report had said |")}
    assert shown == {mark.value for mark in Mark}


def row(door: Door) -> str:
    return f"| {door.name} | {', '.join(_asks(door))} | {door.needs or ''} | {'alias' if door.is_alias else ''} |"


def _asks(door: Door) -> Iterator[str]:
    yield from map(str, door.asks)
    if door.parent is not None:
        yield f"{door.parent} on the directory"
    yield from (f"{operation} {path}" for operation, path in door.also)


def _rows(head: str) -> list[str]:
    """The rows of the table with this head."""
    start = LINES.index(head) + 2
    end = next(number for number in range(start, len(LINES)) if not LINES[number].startswith("|"))
    return LINES[start:end]
