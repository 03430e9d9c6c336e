"""The profile of every fixture policy is started by runc, alone and merged into a base."""

from __future__ import annotations

import platform

import pytest

from avakill.backends.contract import Settings
from avakill.backends.seccomp import BACKEND
from tests.backends.seccomp.support import DOCKER, text_of
from tests.conftest import need
from tests.golden.fixtures import NAMES, made
from tests.kernel.seccomp.bundle import Bundle, make_bundle

READ, UNIX = "257,-100,@/etc/f,0", "41,1,1,0"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    need(platform.machine() == "x86_64", "the probe speaks x86_64's numbers")
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize("base", [None, DOCKER], ids=["alone", "merged"])
@pytest.mark.parametrize("name", NAMES)
def test_runc_starts_a_container_under_it(bundle: Bundle, name: str, base: None) -> None:
    text = text_of(BACKEND.lower(made(name).plan, Settings(base=base, base_name="default.json")))
    got = bundle.results(text, READ, UNIX)
    assert got[READ] >= 0
    assert got[UNIX] >= 0


def test_the_network_of_a_web_fetch_deny_is_refused_by_two_doors_and_files_are_not(bundle: Bundle) -> None:
    text = text_of(BACKEND.lower(made("shape-web-fetch").plan, Settings()))
    got = bundle.results(text, "41,2,1,0", "41,10,2,0", "83,@/w/d1,0755")
    assert (got["41,2,1,0"], got["41,10,2,0"], got["83,@/w/d1,0755"]) == (-1, -1, 0)
