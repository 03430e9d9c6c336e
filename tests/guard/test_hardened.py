"""A hardened guard, in processes of their own: there is no way back."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ALLOW = 'version: "1.0"\ndefault_action: allow\npolicies: []\n'


def run(program: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True, text=True, check=False, env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, cwd=home,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_code_of_the_process_cannot_change_the_policy_and_the_stores_work(tmp_path: Path) -> None:
    (tmp_path / "avakill.yaml").write_text(ALLOW)
    told = run(
        """
        from pathlib import Path
        from avakill import ApprovalStore, Guard, Trail
        trail = Trail()
        guard = Guard(logger=trail, approval_store=ApprovalStore(), hardened=True)
        for change in (lambda: Path("avakill.yaml").write_text(""), lambda: Path("avakill.yaml").unlink(),
                       lambda: Path("avakill.yaml.sig").touch(), lambda: Path("x").rename("avakill.yaml")):
            Path("x").touch()
            try:
                change()
            except PermissionError:
                print("refused")
        print(guard.evaluate("x", {}).allowed, guard.evaluate("y", {}).event_id is not None)
        trail.close()
        guard.reload_policy()
        Path("other").write_text("may be written")
        """,
        tmp_path,
    )
    assert told.split() == ["refused"] * 4 + ["True", "True"]
    assert (tmp_path / "avakill.yaml").read_text() == ALLOW
