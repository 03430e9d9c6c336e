"""What `avakill explain CODE` tells: one page a code, shipped with the package."""
from __future__ import annotations

from importlib.resources import files

from avakill.source.codes import REGISTRY


def explanation(code: str) -> str | None:
    """The page of a code (`AVK1002`, `avk1002` or `1002`), in Markdown; None for a code that there is not."""
    number = code.strip().upper()
    number = number if number.startswith("AVK") else f"AVK{number}"
    if number not in REGISTRY:
        return None
    return files("avakill.source").joinpath("explanations", f"{number}.md").read_text(encoding="utf-8")
