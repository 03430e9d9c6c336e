"""A signature holds for the bytes that were signed, under the key that signed them, and for nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avakill.signing import ed25519
from avakill.signing.keys import Keys, read_key, read_keys
from avakill.signing.sidecar import BadSidecar, read_sidecar, signed_bytes, write_sidecar
from avakill.signing.sign import sign_plainly
from avakill.signing.verify import authenticate, verify
from avakill.signing.words import Algorithm, PlainSignature, Refused, Signature
from avakill.source import codes
from tests.signing.signing import MAC, OLD, OTHER_MAC, PUBLIC, SEED, WITH_MAC, WITH_PUBLIC, signed, signed_by_seed

MANY = settings(max_examples=int(os.environ.get("AVAKILL_EXAMPLES", "300")))
BOTH = Keys(MAC, None, PUBLIC if isinstance(PUBLIC, bytes) else None)
NAMES = st.from_regex(r"[A-Z_]{1,8}", fullmatch=True)


@MANY
@given(st.binary(max_size=200), st.integers(1, 2**63 - 1), st.dictionaries(NAMES, st.text(max_size=8), max_size=3), st.booleans())
def test_what_is_signed_is_read_back_and_holds(data: bytes, counter: int, values: dict[str, str], by_seed: bool) -> None:
    made = signed_by_seed(data, counter) if by_seed else signed(data, counter, values=values)
    assert read_sidecar(write_sidecar(made)) == made
    assert verify(data, write_sidecar(made), BOTH, values) == made


@MANY
@given(st.data())
def test_no_change_of_the_sidecar_says_anything_else(data: st.DataObject) -> None:
    """A changed sidecar is refused, or is another spelling of the same words."""
    made = data.draw(st.sampled_from((signed(OLD, 5, values={"HOME": "/root"}), signed_by_seed(OLD, 5))))
    text = bytearray(write_sidecar(made))
    at = data.draw(st.integers(0, len(text) - 1))
    match data.draw(st.sampled_from(("change", "cut", "insert"))):
        case "change":
            text[at] = data.draw(st.integers(0, 255))
        case "cut":
            del text[at : at + data.draw(st.integers(1, 40))]
        case _:
            text[at:at] = data.draw(st.binary(min_size=1, max_size=8))
    found = authenticate(OLD, bytes(text), BOTH)
    assert isinstance(found, Refused) or found == made


@MANY
@given(st.binary(max_size=64), st.binary(max_size=64))
def test_other_bytes_are_refused(data: bytes, other: bytes) -> None:
    for made in (signed(data), signed_by_seed(data), sign_plainly(data, MAC)):
        assert isinstance(authenticate(other, write_sidecar(made), BOTH), Refused) == (data != other)


@pytest.mark.parametrize("field", ["sha256", "counter", "created", "salt", "values", "unsigned", "key", "algorithm"])
def test_every_word_is_signed(field: str) -> None:
    made = signed(OLD, 5, values={"HOME": "/root"})
    others: dict[str, Signature] = {
        "sha256": replace(made, sha256=hashlib.sha256(b"x").hexdigest()),
        "counter": replace(made, counter=6),
        "created": replace(made, created="2030-01-01T00:00:00Z"),
        "salt": replace(made, salt="11" * 16),
        "values": replace(made, values=()),
        "unsigned": replace(made, unsigned=("HOME",)),
        "key": replace(made, key="22" * 8),
        "algorithm": replace(made, algorithm=Algorithm.ED25519, value=made.value * 2),
    }
    assert isinstance(authenticate(OLD, write_sidecar(others[field]), BOTH), Refused)


def test_a_wrong_key_and_a_missing_key_are_told_apart() -> None:
    mine = write_sidecar(signed(OLD))
    other, missing = authenticate(OLD, mine, Keys(mac=OTHER_MAC)), authenticate(OLD, mine, WITH_PUBLIC)
    assert isinstance(other, Refused)
    assert isinstance(missing, Refused)
    assert (other.code, missing.code) == (codes.BAD_SIGNATURE, codes.NO_KEY)
    assert "another key" in other.why


def test_the_plain_formats_are_read() -> None:
    """§10 of the interface: hex HMAC-SHA256 of the bytes; `ed25519:` with 128 hex digits."""
    plain = hmac.new(MAC, OLD, hashlib.sha256).hexdigest().encode()
    assert authenticate(OLD, plain, WITH_MAC) == PlainSignature(Algorithm.HMAC, plain.decode())
    made = ed25519.sign(SEED, OLD)
    assert isinstance(made, bytes)
    assert isinstance(authenticate(OLD, b"ed25519:" + made.hex().encode(), WITH_PUBLIC), PlainSignature)
    assert isinstance(authenticate(OLD + b"x", b"ed25519:" + made.hex().encode(), WITH_PUBLIC), Refused)


def test_a_plain_signature_of_a_file_is_no_signature_of_ours() -> None:
    """The same key over the same bytes, once as a file and once as what our format signs."""
    mine = signed(OLD, 5)
    assert signed_bytes(mine).startswith(b"\0")
    as_plain = PlainSignature(Algorithm.HMAC, mine.value)
    assert isinstance(authenticate(OLD, write_sidecar(as_plain), WITH_MAC), Refused)


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"{}", b"[]", b"null", b"x" * 64, b"\xff", b"0" * 63, b"ed25519:" + b"0" * 127, b"ed25519:", b"{" * 300_000],
)
def test_what_is_no_signature_is_refused(text: bytes) -> None:
    with pytest.raises(BadSidecar):
        read_sidecar(text)


def test_a_member_given_twice_is_refused() -> None:
    text = write_sidecar(signed(OLD, 5)).decode().replace('"counter": 5,', '"counter": 6, "counter": 5,')
    assert json.loads(text)["counter"] == 5
    with pytest.raises(BadSidecar, match="twice"):
        read_sidecar(text.encode())


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "0" * 63, "00 " * 32, "é" * 64])
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(text: str) -> None:
    key = read_key(text, "AVAKILL_POLICY_KEY")
    assert isinstance(key, Refused)
    assert not text or text not in key.why


def test_one_bad_key_spoils_all() -> None:
    assert isinstance(read_keys({"AVAKILL_POLICY_KEY": MAC.hex(), "AVAKILL_VERIFY_KEY": "00"}), Refused)
    assert read_keys({"AVAKILL_POLICY_KEY": MAC.hex(), "AVAKILL_VERIFY_KEY": ""}) == Keys(mac=MAC)
    assert MAC.hex() not in repr(read_keys({"AVAKILL_POLICY_KEY": MAC.hex()}))
