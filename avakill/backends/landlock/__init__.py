"""Landlock: a symbolic plan of denied and allowed patterns, expanded on the host into the complement that the kernel takes."""

from __future__ import annotations

from avakill.backends.contract import Backend
from avakill.backends.landlock.emit import NAME, emit
from avakill.backends.landlock.lower import lower
from avakill.backends.landlock.model import Model

BACKEND: Backend[Model] = Backend(
    name="landlock",
    title="Landlock (Linux)",
    artifacts=(NAME,),
    system="linux",
    lower=lower,
    emit=emit,
    usage=(
        "avakill enforce landlock --policy POLICY --dry-run",
        "avakill enforce landlock --policy POLICY -- COMMAND…",
    ),
    page="backends/landlock.md",
)

__all__ = ["BACKEND"]
