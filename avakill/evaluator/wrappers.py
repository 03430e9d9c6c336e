"""Commands that run another command: where in their words that one begins."""
from __future__ import annotations

from dataclasses import dataclass

from avakill.evaluator.line import HOLE, Word, has_hole


@dataclass(frozen=True, slots=True)
class Inner:
    """The words of the command that is run, and the variables set for it."""

    words: tuple[Word, ...]
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InnerText:
    """Text that is given to a shell."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Something is run, and it cannot be told what."""

    why: str


@dataclass(frozen=True, slots=True)
class Found:
    items: tuple[Inner | InnerText | Refused, ...] = ()
    is_run: bool = True


NOTHING = Found()


@dataclass(frozen=True, slots=True)
class Shape:
    """How a wrapper's words are read: `flags` stand alone, `valued` take a value, then `operands` words, then the command."""

    flags: str = ""
    valued: str = ""
    operands: int = 0
    takes_variables: bool = False
    is_run: bool = True
    long_flags: frozenset[str] = frozenset()
    long_valued: frozenset[str] = frozenset()


def _long(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHAPES: dict[str, Shape] = {
    "env": Shape("i0v", "uC", takes_variables=True,
                 long_flags=_long("ignore-environment null debug"), long_valued=_long("unset chdir")),
    "nohup": Shape(),
    "nice": Shape("0123456789", "n", long_valued=_long("adjustment")),
    "timeout": Shape("v", "sk", 1, long_flags=_long("preserve-status foreground verbose"),
                     long_valued=_long("signal kill-after")),
    "gtimeout": Shape("v", "sk", 1),
    "time": Shape("pvaq", "fo", is_run=False),
    "stdbuf": Shape("", "ioe", long_valued=_long("input output error")),
    "setsid": Shape("cfw", "", long_flags=_long("ctty fork wait")),
    "ionice": Shape("t", "cn"),
    "taskset": Shape("ac", "", 1),
    "chrt": Shape("abdfioRr", "", 1),
    "sudo": Shape("AbEHnPkSVB", "CDghpRTu", takes_variables=True, long_flags=_long("non-interactive preserve-env stdin"),
                  long_valued=_long("user group")),
    "doas": Shape("nL", "Cu"),
    "command": Shape("p", "", is_run=False),
    "builtin": Shape("", "", is_run=False),
    "exec": Shape("cl", "a", is_run=False),
    "coproc": Shape("", "", is_run=False),
    "chroot": Shape("", "", 1),
    "strace": Shape("fqtTvxyCcrikD", "aeEoOpPsSuUbI"),
    "ltrace": Shape("fSirtTCc", "aAeFlnopsuwxX"),
    "unbuffer": Shape("p"),
    "xargs": Shape("0rtxp", "InPLdsEa", long_flags=_long("null no-run-if-empty verbose interactive exit"),
                   long_valued=_long("replace max-args max-procs max-lines delimiter max-chars arg-file eof")),
    "parallel": Shape("k0rtX", "jIaSN"),
    "watch": Shape("dtbegcxpw", "nq"),
    "flock": Shape("sxeonuF", "wE", 1),
}

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "yash", "fish", "rbash"})

FAR = frozenset({"ssh", "rsh", "su", "runuser", "script", "busybox", "toybox", "at", "batch"})
"""They run what their arguments or their input say, in ways that are not looked into."""

BASENAMES = frozenset((*SHAPES, *SHELLS, *FAR, "find", "git"))


def base_name(text: str) -> str:
    return text.rsplit("/", 1)[-1]


def look_through(words: tuple[Word, ...]) -> Found:
    """What the command `words` runs besides itself."""
    name = base_name(words[0].text)
    if has_hole(words[0].text) or name not in BASENAMES:
        return NOTHING
    if name in FAR:
        return Found((Refused(f"what `{name}` runs is not looked into"),))
    if name in SHELLS:
        return _shell(name, words)
    if name == "find":
        return _find(words)
    if name == "git":
        return _git(words)
    return _wrapper(name, SHAPES[name], words)


def _wrapper(name: str, shape: Shape, words: tuple[Word, ...]) -> Found:
    if name == "command" and len(words) > 1 and words[1].text in ("-v", "-V", "-pv", "-pV"):
        return Found((), is_run=False)
    at, why, replaced = _skip_options(name, shape, words)
    if why:
        return Found((Refused(why),), shape.is_run)
    variables: list[str] = []
    while shape.takes_variables and at < len(words) and "=" in words[at].text:
        variables.append(words[at].text.partition("=")[0])
        at += 1
    if any(has_hole(word.text) for word in words[at : at + shape.operands]):
        return Found((Refused(f"what `{name}` runs is not spelled out"),), shape.is_run)
    inner = words[at + shape.operands :]
    if name in ("xargs", "parallel"):
        inner = _fed(inner, replaced)
    if name == "flock" and inner and inner[0].text in ("-c", "--command"):
        return _text(name, inner[1:2])
    if name == "watch":
        return _text(name, (Word(" ".join(w.text for w in inner), " ".join(w.guess for w in inner)),))
    if not inner:
        return Found((), shape.is_run)
    if inner[0].text.startswith("-"):
        return Found((Refused(f"where `{name}` begins its command is not clear"),), shape.is_run)
    return Found((Inner(inner, tuple(variables)),), shape.is_run)


def _skip_options(name: str, shape: Shape, words: tuple[Word, ...]) -> tuple[int, str, str]:
    """(the first word after the options, why that is unknown, what `-I` replaces)."""
    at = 1
    replaced = ""
    while at < len(words):
        word = words[at]
        text = word.text
        if not text.startswith("-") or text == "-":
            if has_hole(text) and not shape.takes_variables:
                break
            if text == "-" and name == "env":
                at += 1
                continue
            break
        if not word.is_known:
            return at, f"an option of `{name}` is not spelled out", ""
        if text == "--":
            return at + 1, "", replaced
        if text.startswith("--"):
            long, equals, value = text[2:].partition("=")
            if long in shape.long_valued:
                if long == "replace":
                    replaced = value or "{}"
                at += 1 if equals or long == "replace" else 2
            elif long in shape.long_flags:
                at += 1
            else:
                return at, f"`{text}` of `{name}` is not known here", ""
            continue
        rest = text[1:]
        while rest:
            if rest[0] in shape.valued:
                if name in ("xargs", "parallel") and rest[0] == "I":
                    replaced = rest[1:] or (words[at + 1].text if at + 1 < len(words) else "")
                at += 0 if rest[1:] else 1
                break
            if rest[0] not in shape.flags:
                return at, f"`{text}` of `{name}` is not known here", ""
            rest = rest[1:]
        at += 1
    return at, "", replaced


def _fed(words: tuple[Word, ...], replaced: str) -> tuple[Word, ...]:
    """The command of `xargs`: what it reads becomes words at its end, or where `replaced` stands."""
    if not words:
        return ()
    if replaced:
        return tuple(Word(w.text.replace(replaced, HOLE), w.guess) if replaced in w.text else w for w in words)
    return (*words, Word(HOLE, ""))


def _shell(name: str, words: tuple[Word, ...]) -> Found:
    at = 1
    while at < len(words):
        word = words[at]
        if not word.is_known:
            return Found((Refused(f"what `{name}` runs is not spelled out"),))
        text = word.text
        if text == "--":
            at += 1
            break
        if text in ("--rcfile", "--init-file", "-O", "+O", "-o", "+o"):
            at += 2
        elif text.startswith("-") and not text.startswith("--") and "c" in text[1:]:
            return _text(name, words[at + 1 : at + 2])
        elif text.startswith(("-", "+")) and len(text) > 1:
            if "s" in text[1:] and not text.startswith("--"):
                break
            at += 1
        else:
            return NOTHING  # a script: a file's text is not a command line's
    return Found((Refused(f"`{name}` reads commands from its input"),))


def _text(name: str, words: tuple[Word, ...]) -> Found:
    if not words:
        return Found((Refused(f"`{name}` has no command"),))
    if has_hole(words[0].text):
        return Found((Refused(f"what `{name}` runs is not spelled out"), InnerText(words[0].guess)))
    return Found((InnerText(words[0].text),))


_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def _find(words: tuple[Word, ...]) -> Found:
    items: list[Inner | InnerText | Refused] = []
    at = 1
    while at < len(words):
        if has_hole(words[at].text):
            items.append(Refused("an argument of `find` is not spelled out"))
        elif words[at].text in _FIND_RUNS:
            end = next((i for i in range(at + 1, len(words)) if words[i].text in (";", "+")), len(words))
            inner = tuple(
                Word(w.text.replace("{}", HOLE), w.guess) if "{}" in w.text else w for w in words[at + 1 : end]
            )
            items.append(Inner(inner) if inner else Refused("`find` has no command"))
            at = end
        at += 1
    return Found(tuple(items))


GIT_VALUED = frozenset({"-c", "-C", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env", "--exec-path"})


def git_options(words: tuple[Word, ...]) -> tuple[tuple[str, ...], int]:
    """The options of `git` in front of its subcommand, each with its value, and where the subcommand stands."""
    options: list[str] = []
    at = 1
    while at < len(words) and words[at].text.startswith("-"):
        text = words[at].text
        if text in GIT_VALUED and at + 1 < len(words):
            options.append(f"{text} {words[at + 1].text}")
            at += 1
        else:
            options.append(text)
        at += 1
    return tuple(options), at


_GIT_HARMLESS = ("user.name=", "user.email=", "color.", "core.quotepath=", "advice.", "init.defaultbranch=",
                 "commit.gpgsign=false", "log.", "diff.renames=", "core.autocrlf=")


def _git(words: tuple[Word, ...]) -> Found:
    """`git -c` sets aliases, pagers and hooks, all of which run commands."""
    options, _ = git_options(words)
    for option in options:
        name, _, value = option.partition(" ")
        if name == "-c" and value.lower().startswith(_GIT_HARMLESS):
            continue
        if name in ("-c", "--config-env", "--git-dir", "--work-tree") or option.startswith(
            ("--exec-path", "--config-env", "--git-dir=", "-c")
        ):
            return Found((Refused(f"`git {name}` may run another command"),))
    return NOTHING
