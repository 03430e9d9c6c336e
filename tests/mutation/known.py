"""Contradictions of the emitted texts themselves that the closer look at each line has found, and that are not mended yet."""

from __future__ import annotations

KNOWN: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        ("selinux", fixture): ("row -1 (<self-protection>) create",)
        for fixture in ("coding-agent", "shape-deny-in-hole", "shell-allowlist", "shape-web-fetch")
    },
    # a protected file that is missing at launch may be planted, and the row claims no WEAKER
}
