"""Builds the hooks of C into the wheel, where there is a compiler: without one the wheel is pure.

AVAKILL_HARDENED=1 makes a failure to compile a failure to build, AVAKILL_HARDENED=0 leaves the hooks out.
An editable install gets them with AVAKILL_HARDENED=1 only, beside their source.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import sys_tags

SOURCE = "avakill/hardening/_hooks.c"
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-g0", "-fPIC", "-Wall", "-Wextra", "-fvisibility=hidden", "-fstack-protector-strong")


class HardenedBuildHook(BuildHookInterface[Any]):
    """hatchling looks for a subclass of its interface in this file."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        wanted = os.environ.get("AVAKILL_HARDENED", "")
        if self.target_name != "wheel" or wanted == "0" or (version == "editable" and wanted != "1"):
            return
        self.scratch = tempfile.TemporaryDirectory(prefix="avakill-hooks-")
        name = f"_hooks{sysconfig.get_config_var('EXT_SUFFIX')}"
        source, target = Path(self.root, SOURCE), Path(self.scratch.name, name)
        failure = compiled(source, target)
        if failure is None and version == "editable":
            shutil.copy(target, source.with_name(name))
        elif failure is None:
            tag = next(sys_tags())
            build_data["pure_python"] = False
            build_data["tag"] = f"{tag.interpreter}-{tag.abi}-{platform_tag()}"
            build_data["force_include"][str(target)] = f"avakill/hardening/{name}"
        elif wanted == "1":
            raise RuntimeError(f"AVAKILL_HARDENED=1, and the hooks of C cannot be built: {failure}")
        else:
            self.app.display_info(f"avakill: without the hooks of C: {failure}")


def platform_tag() -> str:
    """The platform of this Python: what a compiler here makes is for machines like this one, not for a policy of many Linuxes."""
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def compiled(source: Path, target: Path) -> str | None:
    """Compile and link the extension; what stood in the way."""
    if os.name != "posix" or sys.implementation.name != "cpython":
        return "the hooks know CPython on POSIX systems only"
    compiler = find_compiler()
    if compiler is None:
        return "there is no C compiler"
    include = sysconfig.get_path("include")
    if not Path(include, "Python.h").exists():
        return f"there is no Python.h in {include}"
    linked = ("-bundle", "-undefined", "dynamic_lookup") if sys.platform == "darwin" else ("-shared", "-Wl,-z,relro,-z,now")
    words = (*compiler, *FLAGS, f"-I{include}", f"-I{sysconfig.get_path('platinclude')}", str(source), *linked, "-o", str(target))
    try:
        run = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if run.returncode == 0 else f"`{shlex.join(words)}` says: {run.stderr.strip()}"


def find_compiler() -> tuple[str, ...] | None:
    """$CC, which may name one that is not there on purpose, else the compiler that made this Python, else `cc`."""
    if "CC" in os.environ:
        named = [os.environ["CC"]]
    else:
        named = [sysconfig.get_config_var("CC") or "cc", "cc"]
    for line in named:
        words = shlex.split(line)
        if words and shutil.which(words[0]):
            return tuple(words)
    return None
