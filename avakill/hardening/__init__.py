"""The guard's own process, made harder to turn against the guard: audit hooks of Python, and of C where they were built."""

from __future__ import annotations
