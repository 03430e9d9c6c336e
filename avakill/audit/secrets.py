"""What a secret looks like: by the name it goes under, and by its own shape."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from json.encoder import encode_basestring_ascii
from typing import Protocol

from avakill.evaluator.scans import finds
from avakill.ir.condition import Scan

MARK = "[redacted]"

Mark = Callable[[str], str]
"""A secret to what stands in its place."""

WORDS = frozenset(
    (
        *("password", "passwords", "passwd", "passphrase", "passcode", "pwd", "pass", "pin", "otp", "jwt", "bearer"),
        *("secret", "secrets", "token", "tokens", "credential", "credentials", "authorization", "authorisation", "auth"),
        *("cookie", "cookies", "apikey", "apikeys", "accesskey", "privatekey", "secretkey"),
    )
)
KINDS_OF_KEY = frozenset(
    ("api", "access", "private", "secret", "encryption", "signing", "session", "auth", "account", "master", "shared", "ssh", "storage")
)

_WORD = (
    r"(?:pass(?:w(?:or)?d|phrase|code)|pwd|secret|token|credential|authori[sz]ation|cookie"
    r"|api[_.-]?key|(?:access|private|account|signing)[_.-]?key)"
)
_BARE = r"""(?:\[redacted[^\]]*\]|[^\s"'\\&;,)}\]])+"""
_VALUE = rf"""(?:\\"[^"\\]*\\"|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\\?["']?{_BARE})"""
_NAMED = (
    rf"""(?i:[A-Za-z0-9_.-]*{_WORD}[A-Za-z0-9_.-]*["'\\\]]*\s*(?:=>|:=|[:=])\s*(?:["']?(?:basic|bearer|token|digest)\s+)?)({_VALUE})""",
    rf"(?i:--?[a-z0-9-]*{_WORD}[a-z0-9-]*\s+)({_VALUE})",
    r"\bsshpass\s+-p\s*(\S+)",
    r"(?:^|\s)(?:-u|--user|--proxy-user)[\s=]+[^\s:]+:(\S+)",
    r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@",
)
"""Texts whose first group is a secret for what stands in front of it."""

_SHAPED = (
    r"(?s:-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]+-----|\z))",
    r"(?:AKIA|ASIA)[0-9A-Z]{16}[0-9A-Za-z]*",
    r"gh[pousr]_[A-Za-z0-9]{36,}",
    r"github_pat_[A-Za-z0-9_]{22,}",
    r"glpat-[A-Za-z0-9_-]{16,}",
    r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\bsk-[A-Za-z0-9_-]{20,}",
    r"(?i:\bbearer\s+[A-Za-z0-9._~+/=-]{8,})",
    r"(?i:\bbasic\s+[A-Za-z0-9+/]{12,}={0,2})",
    r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    r"\bAIza[0-9A-Za-z_-]{35,}",
    r"\bya29\.[0-9A-Za-z_-]{20,}",
    r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?",
    r"\b(?:npm|hf|dop_v1|pypi)[_-][A-Za-z0-9_-]{30,}",
    r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
)
"""Texts that are secrets wherever they stand; they hold all of `avakill.evaluator.scans.SECRETS`."""

_LONG = r"[A-Za-z0-9+/=_-]{48,}"

_SUSPECT = "|".join(
    (
        r"(?i:pass(?:w|phrase|code)|pwd|secret|token|api[_.-]?key|(?:access|private|account|signing)[_.-]?key|credential)",
        r"(?i:authori|cookie|bearer|basic(?:\s|\\)|sshpass)",
        r"AKIA|ASIA|gh[pousr]_|github_pat_|glpat-|[srp]k_(?:live|test)_|sk-|-----BEGIN|xox[abeprs]-|AIza|ya29\.|eyJ",
        r"(?:npm|hf|dop_v1|pypi)[_-]|SG\.|://[^/\s@]*@|-u(?:\s|\\|=)|-user",
        r'(?i:"[^"]*(?:pass|pin|otp|auth|jwt|key)[^"]*":|"-[^"]*(?:pass|pin|otp|auth|jwt|key))',
        r"[A-Za-z0-9+/=_-]{48}",
    )
)
"""A text without a match of this, as JSON in ASCII, holds no secret that we know: asked of every event, so one automaton."""


class Found(Protocol):
    def span(self, group: int = 0) -> tuple[int, int]: ...


class Regex(Protocol):
    def finditer(self, text: str) -> list[Found]: ...


class Suspicion(Protocol):
    def __call__(self, text: bytes) -> list[int] | None: ...


@lru_cache(maxsize=1)
def suspicion() -> Suspicion:
    """Whether an ASCII text may hold a secret; a false alarm costs time only."""
    import re2

    one = re2.Set.SearchSet()
    one.Add(_SUSPECT)
    one.Compile()
    # The wrapper's method costs as much again as the search; its own inner one takes bytes.
    match: Suspicion = getattr(getattr(one, "_set", None), "Match", one.Match)
    return match


@lru_cache(maxsize=1)
def _patterns() -> tuple[Callable[[bytes], list[int] | None], tuple[tuple[Regex, int], ...]]:
    """Which patterns a text holds, in one search; and each with the group that is the secret, in their order."""
    import re2

    every = [(pattern, 0) for pattern in _SHAPED] + [(pattern, 1) for pattern in _NAMED]
    found = re2.Set.SearchSet()
    for pattern, _ in every:
        found.Add(pattern)
    found.Compile()
    return found.Match, tuple((re2.compile(pattern), group) for pattern, group in every)


def forget_patterns() -> None:
    suspicion.cache_clear()
    _patterns.cache_clear()


_IS_MARK = re.compile(r"(?:\[redacted(?::[0-9a-f]{8})?\]?)+")


def redact_text(text: str, mark: Mark) -> str:
    """`text` without the secrets in it. Lone surrogates are escaped on the way."""
    return _redact_long(redact_shapes(text, mark), mark)


def redact_shapes(text: str, mark: Mark) -> str:
    """As `redact_text`, with long hexadecimal texts left: identifiers look like them."""
    clean = text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
    if not suspicion()(encode_basestring_ascii(clean).encode("ascii")):
        return clean
    match, patterns = _patterns()
    for which in sorted(match(clean.encode()) or ()):
        pattern, group = patterns[which]
        clean = _replace(pattern, clean, group, mark)
    return clean


def _replace(pattern: Regex, text: str, group: int, mark: Mark) -> str:
    parts: list[str] = []
    done = 0
    for found in pattern.finditer(text):
        start, end = found.span(group)
        secret = text[start:end]
        if start < done:
            continue
        quote = secret[0] if len(secret) > 1 and secret[0] == secret[-1] and secret[0] in "\"'" else ""
        inner = secret[1:-1] if quote else secret
        if inner and not _IS_MARK.fullmatch(inner):
            parts += [text[done:start], quote, mark(inner), quote]
            done = end
    return "".join([*parts, text[done:]]) if done else text


def _redact_long(text: str, mark: Mark) -> str:
    if len(text) < 48:
        return text
    return re.sub(_LONG, lambda m: mark(m[0]) if finds(Scan.SECRETS, m[0]) else m[0], text)


_SPLIT = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what goes under this name is a secret: `password`, `X-Api-Key`, `dbPassword`, `AWS_SECRET_ACCESS_KEY`."""
    words = [word.lower() for word in _SPLIT.findall(name[:256])]
    if WORDS.intersection(words) or name.lower() in WORDS:
        return True
    if any(word.endswith(("password", "passwd", "secret", "token", "apikey")) for word in words):
        return True
    return any(a in KINDS_OF_KEY and b in ("key", "keys") for a, b in pairwise(words))
