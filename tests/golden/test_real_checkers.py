"""Every artifact of every fixture policy passes the real checker of its language."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.backends.selinux.checker import NEEDED, check_module, missing
from tests.backends.tetragon.schema import complaints
from tests.conftest import Validator, need
from tests.golden.fixtures import NAMES, TARGET, made
from tests.oracles.sbpl import load

CRDS = Path(__file__).parents[3] / "shared" / "facts" / "crds"


def artifact(name: str, backend: str, index: int = 0) -> str:
    emission = next(e for e in made(name).emissions if e.backend.name == backend)
    return emission.artifacts[index].text


@pytest.mark.parametrize("name", NAMES)
def test_apparmor_parser_takes_the_profile(name: str, validator: Validator, tmp_path: Path) -> None:
    profile = tmp_path / "avakill.apparmor"
    profile.write_bytes(artifact(name, "apparmor").encode("utf-8", "surrogateescape"))
    done = subprocess.run([validator("apparmor_parser"), "-Q", "-K", str(profile)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_checkmodule_packages_and_links_the_module(name: str) -> None:
    need(not missing(), f"missing: {', '.join(missing())} of {', '.join(NEEDED)}")
    assert check_module(artifact(name, "selinux"), artifact(name, "selinux", 1), link=True) == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_tracing_policies_keep_to_the_schema_and_the_limits(name: str) -> None:
    documents = [document for document in yaml.load_all(artifact(name, "tetragon"), yaml.CSafeLoader) if document is not None]
    assert [complaint for document in documents for complaint in complaints(document)] == []
    if CRDS.is_dir():
        for document in documents:
            crd_of(document["kind"]).validate(document)


@lru_cache(maxsize=2)
def crd_of(kind: str) -> jsonschema.Draft202012Validator:
    file = {"TracingPolicy": "tracingpolicies", "TracingPolicyNamespaced": "tracingpoliciesnamespaced"}[kind]
    crd = yaml.load((CRDS / f"cilium.io_{file}.yaml").read_text(), yaml.CSafeLoader)
    return jsonschema.Draft202012Validator(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


@pytest.mark.parametrize("name", NAMES)
def test_the_profile_parses_as_sbpl(name: str) -> None:
    profile = load(artifact(name, "sbpl"), {"HOME": TARGET.home, "WORKSPACE": TARGET.workspace})
    assert profile.rules
