"""The guard's own process, made harder to turn against the guard: audit hooks of Python, and of C where they were built."""

from __future__ import annotations

from avakill.hardening.hooks import is_installed, protect_files
from avakill.hardening.manager import AuditHookManager
from avakill.hardening.native import harden, hardened_available, is_hardened

c_hooks_available = hardened_available

__all__ = ["AuditHookManager", "c_hooks_available", "harden", "hardened_available", "is_hardened", "is_installed", "protect_files"]
