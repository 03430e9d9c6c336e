"""The interpreter of profiles, tried on profiles written by hand from what is known of the language."""

from __future__ import annotations

import pytest

from avakill.backends.judge import Probe
from avakill.ir.effect import Operation as Op
from tests.oracles.sbpl import ProfileError, load

LAST_WINS = '(version 1)(allow default)(deny file-read* (subpath "/a"))(allow file-read-data (literal "/a/b"))'
SPECIFIC_DOES_NOT_WIN = '(version 1)(allow default)(allow file-write-data (literal "/a/b"))(deny file-write* (subpath "/a"))'
CLOSED = '(version 1)(deny default)(allow file-read* (subpath "/usr"))(allow process-exec (literal "/bin/ls"))'
PARAMETERS = """(version 1) ; a comment ( with a paren
(allow default)
(deny file-read-data (subpath (string-append (param "HOME") "/.ssh")))
(deny file-read-data (regex (string-append "^" (regex-quote (param "HOME")) "/[^/]+[.]pem$")))"""
RAW_REGEX = '(version 1)(allow default)(deny file-read-data (regex #"/\\.env$"))'
REQUIRES = """(version 1)(allow default)
(deny file-write-unlink (require-all (subpath "/w") (vnode-type DIRECTORY) (require-not (literal "/w/out"))))"""
NETWORK = '(version 1)(allow default)(deny network-outbound (remote ip "*:*"))(allow network-outbound (remote tcp "*:443"))'
LOCAL = '(version 1)(allow default)(deny network* (remote ip))(allow network-outbound (remote ip "localhost:*"))'
DEFINED = '(version 1)(define keys (require-any (literal "/k1") (prefix "/keys")))(allow default)(deny file-read* keys)'
ALIASES = '(version 1)(allow default)(deny file-write* (subpath "/private/tmp/x"))(deny file-read* (subpath "/tmp/y"))'
MOVES = '(version 1)(allow default)(deny file-write-unlink (literal "/d"))(deny file-link (subpath "/d"))'
QUOTES = '(version 1)(allow default)(deny file-read* (literal "/a \\"b\\" \\\\ c\\nd") (literal "/e;f"))'


@pytest.mark.parametrize(
    ("profile", "probe", "allowed"),
    [
        (LAST_WINS, Probe(Op.READ, "/a/c"), False),
        (LAST_WINS, Probe(Op.READ, "/ab"), True),
        (SPECIFIC_DOES_NOT_WIN, Probe(Op.WRITE, "/a/b"), False),
        (SPECIFIC_DOES_NOT_WIN, Probe(Op.ATTR, "/a/b"), False),
        (SPECIFIC_DOES_NOT_WIN, Probe(Op.READ, "/a/b"), True),
        (CLOSED, Probe(Op.WRITE, "/x"), False),
        (CLOSED, Probe(Op.LIST, "/usr/lib", directory=True), False),  # file-clone is not in file-read*
        (CLOSED, Probe(Op.EXEC, "/bin/ls"), False),  # nor process-exec-interpreter in process-exec
        (PARAMETERS, Probe(Op.READ, "/u.r/.ssh/id"), False),
        (PARAMETERS, Probe(Op.READ, "/u.r/k.pem"), False),
        (PARAMETERS, Probe(Op.READ, "/uxr/k.pem"), True),
        (PARAMETERS, Probe(Op.READ, "/u.r/d/k.pem"), True),
        (RAW_REGEX, Probe(Op.READ, "/q/.env"), False),
        (RAW_REGEX, Probe(Op.READ, "/q/xenv"), True),
        (RAW_REGEX, Probe(Op.READ, "/q/.env\n"), True),
        (REQUIRES, Probe(Op.RMDIR, "/w/d", directory=True), False),
        (REQUIRES, Probe(Op.UNLINK, "/w/f"), True),
        (REQUIRES, Probe(Op.RMDIR, "/w/out", directory=True), True),
        (NETWORK, Probe(Op.CONNECT, "tcp://192.0.2.1:443"), True),
        (NETWORK, Probe(Op.CONNECT, "udp://192.0.2.1:443"), False),
        (LOCAL, Probe(Op.CONNECT, "tcp://127.0.0.1:80"), True),
        (LOCAL, Probe(Op.CONNECT, "udp://[2001:db8::1]:53"), False),
        (DEFINED, Probe(Op.READ, "/keys-old/a"), False),
        (DEFINED, Probe(Op.READ, "/k2"), True),
        (ALIASES, Probe(Op.WRITE, "/tmp/x/f"), False),
        (ALIASES, Probe(Op.READ, "/tmp/y"), True),  # what a link resolves to is compared
        (MOVES, Probe(Op.RENAME, "/d", "/e", directory=True), False),
        (MOVES, Probe(Op.RENAME, "/x", "/d", replaces=True), False),
        (MOVES, Probe(Op.RENAME, "/d/f", "/e"), True),
        (MOVES, Probe(Op.LINK, "/d/f", "/e"), False),
        (QUOTES, Probe(Op.READ, '/a "b" \\ c\nd'), False),
        (QUOTES, Probe(Op.READ, "/e;f"), False),
    ],
)
def test_a_hand_made_profile_answers_as_expected(profile: str, probe: Probe, allowed: bool) -> None:
    assert load(profile, {"HOME": "/u.r"}).allows(probe) is allowed


@pytest.mark.parametrize(
    "profile",
    [
        "(allow default)",
        "(version 1)",
        "(version 1)(allow default",
        "(version 1)(allow default))",
        '(version 1)(allow default)(deny file-rename (literal "/a"))',
        '(version 1)(allow default)(deny file-read* (literal "a"))',
        '(version 1)(allow default)(deny file-read* (subpath (param "MISSING")))',
        '(version 1)(allow default)(deny network-outbound (remote ip "example.org:443"))',
        '(version 1)(allow default)(deny network-outbound (remote ip "10.0.0.0/8:*"))',
        '(version 1)(allow default)(deny file-read* (regex #"^/a(?!b)"))',
        '(version 1)(allow default)(deny file-read* (regex #"^/[a"))',
        '(version 1)(allow default)(deny file-read* (glob "/a*"))',
        '(version 1)(import "system.sb")(allow default)',
        '(version 1)(allow default)(deny file-read* (literal "/\\q"))',
        "(version 1)(allow default)(deny file-read* (vnode-type FOLDER))",
    ],
)
def test_what_would_not_load_is_refused(profile: str) -> None:
    with pytest.raises(ProfileError):
        load(profile)
