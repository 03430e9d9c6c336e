"""Keys, signatures and their checks, as a user gives the commands."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import subprocess
import sys

import pytest

from avakill.signing import ed25519
from avakill.signing.keys import NO_KEYS, Keys
from avakill.signing.sidecar import write_sidecar
from avakill.signing.sign import sign_plainly
from tests.cli.command import Ended, Place
from tests.signing.signing import MAC, OLD, OTHER_MAC, signed

KEY = MAC.hex()
SEED = bytes(range(32)).hex()


def public_of(seed: str) -> str:
    public = ed25519.public_of(bytes.fromhex(seed))
    assert isinstance(public, bytes)
    return public.hex()


def code_of(ended: Ended) -> str:
    found = re.search(r"AVK\d{4}", ended.err)
    return found[0] if found else f"none: {ended}"


def test_keygen_prints_the_pair_first(place: Place) -> None:
    lines = place.run("keygen").out.split("\n")
    names = [line.partition("=")[0] for line in lines[:2]]
    assert names == ["export AVAKILL_SIGNING_KEY", "export AVAKILL_VERIFY_KEY"]
    seed, public = (line.partition("=")[2] for line in lines[:2])
    assert public_of(seed) == public
    assert place.run("keygen").out != "\n".join(lines)


def test_keygen_writes_a_file_for_the_user_alone(place: Place) -> None:
    ended = place.run("keygen", "--write-to", "keys.sh")
    file = place.project / "keys.sh"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "SIGNING" not in ended.out + ended.err
    assert file.read_text().startswith("export AVAKILL_SIGNING_KEY=")
    before = file.read_bytes()
    assert place.run("keygen", "--write-to", "keys.sh").status == 1
    assert file.read_bytes() == before


def test_keygen_makes_an_hmac_key(place: Place) -> None:
    line = place.run("keygen", "--hmac").out.strip()
    assert re.fullmatch(r"export AVAKILL_POLICY_KEY=[0-9a-f]{64}", line)


def test_a_policy_is_signed_and_verified(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    ended = place.run("sign", AVAKILL_POLICY_KEY=KEY)
    assert ended.status == 0, ended
    assert "counter 1" in ended.out
    ended = place.run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=KEY)
    assert (ended.status, ended.out) == (0, "Valid HMAC-SHA256 signature: avakill.yaml\n")
    told = json.loads((place.project / "avakill.yaml.sig").read_text())
    assert told["sha256"] == hashlib.sha256(OLD).hexdigest()


def test_the_counter_goes_up_and_can_be_given(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    for want in ("counter 1", "counter 2"):
        assert want in place.run("sign", "avakill.yaml", "--key", KEY).out
    assert "counter 7" in place.run("sign", "avakill.yaml", "--key", KEY, "--counter", "7").out
    assert "counter 8" in place.run("sign", "avakill.yaml", "--key", KEY).out
    assert "counter 8" in place.run("verify", "avakill.yaml", "--key", KEY, "-v").out


def test_ed25519_signs_with_one_key_and_verifies_with_the_other(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    assert place.run("sign", "avakill.yaml", "--ed25519", AVAKILL_SIGNING_KEY=SEED).status == 0
    ended = place.run("verify", "avakill.yaml", AVAKILL_VERIFY_KEY=public_of(SEED))
    assert ended.out == "Valid Ed25519 signature: avakill.yaml\n"
    assert place.run("verify", "avakill.yaml", "--key", public_of(SEED)).status == 0
    assert place.run("verify", "avakill.yaml", "--key", public_of(KEY)).status == 1 - (KEY == SEED)


def test_a_signing_key_alone_is_enough_to_sign(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    assert "Ed25519" in place.run("sign", AVAKILL_SIGNING_KEY=SEED).out


def test_a_new_key_is_printed_and_used(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    ended = place.run("sign", "avakill.yaml", "--generate-key")
    found = re.fullmatch(r"export AVAKILL_POLICY_KEY=([0-9a-f]{64})\n", ended.out)
    assert found
    assert place.run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=found[1]).status == 0
    assert place.run("sign", "--generate-key", "--ed25519").out.startswith("export AVAKILL_SIGNING_KEY=")


def test_the_plain_formats_verify(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    place.write("avakill.yaml.sig", hmac.new(MAC, OLD, hashlib.sha256).hexdigest())
    ended = place.run("verify", "avakill.yaml", "-v", AVAKILL_POLICY_KEY=KEY)
    assert ended.out.startswith("Valid HMAC-SHA256 signature: avakill.yaml\n")
    assert "no counter" in ended.out
    assert place.run("sign", "avakill.yaml", AVAKILL_POLICY_KEY=KEY).status == 0


def _signed(place: Place) -> None:
    place.write("avakill.yaml", OLD)
    place.write("avakill.yaml.sig", write_sidecar(signed(OLD)))


def test_what_does_not_hold_is_told_by_its_code(place: Place) -> None:
    def verify(**environment: str) -> str:
        ended = place.run("verify", "avakill.yaml", **environment)
        assert ended.status == 1, ended
        return code_of(ended)

    assert verify(AVAKILL_POLICY_KEY=KEY) == "AVK5001"
    place.write("avakill.yaml", OLD)
    assert verify(AVAKILL_POLICY_KEY=KEY) == "AVK6001"
    _signed(place)
    assert verify() == "AVK6004"
    assert verify(AVAKILL_VERIFY_KEY=public_of(SEED)) == "AVK6004"
    assert verify(AVAKILL_POLICY_KEY=OTHER_MAC.hex()) == "AVK6002"
    assert verify(AVAKILL_POLICY_KEY="secret") == "AVK6003"
    place.write("avakill.yaml", OLD + b"\n")
    assert verify(AVAKILL_POLICY_KEY=KEY) == "AVK6002"
    place.write("avakill.yaml.sig", "nonsense")
    assert verify(AVAKILL_POLICY_KEY=KEY) == "AVK6002"


def test_a_policy_with_errors_is_not_signed(place: Place) -> None:
    place.write("avakill.yaml", "policies: 3\n")
    ended = place.run("sign", AVAKILL_POLICY_KEY=KEY)
    assert (ended.status, (place.project / "avakill.yaml.sig").exists()) == (1, False)
    assert code_of(ended) == "AVK1102"


def test_a_link_is_not_signed(place: Place) -> None:
    place.write("real.yaml", OLD)
    (place.project / "avakill.yaml").symlink_to("real.yaml")
    ended = place.run("sign", "avakill.yaml", AVAKILL_POLICY_KEY=KEY)
    assert (ended.status, code_of(ended)) == (1, "AVK5001")


@pytest.mark.parametrize(
    ("words", "environment", "code"),
    [
        ([], {}, "AVK6004"),
        (["--ed25519"], {"AVAKILL_POLICY_KEY": KEY}, "AVK6004"),
        (["--key", "00"], {}, "AVK6003"),
        (["--key", "00", "--ed25519"], {}, "AVK6003"),
        ([], {"AVAKILL_POLICY_KEY": "zz"}, "AVK6003"),
    ],
)
def test_signing_without_a_usable_key_fails(place: Place, words: list[str], environment: dict[str, str], code: str) -> None:
    place.write("avakill.yaml", OLD)
    ended = place.run("sign", "avakill.yaml", *words, **environment)
    assert (ended.status, code_of(ended)) == (1, code)
    assert not (place.project / "avakill.yaml.sig").exists()


def test_values_of_the_environment_are_signed(place: Place) -> None:
    text = OLD.replace(b"}", b', conditions: {path_match: {path: ["${DATA}/x"]}}}')
    place.write("avakill.yaml", text)
    ended = place.run("sign", AVAKILL_POLICY_KEY=KEY)
    assert (ended.status, code_of(ended)) == (1, "AVK1105")
    assert "`DATA`" in place.run("sign", AVAKILL_POLICY_KEY=KEY, DATA="/srv").out
    assert "/srv" not in (place.project / "avakill.yaml.sig").read_text()
    assert place.run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=KEY, DATA="/srv").status == 0
    for environment in ({"DATA": "/tmp"}, {}):
        ended = place.run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=KEY, **environment)
        assert (ended.status, code_of(ended)) == (1, "AVK6007")


def test_values_may_be_left_unsigned_and_that_is_said(place: Place) -> None:
    place.write("avakill.yaml", OLD.replace(b"}", b', conditions: {path_match: {path: ["${DATA}/x"]}}}'))
    place.run("sign", "--any-environment", AVAKILL_POLICY_KEY=KEY, DATA="/srv")
    ended = place.run("verify", "avakill.yaml", "-v", AVAKILL_POLICY_KEY=KEY, DATA="/tmp")
    assert ended.status == 0
    assert "the value of `DATA` is not signed" in ended.out


def test_without_cryptography_ed25519_is_refused_and_hmac_works(place: Place) -> None:
    """As where the extra is not installed: the import fails."""
    place.write("avakill.yaml", OLD)
    blocked = "import sys; sys.modules['cryptography'] = None; from avakill.cli.main import main; main()"

    def run(*words: str, **environment: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-c", blocked, *words],
            cwd=place.project,
            env={"PATH": os.environ["PATH"], "HOME": str(place.home), "PYTHONPATH": os.getcwd(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    for words in (("keygen",), ("sign", "--ed25519", "--key", SEED), ("sign", "--generate-key", "--ed25519")):
        ended = run(*words)
        assert (ended.status, code_of(ended)) == (1, "AVK6005"), ended
        assert "Traceback" not in ended.err
    assert run("sign", AVAKILL_POLICY_KEY=KEY, AVAKILL_SIGNING_KEY=SEED).status == 0
    assert run("verify", "avakill.yaml", AVAKILL_POLICY_KEY=KEY).status == 0
    place.run("sign", "--ed25519", AVAKILL_SIGNING_KEY=SEED)
    assert code_of(run("verify", "avakill.yaml", AVAKILL_VERIFY_KEY=public_of(SEED))) == "AVK6005"


def test_the_keys_are_not_in_any_repr() -> None:
    assert KEY not in repr(Keys(MAC, MAC))
    assert Keys() == NO_KEYS
    assert sign_plainly(OLD, MAC).value not in repr(NO_KEYS)
