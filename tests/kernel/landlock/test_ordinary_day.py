"""An agent's ordinary day under the coding-agent policy, through the launcher, on the real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avakill.enforce.landlock import DryRun, dry_run
from avakill.enforce.residue import hard_links
from tests.kernel.landlock.jail import inside
from tests.kernel.landlock.setup import ALL_FILES, Applied, deny, here, policy

ROOT = Path(__file__).parents[3]
DAY = """
set -e
cd "$HOME/project"
git config --global user.email a@example.org && git config --global user.name a
git clone -q "$HOME/upstream" clone
cd clone
echo line >> README && git add -A && git commit -q -m one
git worktree add -q ../tree -b topic && (cd ../tree && echo more >> README && git commit -q -a -m two)
git merge -q topic
mkdir -p pkg && cp -r "$PACKAGE"/. pkg
"$PYTHON" -m venv --without-pip --system-site-packages venv
venv/bin/python -m pip install -q --no-index --no-build-isolation --no-deps ./pkg
venv/bin/python -c 'import hello; assert hello.word == "hi"'
printf 'new\\n' > .README.swp && mv .README.swp README
printf 'all:\\n\\techo built > built\\n' > Makefile && make -s && test -s built
printf 'import unittest\\nclass T(unittest.TestCase):\\n  def test(self): pass\\n' > test_x.py
venv/bin/python -m unittest -q test_x
mv ../tree/README ../clone/README2 && mkdir ../d && mv README2 ../d/ && rm -r ../d
echo done
"""


BUILDER = """
import zipfile
INFO = "hello-1.dist-info"
WHEEL = "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
META = "Metadata-Version: 2.1\\nName: hello\\nVersion: 1\\n"

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "hello-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{directory}/{name}", "w") as wheel:
        wheel.write("hello.py")
        wheel.writestr(f"{INFO}/METADATA", META)
        wheel.writestr(f"{INFO}/WHEEL", WHEEL)
        wheel.writestr(f"{INFO}/RECORD", f"hello.py,,\\n{INFO}/METADATA,,\\n{INFO}/WHEEL,,\\n{INFO}/RECORD,,\\n")
    return name
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for folder in (".ssh", ".aws", "project", "upstream", ".config/git", ".cache"):
        (home / folder).mkdir(parents=True)
    (home / ".ssh" / "id").write_text("key")
    (home / ".config" / "git" / "config").write_text("[init]\n\tdefaultBranch = main\n[safe]\n\tdirectory = *\n")
    git = ["git", "-C", str(home / "upstream"), "-c", "user.email=a@example.org", "-c", "user.name=a"]
    (home / "upstream" / "README").write_text("hello\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "zero"]):
        subprocess.run([*git, *words], check=True)
    return home


@pytest.fixture
def package(tmp_path: Path) -> Path:
    package = tmp_path / "package"
    package.mkdir()
    (package / "hello.py").write_text('word = "hi"\n')
    (package / "build_me.py").write_text(BUILDER)
    project = '[project]\nname = "hello"\nversion = "1"\n'
    build = '[build-system]\nrequires = []\nbuild-backend = "build_me"\nbackend-path = ["."]\n'
    (package / "pyproject.toml").write_text(project + build)
    return package


def coding_agent(home: Path) -> Applied:
    made = policy(
        deny(ALL_FILES, "~/.ssh/**", "~/.aws/**"),
        deny(("file_write", "file_edit", "file_delete"), "/etc/**"),
        deny(ALL_FILES, "**/.env", "**/.env.*"),
    )
    return here(made, home, home / "project")


def test_an_ordinary_day_works(home: Path, package: Path) -> None:
    applied = coding_agent(home)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "PACKAGE": str(package), "PYTHON": sys.executable}
    environ["GIT_CONFIG_GLOBAL"] = str(home / ".config" / "git" / "config")

    def day() -> list[str | int]:
        done = subprocess.run(["sh", "-c", DAY], env=environ, capture_output=True, text=True)
        return [done.returncode, done.stdout, done.stderr]

    status, out, err = inside(applied.expansion, day)
    assert (status, out.strip().endswith("done")) == (0, True), err


def test_the_dry_run_tells_what_the_day_costs(home: Path) -> None:
    applied = coding_agent(home)
    found = dry_run(applied.plan, applied.lowering, {})
    assert isinstance(found, DryRun)
    places = {lost.place for finding in found.findings if finding.index == 0 for lost in finding.lost}
    assert str(home) in places
    assert str(home / "project") not in places
    assert not any(place.startswith(str(home / "project")) for place in places)


def test_a_second_link_is_told_before_start(home: Path) -> None:
    os.link(home / ".ssh" / "id", home / "project" / "x")
    applied = coding_agent(home)
    assert [r.place for r in hard_links(applied.plan, applied.expansion)] == [str(home / ".ssh" / "id")]
