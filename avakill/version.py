"""The version of the installed package."""
from __future__ import annotations


def version() -> str:
    """From the distribution's metadata; `0.0.0` where avakill is not installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of("avakill")
    except PackageNotFoundError:
        return "0.0.0"
