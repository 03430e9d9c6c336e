"""A value worked out once, when first asked for, and kept in the instance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class lazy(Generic[T]):  # reads as a decorator, as `property` does
    """As `functools.cached_property`, which in Python 3.11 takes a lock for each value: half the cost of a glob."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make = make
        self.name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> T:
        value = instance.__dict__[self.name] = self.make(instance)
        return value
