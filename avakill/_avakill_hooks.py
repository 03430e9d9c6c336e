"""The hooks of C by the name that programs already use. ImportError where they were not built."""

from __future__ import annotations

from avakill.hardening._hooks import arm, is_active

__all__ = ["arm", "is_active"]
