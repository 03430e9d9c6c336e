"""avakill: a policy compiler for AI agents."""

from __future__ import annotations

from avakill.version import __version__

__all__ = ["__version__"]
