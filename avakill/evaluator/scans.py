"""What content scans look for: secrets, and words that try to take an agent over."""
from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Protocol

from avakill.ir.condition import Scan

SECRETS = r"""
(?:^|[^A-Za-z0-9])(?:AKIA|ASIA)[0-9A-Z]{16}
ghp_[A-Za-z0-9]{36}|gh[osu]_[A-Za-z0-9]{36}|ghr_[A-Za-z0-9]{36}
github_pat_[A-Za-z0-9_]{22}
(?:sk|rk)_live_[A-Za-z0-9]{20}
\bsk-[A-Za-z0-9_-]{20}
-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----
(?i:\bbearer\s+[A-Za-z0-9._~+/=-]{20})
\bxox[abprs]-[A-Za-z0-9-]{10}
\bAIza[0-9A-Za-z_-]{35}
"""

INJECTION = r"""
(?:ignore|disregard|forget)\s+(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|your\s+)?(?:previous|prior|above|earlier)\s+(?:instruction|prompt|rule|message)
\byou\s+are\s+now\b
\bnew\s+instructions?\s*:
\bsystem\s+prompt\s*:
\bjailbreak
<\s*/?\s*system\s*>
\bact\s+as\s+(?:a\s+|an\s+)?(?:different|new)\b
"""


class Regex(Protocol):
    def search(self, text: str) -> object: ...


@lru_cache(maxsize=8192)
def compile_regex(pattern: str) -> Regex:
    """A linear-time regular expression. Raises re2.error, which the compiler has ruled out."""
    import re2

    options = re2.Options()
    options.log_errors = False
    compiled: Regex = re2.compile(pattern, options)
    return compiled


@lru_cache(maxsize=4)
def _scanner(scan: Scan) -> Regex:
    match scan:
        case Scan.SECRETS:
            return compile_regex("|".join(f"(?:{line})" for line in SECRETS.split("\n") if line))
        case Scan.PROMPT_INJECTION:
            return compile_regex("(?i)" + "|".join(f"(?:{line})" for line in INJECTION.split("\n") if line))


def finds(scan: Scan, text: str) -> bool:
    """In the text as it is, and as a reader sees it: letters in their usual form, without what has no width."""
    if _finds(scan, text):
        return True
    seen = text if text.isascii() else _seen(text)
    return seen != text and _finds(scan, seen)


def _seen(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(" " if char.isspace() else char for char in plain if unicodedata.category(char) not in ("Cf", "Mn"))


def _finds(scan: Scan, text: str) -> bool:
    if _scanner(scan).search(text):
        return True
    return scan is Scan.SECRETS and any(_is_key(token) for token in re.findall(r"[A-Za-z0-9+/=_-]{48,}", text))


def _is_key(token: str) -> bool:
    """Long, mostly hexadecimal and far from regular."""
    if sum(char in "0123456789abcdefABCDEF" for char in token) < 0.8 * len(token):
        return False
    counts = Counter(token).values()
    return -sum(n / len(token) * math.log2(n / len(token)) for n in counts) >= 3.5
