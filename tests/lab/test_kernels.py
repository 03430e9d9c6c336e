"""The lab's kernels: found in the cache or fetched from Debian's archive, with what a guest's first root needs of them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from avakill.lab import debs, initramfs, kernels
from avakill.lab.words import LabFault
from tests.conftest import need

SOURCES = Path(__file__).parents[2] / "avakill" / "lab"


def kernel(version: str) -> kernels.Kernel:
    """The kernel; where this machine cannot have it the test is skipped, or fails where CI is set."""
    try:
        return kernels.find(version)
    except LabFault as fault:
        need(False, f"{fault.reason}: {fault.help}")
        raise


@pytest.mark.parametrize("version", kernels.SUITES)
def test_a_kernel_is_an_image_with_the_modules_of_its_own_release(version: str) -> None:
    found = kernel(version)
    assert found.release.startswith(version)
    assert found.image.read_bytes()[0x202:0x206] == b"HdrS"  # of the x86 boot protocol
    assert [path.name.partition("-")[2] for path in found.modules][-1] == "overlay.ko"
    assert all(f"vermagic={found.release} ".encode() in path.read_bytes() for path in found.modules)


@pytest.mark.parametrize("version", kernels.SUITES)
def test_a_module_is_loaded_after_all_that_it_depends_on(version: str) -> None:
    seen: set[str] = set()
    for path in kernel(version).modules:
        assert set(kernels._depends(path.read_bytes())) <= seen
        seen.add(path.stem.partition("-")[2])


def test_a_kernel_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(LabFault, match=r"no kernel `2\.4`") as fault:
        kernels.find("2.4")
    assert fault.value.help == "it knows 6.12, 6.1"


def test_the_cache_is_where_the_user_wants_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernels.cache() == tmp_path / "avakill" / "kernels"


def test_without_apt_the_fault_names_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabFault, match=r"`apt-get` is missing") as fault:
        kernels.find("6.1")
    assert fault.value.help == "on Debian it is in `apt`"
    assert list(kernels.cache().iterdir()) == []


def test_no_host_is_named_anywhere_in_the_lab() -> None:
    assert [path.name for path in SOURCES.glob("*.py") if re.search(r"https?://", path.read_text())] == []


def test_the_archive_is_that_of_this_machine() -> None:
    need(os.path.exists("/usr/bin/apt-get"), "not a Debian machine")
    try:
        address = debs._address()
    except LabFault as fault:
        need(False, fault.reason)
        raise
    listed = subprocess.run(("apt-get", "indextargets", "--format", "$(REPO_URI)"), capture_output=True, text=True, check=True)
    assert address in listed.stdout.split()


def test_the_first_root_holds_a_program_a_script_and_the_modules(tmp_path: Path) -> None:
    found = kernel("6.1")
    archive = initramfs.make(found, tmp_path)
    listed = subprocess.run((initramfs.busybox(), "cpio", "-t"), input=archive.read_bytes(), capture_output=True, check=True)
    names = set(listed.stdout.decode().split())
    assert {"init", "busybox", "new", "lower", "upper"} <= names
    assert {f"modules/{path.name}" for path in found.modules} <= names
    assert list(tmp_path.iterdir()) == [archive]
