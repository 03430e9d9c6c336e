"""Commands that switch the product off, or change what it is: by the program that is run and its words."""
from __future__ import annotations

import re
from fnmatch import fnmatchcase

from avakill.evaluator.line import HOLE, Line, Simple, Word, has_hole
from avakill.evaluator.scans import compile_regex
from avakill.evaluator.wrappers import base_name, interpreter

NAME = "avakill"

SAFE_COMMANDS = frozenset({
    "attack", "backends", "check", "check-hardening", "compile", "compliance", "dashboard", "enforce", "evaluate", "explain", "fix",
    "guide", "harden", "help", "init", "keygen", "lab", "launch", "logs", "matrix", "mcp-proxy", "metrics", "profile", "review",
    "sandbox", "schema", "sign", "validate", "verify", "version",
})
"""Its own commands that take nothing away; what they write is judged by the words that name it."""

SAFE_PAIRS = frozenset({
    ("approvals", "list"), ("daemon", "start"), ("daemon", "status"), ("hook", "list"), ("hook", "install"), ("rules", "list"),
    ("tracking", "status"), ("rage", "status"), ("tracking", "on"), ("rage", "on"),
})

LAUNCHING = frozenset({
    "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PATH", "HOME",
    "DYLD_INSERT_LIBRARIES", "DYLD_LIBRARY_PATH", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME",
})
"""Variables that put something else in the place of a program, or of its configuration."""

AGENTS = frozenset({"claude", "gemini", "cursor", "cursor-agent", "windsurf", "codex", "kiro", "kiro-cli", "amp", "openclaw"})

OWN_HARMLESS = frozenset({"AVAKILL_EXAMPLES", "AVAKILL_SOAK", "AVAKILL_GOLDEN", "AVAKILL_FRESH", "AVAKILL_KERNEL_POLICIES"})
"""Variables that only our own tests read."""

SETTERS = frozenset({"export", "declare", "typeset", "readonly", "local", "unset", "set", "setenv", "unsetenv", "read", "mapfile",
                     "env", "setx", "launchctl", "systemctl", "tmux", "sudo"})

INSTALLERS = frozenset({
    "pip", "pip3", "pipx", "uv", "uvx", "poetry", "pdm", "rye", "hatch", "pipenv", "conda", "mamba", "micromamba", "easy_install",
    "apt", "apt-get", "aptitude", "dpkg", "dnf", "yum", "rpm", "pacman", "zypper", "apk", "brew", "port", "nix-env", "snap", "npm",
    "openclaw", "pip-autoremove",
})
REMOVING = frozenset({
    "uninstall", "uninstall-all", "remove", "purge", "rm", "delete", "del", "unlink", "autoremove", "erase", "--remove", "-r",
    "-e", "-P", "--purge", "-R", "-Rs", "-Rns", "uninject",
})
REPLACING = frozenset({"reinstall", "reinstall-all", "upgrade", "upgrade-all", "update", "inject", "downgrade"})
FORCING = ("--force", "--force-reinstall", "--upgrade", "--ignore-installed", "--target", "--reinstall", "--reinstall-package",
           "--upgrade-package", "--prefix", "--root", "--editable")

STOPPERS = frozenset({"systemctl", "service", "launchctl", "supervisorctl", "rc-service", "rc-update", "initctl", "sv", "s6-svc",
                      "docker", "podman", "nerdctl", "kubectl", "pm2", "monit", "invoke-rc.d", "update-rc.d", "chkconfig", "sc", "net"})
LOOKING = frozenset({"status", "show", "cat", "is-active", "is-enabled", "is-failed", "list", "list-units", "list-unit-files", "logs",
                     "ps", "inspect", "print", "start", "enable", "get", "describe", "top", "events", "help", "list-dependencies"})

_PROCESSES = ("avakill", "avakill-daemon", "python", "python3", "python3.11", "python3.12", "python3.13", "python3.14")
_COMMAND_LINES = (
    "avakill daemon start", "/usr/local/bin/avakill daemon start --foreground",
    "/usr/bin/python3 /usr/local/bin/avakill daemon start", "python -m avakill daemon start",
    "/home/u/.venv/bin/python /home/u/.venv/bin/avakill mcp-proxy --policy x",
)


def switches_off(simple: Simple, line: Line) -> str | None:
    """Why the command would take the product, or a part of it, out of the way; None where it would not."""
    words = simple.words
    own = own_words(words)
    name = base_name(words[0].guess).strip()
    if own is not None:
        return _of_ours(own, line)
    if name in AGENTS and not LAUNCHING.isdisjoint(line.variables):
        return f"`{name}` would run with another configuration"
    if name in SETTERS:
        found = next((word.guess for word in words[1:] if _is_our_variable(_assigned(word.guess))), None)
        if found is not None and (name != "sudo" or "=" in found):
            return f"`{_assigned(found)}` tells avakill what to do"
    if name in INSTALLERS or _module(words) in INSTALLERS:
        return _installs(name, words)
    if name in ("kill", "pkill", "killall", "skill", "pgrep", "pidof", "fuser", "taskkill", "xkill"):
        return _kills(name, words, line)
    if name == "killall5" or (name == "loginctl" and any(word.guess.startswith(("kill-", "terminate-")) for word in words)):
        return f"`{name}` would stop avakill"
    if name in STOPPERS:
        return _stops(name, words)
    if words[0].text.strip(HOLE) == "" and not words[0].guess.strip() and any(word.text in _VERBS for word in words[1:2]):
        return "which program is told to do that cannot be seen"
    return None


_VERBS = frozenset({"approve", "approvals", "mcp-unwrap"})


def sets_ours(line: Line) -> str | None:
    """The variable of ours that the line sets, if any."""
    return next((name for name in line.variables if _is_our_variable(name)), None)


def _is_our_variable(name: str) -> bool:
    return name.upper().startswith("AVAKILL_") and name not in OWN_HARMLESS


def _assigned(text: str) -> str:
    """The variable in `NAME=…`, `NAME`, `-uNAME`, `--unset=NAME`."""
    text = text.removeprefix("--unset=")
    if text.startswith("-u"):
        text = text[2:]
    return text.partition("=")[0]


# -- its own commands --


def own_words(words: tuple[Word, ...]) -> tuple[Word, ...] | None:
    """The command of ours that `words` run, from its name on: `avakill …`, `python -m avakill …`, `$(which avakill) …`."""
    first = words[0]
    if base_name(first.guess) == NAME or (has_hole(first.text) and re.search(r"\bavakill\b(?!-)", first.guess)):
        return words
    if _module(words).partition(".")[0] == NAME:
        at = next(at for at, word in enumerate(words) if word.guess.partition(".")[0].removeprefix("-m") == NAME)
        return words[at:]
    return None


def _module(words: tuple[Word, ...]) -> str:
    """What `python -m` runs; empty where this is something else."""
    if not interpreter(base_name(words[0].guess)):
        return ""
    for at, word in enumerate(words[:-1]):
        if at and word.guess == "-m":
            return words[at + 1].guess
    joined = [word.guess[2:] for word in words[1:] if word.guess.startswith("-m") and len(word.guess) > 2]
    return joined[0] if joined else ""


def _of_ours(words: tuple[Word, ...], line: Line) -> str | None:
    if not LAUNCHING.isdisjoint(line.variables):
        return "avakill would run with something else in its place"
    plain = [word for word in words[1:] if not word.guess.startswith("-")]
    if any(word.guess in ("--help", "-h", "--version") for word in words[1:]) or not plain:
        return None
    first = plain[0].guess
    if first in SAFE_COMMANDS and plain[0].is_known:
        return None
    second = plain[1].guess if len(plain) > 1 else ""
    if not plain[0].is_known or has_hole(second):
        return "which command of avakill it is cannot be seen"
    if (first, second) in SAFE_PAIRS:
        return None
    return f"`avakill {first}{' ' + second if first in _GROUPS and second else ''}` is for people only"


_GROUPS = frozenset({"approvals", "daemon", "hook", "rules", "tracking", "rage"})


# -- packages --


def _installs(name: str, words: tuple[Word, ...]) -> str | None:
    texts = [word.guess for word in words[1:]]
    is_removing = any(text in REMOVING for text in texts[:6]) or any(
        "=" not in text and text in ("uninstall", "remove") for text in texts
    )
    ours = [text for text in texts if is_our_package(text)]
    if is_removing and not {"install", "add", "download", "list", "show", "freeze", "search"} & set(texts[:3]):
        if ours:
            return f"`{name}` would remove avakill"
        if "uninstall" in texts and any(has_hole(word.text) or word.guess in ("-r", "--requirement") for word in words):
            return f"what `{name}` would remove cannot be seen"
    if not ours:
        return None
    if any(text in REPLACING for text in texts[:3]):
        return f"`{name}` would replace avakill"
    if {"install", "add", "sync"} & set(texts[:4]) or "-m" in texts:
        forced = any(text.startswith(FORCING) or re.fullmatch(r"-[A-Za-z]*[UItef][A-Za-z]*", text) for text in texts)
        if forced or any(not re.fullmatch(r"(?i)avakill(\[[\w, -]*\])?", text) for text in ours):
            return f"`{name}` would replace avakill"
    return None


def is_our_package(text: str) -> bool:
    """`avakill`, `Avakill[mcp]==1.0`, `./avakill-1.0-py3-none-any.whl`, `git+https://…/avakill.git@main`."""
    text = text.strip().lower().replace("_", "-")
    requirement = re.match(r"[a-z0-9][a-z0-9.-]*", text)
    if requirement is not None and requirement[0] in (NAME, "python3-avakill", "python-avakill", "avakill-openclaw"):
        return True
    if "/" not in text and not text.endswith((".whl", ".gz", ".zip")):
        return False
    last = base_name(re.split(r"[@#?]", text.rstrip("/"), maxsplit=1)[0] if "://" in text else text.rstrip("/"))
    return re.match(r"avakill(?:$|\.git|-\d|\[)", last) is not None or f"/{NAME}.git" in text


# -- processes --


def _kills(name: str, words: tuple[Word, ...], line: Line) -> str | None:
    why = f"`{name}` would stop avakill"
    plain = _without_options(words[1:])
    match name:
        case "kill" | "skill" | "taskkill" | "fuser":
            texts = [word.guess for word in words[1:]]
            # the first is the signal: `kill -9 -1` is everybody
            if "-1" in texts[1:] or any(NAME in text for text in texts):
                return why
            return why if any(has_hole(word.text) for word in words) and _seeks(line) else None
        case "pkill":
            if not plain:
                return why
            return why if any(_aims(word, any("f" in w.text for w in words if _is_short(w))) for word in plain[-1:]) else None
        case "killall":
            is_regex = any((_is_short(word) and "r" in word.text) or word.text == "--regexp" for word in words)
            for word in plain:
                if has_hole(word.text) or (_aims(word, False) if is_regex else word.guess in _PROCESSES):
                    return why
    return None


_VALUED = frozenset({"-u", "-U", "-g", "-G", "-P", "-s", "-t", "-F", "-y", "-o", "--signal", "--euid", "--uid", "--group", "--pidfile"})


def _without_options(words: tuple[Word, ...]) -> list[Word]:
    return [word for at, word in enumerate(words)
            if not word.guess.startswith("-") and not (at and words[at - 1].text in _VALUED)]


def _is_short(word: Word) -> bool:
    return word.text.startswith("-") and not word.text.startswith("--")


def _seeks(line: Line) -> bool:
    """Whether a command of the line looks for our processes, or for the file that has their number."""
    for simple in line.commands:
        if any(NAME in word.guess for word in simple.words):
            return True
        if base_name(simple.name) in ("pgrep", "pidof", "grep", "awk", "egrep", "rg") and any(
            _aims(word, True) for word in simple.words[1:] if not word.guess.startswith("-") and len(word.guess) > 2
        ):
            return True
    return any(NAME in word.guess for word in line.loose)


def _aims(word: Word, whole: bool) -> bool:
    """Whether a pattern of `pkill` holds one of our processes; `whole` lines count with `-f`."""
    import re2

    if has_hole(word.text):
        return True
    try:
        pattern = compile_regex(word.guess)
    except re2.error:  # what it matches cannot be told
        return NAME in word.guess
    return any(pattern.search(text) for text in (*_PROCESSES, *(_COMMAND_LINES if whole else ())))


def _stops(name: str, words: tuple[Word, ...]) -> str | None:
    texts = [word.guess for word in words[1:]]
    ours = [text for text in texts if NAME in text or ("*" in text and fnmatchcase(f"{NAME}.service", text))]
    if not ours or any(text in LOOKING for text in texts):
        return None
    return f"`{name}` would stop avakill"
