"""macOS: a profile in the sandbox's own language, in which the last rule that matches decides."""

from __future__ import annotations

from avakill.backends.contract import Backend
from avakill.backends.sbpl.emit import NAME, emit
from avakill.backends.sbpl.lower import lower
from avakill.backends.sbpl.model import Model

BACKEND: Backend[Model] = Backend(
    name="sbpl",
    title="macOS sandbox profile",
    artifacts=(NAME,),
    system="macos",
    lower=lower,
    emit=emit,
    usage=('sandbox-exec -D HOME="$HOME" -D WORKSPACE="$PWD" -f avakill.sb COMMAND…',),
    page="docs/backends/sbpl.md",
)
