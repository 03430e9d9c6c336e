"""The page's own code runs, and says what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/guard.md"
POLICY = """\
version: "1.0"
default_action: allow
policies:
  - name: system
    tools: ["*"]
    action: deny
    conditions: {path_match: {path: ["/etc/**"]}}
  - name: keys
    tools: ["*"]
    action: deny
    conditions: {path_match: {path: ["~/.ssh/**"]}}
"""


def test_a_newcomer_can_copy_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("avakill.yaml").write_text(POLICY)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    assert len(blocks[0].strip().splitlines()) == 5
    exec(compile("\n".join(blocks), str(PAGE), "exec"), {})
    assert capsys.readouterr().out.splitlines() == [
        "system 4 matched rule `system`",
        "deny keys matched rule `keys`",
    ]
