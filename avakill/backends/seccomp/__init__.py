"""seccomp: a profile for container runtimes, as OCI and Docker read it."""

from __future__ import annotations

from avakill.backends.contract import Backend
from avakill.backends.seccomp.emit import NAME, emit
from avakill.backends.seccomp.lower import base_complaint, lower
from avakill.backends.seccomp.model import Model

__all__ = ["BACKEND", "base_complaint"]

BACKEND: Backend[Model] = Backend(
    name="seccomp",
    title="seccomp profile (OCI, Docker)",
    artifacts=(NAME,),
    system="linux",
    lower=lower,
    emit=emit,
    usage=(
        "docker run --security-opt seccomp=seccomp.json IMAGE",
        "or put it as `linux.seccomp` into the bundle's config.json for runc and crun",
        "it takes the place of the runtime's default profile: compile with `--base FILE` to keep that one's refusals",
    ),
    page="docs/backends/seccomp.md",
)
