"""The generated pages are what the program says of itself now. `make docs` writes them."""
from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_generated_pages_are_up_to_date() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        import docs  # type: ignore[import-not-found,unused-ignore]
    finally:
        sys.path.remove(str(ROOT / "scripts"))
    stale = [str(path.relative_to(ROOT)) for path, text in docs.pages().items() if not path.exists() or path.read_text() != text]
    assert stale == []
