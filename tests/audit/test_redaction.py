"""No secret reaches the disk, whatever it is called and wherever it stands; what is none stays as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avakill.audit.compact import text as compact
from avakill.audit.encode import Encoder, marker
from avakill.audit.frame import HEADER, read_frames
from avakill.audit.secrets import MARK, is_secret_name, redact_text, suspicion
from avakill.audit.tame import tame
from avakill.audit.trail import Trail
from avakill.evaluator.scans import finds
from avakill.ir.condition import Scan
from tests.audit.help import record, stored

SECRET = "Zq7xV9pLk2mW8rTn"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

NAMED: tuple[object, ...] = tuple(
    {name: SECRET}
    for name in (
        "password", "PASSWORD", "passwd", "db_password", "dbPassword", "user-password", "passphrase", "secret", "client_secret",
        "clientSecret", "token", "access_token", "accessToken", "refresh-token", "api_key", "apikey", "apiKey", "API-KEY", "X-Api-Key",
        "authorization", "Authorization", "Proxy-Authorization", "credentials", "private_key", "privateKey", "AWS_SECRET_ACCESS_KEY",
        "secretAccessKey", "cookie", "Set-Cookie", "auth", "jwt", "otp", "pin", "signing_key", "encryptionKey", "session_key", "pass",
        "GITHUB_TOKEN", "MYSQL_PWD", "storage_key",
    )
)  # fmt: skip
NESTED: tuple[object, ...] = (
    {"config": {"db": {"password": SECRET}}},
    {"headers": [{"name": "x"}, {"Authorization": f"Basic {SECRET}"}]},
    {"env": [{"deep": [[{"token": SECRET}]]}]},
    {"password": {"value": SECRET}},
    {"tokens": [SECRET, SECRET]},
    {"command": ["mysql", "-u", "root", "--password", SECRET]},
    {"argv": ["deploy", "--api-key", SECRET, "--verbose"]},
    {"path": f"https://user:{SECRET}@host.example/x"},
    {f"password={SECRET}": 2},
)
SHAPED = (
    "AKIA" + "Q7XV9PLK2MW8RTNA",
    "ghp_" + SECRET + SECRET + "abcd",
    "gho_" + SECRET + SECRET + "abcd",
    "github_pat_" + SECRET + SECRET,
    "glpat-" + SECRET + "abcd",
    "sk_live_" + SECRET + SECRET,
    "sk-" + SECRET + SECRET,
    "sk-ant-api03-" + SECRET + SECRET,
    "xoxb-123456789-" + SECRET,
    "AIza" + SECRET + SECRET + "abc",
    "eyJhbGciOiJIUzI1NiJ9." + SECRET + "." + SECRET,
    "npm_" + SECRET + SECRET + "abcd",
    "Bearer " + SECRET + SECRET,
    "-----BEGIN RSA PRIVATE KEY-----\n" + SECRET + "\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----\n" + SECRET,
    HEX,
)
TEXTS = (
    f"curl -H 'Authorization: Bearer {SECRET}' https://host",
    f'curl -H "authorization: token {SECRET}" x',
    f"curl -H 'X-Api-Key: {SECRET}' x",
    f"curl -u admin:{SECRET} https://host",
    f"curl --user admin:{SECRET} https://host",
    f"mysql --password={SECRET} -e 'select 1'",
    f"mysql --password {SECRET} db",
    f"PGPASSWORD={SECRET} psql",
    f"export AWS_SECRET_ACCESS_KEY='{SECRET}'",
    f"sshpass -p {SECRET} ssh host",
    f"git clone https://x:{SECRET}@example.com/r.git",
    f"psql postgres://app:{SECRET}@db/x",
    f'{{"password": "{SECRET}", "user": "me"}}',
    f"password: {SECRET}\nuser: me",
    f'api_key = "{SECRET}"',
    f"docker login --password {SECRET}",
    f"deploy --token={SECRET}",
    f'password="two words {SECRET}"',
    f'password="a \\" quote {SECRET}"',
    f'echo \\"password\\": \\"two words {SECRET}\\"',
    f"token='{SECRET}",
    f"DB_PASSWORD => '{SECRET}'",
    f"Cookie: session={SECRET}",
)
HARMLESS: tuple[object, ...] = (
    {"path": "/home/u/src/main.py", "content": "def main():\n    print('hello')\n"},
    {"command": "git commit -m 'fix the tokenizer'"},
    {"command": "ls -la && grep -rn password src"},
    {"url": "https://example.com/a/b?q=1#frag"},
    {"max_tokens": 4096, "temperature": 0.5, "stream": True},
    {"path": "/srv/keyboard/author/pinned/compass.txt"},
    {"commit": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"},
    {"email": "user@example.com", "time": "12:30:05"},
    {"edits": [{"old": "a", "new": "b"}], "n": None},
    {"password": None, "token": "", "has_token": False},
    {"key": "value", "monkey": "banana", "author": "x"},
    {"text": "naïve café ☕ 日本語"},
)


def kept(arguments: object, key: bytes | None = None, reason: str = "", rule_name: str = "") -> str:
    """The line that goes to the journal."""
    one = record(arguments=arguments, reason=reason, rule_name=rule_name)
    ((_, _, _, head, text),) = read_frames(Encoder(key).frame(one, 1)).frames
    return (head + text).decode("ascii")


@pytest.mark.parametrize("arguments", [*NAMED, *NESTED], ids=str)
def test_a_value_under_a_secret_name_is_taken_out(arguments: object) -> None:
    line = kept(arguments)
    assert SECRET not in line
    assert MARK in line


@pytest.mark.parametrize("secret", SHAPED)
def test_a_secret_is_known_by_its_shape_anywhere(secret: str) -> None:
    inner = secret.split("\n")[-1] if "BEGIN" not in secret else SECRET
    for arguments in ({"x": secret}, {"x": f"say\n{secret}\tnow"}, {"x": [{"y": f"({secret})"}]}, {secret: 1}, [secret], secret):
        assert inner not in kept(arguments)
    assert inner not in kept({}, reason=f"`{secret}` is closed")
    assert inner not in kept({}, rule_name=f"x {secret}") or secret == HEX


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_within_a_text_is_taken_out_and_the_rest_stays(text: str) -> None:
    line = kept({"command": text, "path": "/srv/x"})
    assert SECRET not in line
    assert "/srv/x" in line
    assert SECRET not in kept({"steps": [{"run": text}]})
    assert SECRET not in kept({}, reason=text)


@pytest.mark.parametrize("arguments", HARMLESS, ids=str)
def test_what_is_no_secret_stays_as_it_was(arguments: object) -> None:
    assert kept(arguments).endswith("]" + compact(arguments))


def test_no_secret_is_on_the_disk(tmp_path: Path) -> None:
    """Neither in the store nor in the journal, looked at as bytes."""
    trail = Trail(tmp_path)
    for arguments in (*NAMED, *NESTED, *({"x": text} for text in TEXTS)):
        trail.record(record(arguments=arguments))
    before = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    trail.close()
    after = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in before + after
    assert MARK.encode() in after


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN OPENSSH PRIVATE KEY-----\nAKIAQ7XV9PLK2MW8RTNA\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        f"password=AKIAQ7XV9PLK2MW8RTNA+{SECRET}",
        f'password="AKIAQ7XV9PLK2MW8RTNA and {SECRET}"',
        f"https://x:AKIAQ7XV9PLK2MW8RTNA+{SECRET}@host",
        f"password=[redacted]{SECRET}",
        f'password="[redacted] {SECRET}"',
    ],
)
def test_a_secret_within_a_secret_hides_no_rest(text: str) -> None:
    """What one pattern has marked is still a part of what another one takes out."""
    assert SECRET not in kept({"x": text})
    assert SECRET not in kept({"x": text}, key=b"key")


def test_with_a_key_the_same_secret_is_known_again(tmp_path: Path) -> None:
    with Trail(tmp_path, key=b"key") as trail:
        for secret in (SECRET, SECRET, "another"):
            trail.record(record(arguments={"password": secret}))
    one, same, other = (json.loads(event.arguments)["password"] for event in stored(tmp_path))
    assert one == same != other
    assert one.startswith(MARK[:-1] + ":")
    assert kept({"password": SECRET}, key=b"another key").find(one) == -1


def test_a_secret_that_the_cut_goes_through_leaves_no_half() -> None:
    for before in range(16 * 1024 - 60, 16 * 1024 + 10, 7):
        assert SECRET[:8] not in kept({"x": "a " * (before // 2) + "ghp_" + SECRET + SECRET + "abcd" + " b" * 5000})


PIECES = st.sampled_from([*SHAPED, *TEXTS, "x", " ", "\n", '"', "é", "\ud800", "token", "key:", "=", "--", "https://", "@"])
WORD = st.one_of(PIECES, st.text(max_size=8))


@given(st.lists(WORD, max_size=4).map("".join))
def test_what_is_not_suspect_needs_no_redaction(text: str) -> None:
    """The quick search of every event may say too much and never too little."""
    clean = redact_text(text, marker(None))
    tamed = tame({"x": text}, marker(None))
    if not suspicion()(compact({"x": text}).encode()):
        assert tamed == {"x": text.encode("utf-8", "backslashreplace").decode()}
        assert clean == text.encode("utf-8", "backslashreplace").decode()


@given(st.lists(WORD, min_size=1, max_size=3).map("".join))
def test_a_name_that_is_secret_is_suspect(name: str) -> None:
    if is_secret_name(name):
        assert suspicion()(compact({name: "value"}).encode())
    if is_secret_name("-" + name):
        assert suspicion()(compact({"x": ["-" + name, "value"]}).encode())


@given(st.lists(WORD, max_size=4).map("".join))
def test_what_the_evaluator_calls_a_secret_is_gone(text: str) -> None:
    assert not finds(Scan.SECRETS, redact_text(text, marker(None)))


@given(st.lists(WORD, max_size=4).map("".join))
def test_redacting_settles(text: str) -> None:
    """A mark is no secret itself; what stands right behind one may be taken for its rest, once."""
    twice = redact_text(redact_text(text, marker(None)), marker(None))
    assert redact_text(twice, marker(None)) == twice


def test_the_header_stands_before_ascii_only() -> None:
    assert max(Encoder(None).frame(record(arguments={"é": "日本"}, reason="naïve"), 1)[HEADER.size :]) < 128
