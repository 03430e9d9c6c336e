"""The generated pages are what the program says of itself now. `make docs` writes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


PRINT_PAGES = """
import json, runpy, sys
pages = runpy.run_path(sys.argv[1])["pages"]()
json.dump({str(path): text for path, text in pages.items()}, sys.stdout)
"""


def test_the_generated_pages_are_up_to_date() -> None:
    """In a process of its own, as `make docs` writes them: other tests change what click knows of the terminal."""
    words = (sys.executable, "-c", PRINT_PAGES, str(ROOT / "scripts" / "docs.py"))
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300).stdout
    pages = {Path(path): text for path, text in json.loads(told).items()}
    assert pages
    stale = [str(path.relative_to(ROOT)) for path, text in pages.items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run `make docs`"
