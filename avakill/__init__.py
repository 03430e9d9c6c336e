"""avakill: a policy compiler for AI agents."""
from __future__ import annotations

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name == "__version__":
        from avakill.version import version

        return version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
