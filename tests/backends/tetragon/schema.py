"""The schema and the limits of a TracingPolicy, as the lab holds an artifact against them."""

from __future__ import annotations

from avakill.lab.tracing import complaints

__all__ = ["complaints"]
