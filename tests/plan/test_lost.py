"""What an entry of `lost` lists."""

from __future__ import annotations

from avakill.ir.effect import Operation
from avakill.ir.verdict import Lost

READ, CONNECT = Operation.READ, Operation.CONNECT


def test_a_place_is_itself_and_what_is_directly_in_it() -> None:
    lost = Lost((READ,), "/srv")
    assert [lost.holds(READ, thing) for thing in ("/srv", "/srv/a", "/srv/a/b", "/srv2", "/")] == [True, True, False, False, False]


def test_below_is_all_of_it() -> None:
    assert Lost((READ,), "/srv", below=True).holds(READ, "/srv/a/b")
    assert Lost((READ,), "/", below=True).holds(READ, "/srv/a/b")


def test_only_its_operations_are_lost() -> None:
    assert not Lost((READ,), "/srv").holds(Operation.WRITE, "/srv")


def test_a_move_is_lost_by_either_name() -> None:
    assert Lost((Operation.RENAME,), "/srv").holds(Operation.RENAME, "/tmp/a", "/srv/a")
    assert not Lost((Operation.RENAME,), "/srv").holds(Operation.RENAME, "/tmp/a", None)


def test_a_destination_is_in_no_directory_and_in_everything() -> None:
    assert not Lost((CONNECT,), "/", below=True).holds(CONNECT, "tcp://192.0.2.1:443")
    assert Lost((CONNECT,), "*").holds(CONNECT, "tcp://192.0.2.1:443")
