"""The page says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from avakill.enforce.cascade import LOCAL, MAX_UP, PROJECT, SYSTEM
from avakill.signing.keys import POLICY_KEY, SIGNING_KEY, VERIFY_KEY
from avakill.signing.load import Status
from avakill.signing.sidecar import write_sidecar
from avakill.signing.snapshot import SETTLED
from tests.signing.signing import OLD, signed_by_seed

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIGNING, CASCADE = ((DOCS / name).read_text(encoding="utf-8") for name in ("signing.md", "cascade.md"))


def test_the_documents_members_are_on_the_page() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", SIGNING, re.DOTALL)
    told = json.loads(write_sidecar(signed_by_seed(OLD, 7)))
    example = json.loads(shown)
    assert list(example) == list(told)
    assert example["environment"].keys() == told["environment"].keys()
    assert (example["format"], example["algorithm"]) == (told["format"], told["algorithm"])


def test_every_status_and_key_is_on_the_page() -> None:
    for word in (*Status, POLICY_KEY, SIGNING_KEY, VERIFY_KEY):
        assert f"| `{word}` |" in SIGNING, word
    assert SETTLED == 2 * 10**9
    assert "two\nseconds" in SIGNING


def test_every_level_is_on_the_page() -> None:
    for name in (*PROJECT, LOCAL, str(SYSTEM)):
        assert f"`{name}`" in CASCADE, name
    assert f"({MAX_UP} folders)" in CASCADE
