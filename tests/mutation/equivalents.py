"""Mutants that change nothing, and why. An entry that no longer meets a survivor fails the test."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.mutation.mutant import Mutant


@dataclass(frozen=True, slots=True)
class Equivalent:
    """`fixtures` empty means all; `but` are left out. The pattern is searched in the old line and its statement."""

    backend: str
    mutator: str
    line: str
    why: str
    fixtures: tuple[str, ...] = ()
    but: tuple[str, ...] = ()

    def covers(self, fixture: str, backend: str, mutant: Mutant) -> bool:
        return (
            backend == self.backend
            and (not self.fixtures or fixture in self.fixtures)
            and fixture not in self.but
            and re.fullmatch(self.mutator, mutant.mutator) is not None
            and re.search(self.line, f"{mutant.old}\n{mutant.about}") is not None
        )


FLOOR = "the floor's allow stands above no deny of this policy: what it names is open anyway"
OWN = r"avakill\.yaml|/opt\b|/home/agent/\.config|\"/home/agent/?\"|\"/home/?\"|<self-protection>"
EQUIVALENTS = (
    Equivalent("landlock", ".*", r'"/dev/', FLOOR, but=("shell-allowlist", "reviewer")),
    Equivalent("landlock", ".*", OWN + r"|entries\.0 = 0|entries = \[0, ", "the policy denies it everywhere anyway", ("reviewer",)),
    Equivalent("sbpl", ".*", OWN, "the policy denies it everywhere anyway", ("reviewer",)),
    Equivalent("apparmor", ".*", OWN, "the policy denies it everywhere anyway", ("reviewer",)),
    Equivalent("sbpl", ".*", r'"/dev/', FLOOR, but=("shell-allowlist", "reviewer")),
    Equivalent("selinux", "drop .*", r"^  (class|attribute|type) ", "required twice, or not used: what is used and missing is refused"),
    Equivalent("apparmor", "drop a permission", r'/" r?wlx?,', "no file system makes a hard link of a directory"),
    Equivalent(
        "sbpl",
        ".*",
        r'\A\s*\((subpath|literal|regex) "\^?/(etc|tmp|var)\b',
        "the kernel compares `/private/…`; the other spelling holds the link's own name only",
    ),
    Equivalent(
        "seccomp",
        "drop a rule|another (mask|value|operator|argument)|drop a test",
        r"SCMP_ACT_ERRNO|syscalls\.\d+\.args",
        "the default refuses it too: only the error differs",
        ("shape-web-fetch", "reviewer"),
    ),
)

UNEXPLAINED = (
    Equivalent("tetragon", ".*", r'"Mask"|path_rename|path_link', "several selectors of a move overlap; not told apart yet"),
    Equivalent(
        "tetragon",
        "another operator|move an edge",
        r"Equal|Prefix",
        "other selectors of the hook may hold the same; not told apart yet",
    ),
)
"""Survivors that nobody has explained yet: holes of our probes until shown otherwise."""
