"""Commands that run another command: where in their words that one begins."""
from __future__ import annotations

from dataclasses import dataclass

from avakill.evaluator.code import calls_out, literals, sed_runs
from avakill.evaluator.line import HOLE, Word, has_hole, literal


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
class Unseen:
    """Text is run as commands, and nobody can see it from here: the whole line may do anything."""

    why: str


@dataclass(frozen=True, slots=True)
class Loose:
    """Words that are no command's own, and may name files."""

    words: tuple[Word, ...]


Item = Inner | InnerText | Refused | Unseen | Loose


@dataclass(frozen=True, slots=True)
class Found:
    items: tuple[Item, ...] = ()
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

FAR = frozenset({"ssh", "rsh", "su", "runuser", "script", "at", "batch"})
"""They run what their arguments or their input say, elsewhere, later, or as another user."""

BOXES = frozenset({"busybox", "toybox"})
"""One program that is many: its first argument says which."""

BUILTINS = frozenset({"eval", "trap", "alias"})
"""They run text, now or later."""

RUNNERS: dict[str, frozenset[str]] = {
    "uv": frozenset({"run"}), "poetry": frozenset({"run"}), "pipenv": frozenset({"run"}), "pdm": frozenset({"run"}),
    "hatch": frozenset({"run"}), "rye": frozenset({"run"}), "pipx": frozenset({"run"}), "conda": frozenset({"run"}),
    "mamba": frozenset({"run"}), "bundle": frozenset({"exec"}), "npm": frozenset({"exec", "x"}),
    "pnpm": frozenset({"exec", "dlx"}), "yarn": frozenset({"exec", "dlx"}),
}
"""Programs with a subcommand that runs the words behind it."""

LOOSE_WRAPPERS = frozenset({
    "arch", "bwrap", "capsh", "caffeinate", "catchsegv", "chronic", "dbus-run-session", "dumb-init", "entr", "eatmydata", "faketime",
    "fakeroot", "firejail", "gdb", "gosu", "hyperfine", "linux32", "linux64", "nsenter", "numactl", "perf", "pkexec", "prlimit",
    "proxychains", "proxychains4", "rlwrap", "run0", "runcon", "setarch", "setpriv", "su-exec", "systemd-run", "tini", "torsocks",
    "unshare", "uvx", "npx", "bunx", "valgrind", "xvfb-run", "ld-linux-x86-64.so.2", "ld.so",
})
"""Wrappers whose options are not told apart here: behind an option the command may begin at the next word or the one after."""

CODE_FLAGS: dict[str, str] = {
    "python": "c", "perl": "eE", "ruby": "e", "node": "ep", "deno": "", "bun": "e", "php": "r", "lua": "e", "osascript": "e",
    "tclsh": "", "awk": "", "gawk": "e", "mawk": "", "nawk": "",
}
"""Interpreters, and the options behind which a program in their language stands."""

EDITORS = frozenset({"vi", "vim", "nvim", "ex", "view", "emacs", "ed"})

BASENAMES = frozenset((
    *SHAPES, *SHELLS, *FAR, *BOXES, *BUILTINS, *RUNNERS, *LOOSE_WRAPPERS, *CODE_FLAGS, *EDITORS, "find", "git", "tar", "sed",
    "gsed", "rsync",
))


def base_name(text: str) -> str:
    return text.rsplit("/", 1)[-1]


def interpreter(name: str) -> str:
    """`python3.12` is `python`; empty where `name` is no interpreter."""
    plain = name if name in CODE_FLAGS else name.rstrip("0123456789.")
    return plain if plain in CODE_FLAGS else ""


def look_through(words: tuple[Word, ...]) -> Found:
    """What the command `words` runs besides itself."""
    name = base_name(words[0].text)
    if name not in BASENAMES:
        return _code(interpreter(name), words) if name[-1:].isdigit() and interpreter(name) else NOTHING
    if name in SHAPES:
        return _wrapper(name, SHAPES[name], words)
    if name in SHELLS:
        return _shell(name, words)
    if name == "git":
        return _git(words)
    if name == "find":
        return _find(words)
    if name in RUNNERS:
        return _runner(name, RUNNERS[name], words)
    if name in CODE_FLAGS:
        return _code(name, words)
    if name in FAR:
        return _far(name, words)
    if name in BUILTINS:
        return _builtin(name, words)
    if name in BOXES:
        return Found((Inner(words[1:]),)) if len(words) > 1 else NOTHING
    if name in LOOSE_WRAPPERS:
        return _first_command(name, words, 1)
    return _options(name, words)


def _builtin(name: str, words: tuple[Word, ...]) -> Found:
    """`eval TEXT…`, `trap TEXT SIGNAL…`, `alias NAME=TEXT…`."""
    match name:
        case "eval":
            given = words[1:]
            texts = [" ".join(word.guess for word in given)]
        case "trap":
            given = words[1:2]
            texts = [word.guess for word in given]
        case _:
            given = words[1:]
            texts = [word.guess.partition("=")[2] for word in given]
    items: list[Item] = [InnerText(text) for text in texts if text and text != "-"]
    if any(has_hole(word.text) for word in given):
        items.append(Unseen(f"what `{name}` runs is not spelled out"))
    return Found(tuple(items))


def _far(name: str, words: tuple[Word, ...]) -> Found:
    items: list[Item] = [Refused(f"what `{name}` runs is not looked into")]
    for at, word in enumerate(words[:-1]):
        if word.text in ("-c", "--command"):
            items.append(InnerText(words[at + 1].guess))
        elif word.text == "-o" and "command=" in words[at + 1].text.lower():
            items.append(InnerText(words[at + 1].guess.partition("=")[2]))
    items += [InnerText(w.guess.partition("=")[2]) for w in words if w.text.startswith("-o") and "command=" in w.text.lower()]
    if name in ("ssh", "rsh"):
        plain = [at for at, word in enumerate(words) if at and not word.text.startswith("-")]
        items.extend(InnerText(" ".join(w.guess for w in words[at:])) for at in plain[1:3])
    return Found(tuple(items))


def _runner(name: str, verbs: frozenset[str], words: tuple[Word, ...]) -> Found:
    for at in range(1, len(words)):
        text = words[at].text
        if text in verbs:
            return _first_command(name, words, at + 1)
        if not text.startswith("-"):
            return NOTHING
    return NOTHING


def _first_command(name: str, words: tuple[Word, ...], at: int) -> Found:
    """The first word that is no option begins the command; an option may have had a value, so the next one may too."""
    plain = [index for index in range(at, len(words)) if not words[index].text.startswith("-")]
    if not plain:
        return NOTHING
    if plain[0] == at:
        return Found((Inner(words[at:]),))
    why = Refused(f"where `{name}` begins its command is not clear")
    return Found((why, *(Inner(words[index:]) for index in plain[:2])))


def _code(name: str, words: tuple[Word, ...]) -> Found:
    """A program in another language: its quoted texts may be files, and commands where it may run some."""
    code = [word.guess for word in _code_words(name, words)]
    texts = tuple(text for program in code for text in literals(program))
    if not texts:
        return NOTHING
    loose = Loose(tuple(literal(text) for text in texts if "\0" not in text and "\1" not in text))
    if not any(calls_out(program) for program in code):
        return Found((loose,))
    return Found((loose, *map(InnerText, dict.fromkeys((*texts, " ".join(texts))))))


def _code_words(name: str, words: tuple[Word, ...]) -> list[Word]:
    flags = CODE_FLAGS[name]
    found = []
    for at, word in enumerate(words):
        text = word.text
        if at and text.startswith("-") and not text.startswith("--") and any(flag in text[1:] for flag in flags):
            place = min(index for flag in flags if (index := text.find(flag, 1)) > 0)
            found.append(Word(text[place + 1 :], word.guess[place + 1 :]) if text[place + 1 :] else words[min(at + 1, len(words) - 1)])
        elif at and text in ("--eval", "--print", "eval", "--source") and at + 1 < len(words):
            found.append(words[at + 1])
    if name.endswith("awk"):
        found += [word for word in words[1:] if not word.text.startswith("-")][:2]
    return found


_TEXT_OPTIONS: dict[str, tuple[str, ...]] = {
    "tar": ("--to-command", "--use-compress-program", "-I", "--checkpoint-action", "--rsh-command", "--new-volume-script", "-F",
            "--info-script"),
    "rsync": ("-e", "--rsh", "--rsync-path"),
}
"""Options whose value is run by a shell."""


def _options(name: str, words: tuple[Word, ...]) -> Found:
    """Programs that run something only when an option says so."""
    if name in EDITORS:
        return _editor(name, words)
    if name in ("sed", "gsed"):
        scripts = [word for word in words[1:] if not word.text.startswith("-")][:1]
        scripts += [words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-e", "--expression")]
        if any(sed_runs(word.guess) for word in scripts):
            return Found((Refused("`sed` may run another command"), *(InnerText(_after_e(word.guess)) for word in scripts)))
        return NOTHING
    items: list[Item] = []
    for option in _TEXT_OPTIONS[name]:
        for at, word in enumerate(words):
            value = ""
            if word.text == option and at + 1 < len(words):
                value = words[at + 1].guess
            elif word.text.startswith(option + "="):
                value = word.guess[len(option) + 1 :]
            elif len(option) == 2 and word.text.startswith(option) and len(word.text) > 2:
                value = word.guess[2:]
            if option == "--checkpoint-action":
                value = value.removeprefix("exec=") if value.startswith("exec=") else ""
            if value:
                items += [Refused(f"`{name} {option}` runs a command"), InnerText(value)]
    return Found(tuple(items))


def _after_e(script: str) -> str:
    """What the `e` command of a `sed` script runs, or the replacement that an `e` flag runs."""
    head, _, rest = script.partition("e ")
    if script[:1] == "s" and len(script) > 1:
        parts = script.split(script[1])
        return parts[2] if len(parts) > 2 else ""
    return rest or head


def _editor(name: str, words: tuple[Word, ...]) -> Found:
    """`-c ':!rm x'` and `+!rm` run a shell's command."""
    items: list[Item] = []
    for at, word in enumerate(words):
        text = word.guess
        if word.text in ("-c", "--cmd", "--eval", "-es", "-f") and at + 1 < len(words):
            text = words[at + 1].guess
        elif not text.startswith("+"):
            continue
        if "!" in text:
            items += [Refused(f"`{name}` runs a command"), InnerText(text.partition("!")[2])]
        elif calls_out(text):
            items += [Refused(f"`{name}` runs a command"), *map(InnerText, literals(text))]
    return Found(tuple(items))


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
    if name == "parallel" and (not inner or inner[0].text in (":::", "::::")):
        given = tuple(InnerText(word.guess) for word in inner[1:] if word.text != ":::")
        return Found(given or (Unseen("`parallel` runs the lines that it reads"),), shape.is_run)
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
        return tuple(Word(w.text.replace(replaced, HOLE), w.guess.replace(replaced, "")) if replaced in w.text else w for w in words)
    return (*words, Word(HOLE, ""))


def _shell(name: str, words: tuple[Word, ...]) -> Found:
    at = 1
    wants_text = False
    while at < len(words):
        word = words[at]
        text = word.text
        is_option = text.startswith(("-", "+")) and len(text) > 1
        if wants_text and not is_option:
            return _text(name, words[at : at + 1])
        if not word.is_known:
            return Found((Refused(f"what `{name}` runs is not spelled out"),))
        if text in ("/dev/stdin", "-", "/dev/fd/0", "/proc/self/fd/0"):
            break
        if text == "--":
            if wants_text:
                return _text(name, words[at + 1 : at + 2])
            return NOTHING if at + 1 < len(words) else Found((Unseen(f"`{name}` reads commands from its input"),))
        if text in ("--rcfile", "--init-file", "-O", "+O", "-o", "+o"):
            at += 2
        elif is_option:
            short = not text.startswith("--")
            wants_text = wants_text or (short and text[0] == "-" and "c" in text[1:])
            if short and "s" in text[1:] and not wants_text:
                break
            at += 1
        else:
            return NOTHING  # a script: a file's text is not a command line's
    return Found((Unseen(f"`{name}` reads commands from its input"),))


def _text(name: str, words: tuple[Word, ...]) -> Found:
    if not words:
        return Found((Refused(f"`{name}` has no command"),))
    if has_hole(words[0].text):
        return Found((Unseen(f"what `{name}` runs is not spelled out"), InnerText(words[0].guess)))
    return Found((InnerText(words[0].text),))


_FIND_RUNS = frozenset({"-exec", "-execdir", "-ok", "-okdir"})


def _find(words: tuple[Word, ...]) -> Found:
    items: list[Item] = []
    at = 1
    while at < len(words):
        if has_hole(words[at].text):
            items.append(Refused("an argument of `find` is not spelled out"))
        elif words[at].text in _FIND_RUNS:
            end = next((i for i in range(at + 1, len(words)) if words[i].text in (";", "+")), len(words))
            inner = tuple(
                Word(w.text.replace("{}", HOLE), w.guess.replace("{}", "")) if "{}" in w.text else w for w in words[at + 1 : end]
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
    """`git -c` sets aliases, pagers and hooks, all of which run commands; so do some addresses and subcommands."""
    options, at = git_options(words)
    items: list[Item] = []
    for option in options:
        name, _, value = option.partition(" ")
        if name == "-c" and value.lower().startswith(_GIT_HARMLESS):
            continue
        if name in ("-c", "--config-env", "--git-dir", "--work-tree") or option.startswith(
            ("--exec-path", "--config-env", "--git-dir=", "-c")
        ):
            items.append(Refused(f"`git {name}` may run another command"))
            items.append(InnerText(value.partition("=")[2].removeprefix("!")))
    rest = words[at:]
    if any(word.text.startswith("ext::") for word in rest):
        items.append(Refused("`ext::` runs a command"))
        items.extend(Inner(_ext(word.guess[5:])) for word in rest if word.text.startswith("ext::"))
    items.extend(_git_runs(rest))
    return Found(tuple(items))


def _ext(address: str) -> tuple[Word, ...]:
    """The words of an `ext::` address: blanks part them, `% ` is a blank and `%%` a `%` (git-remote-ext)."""
    parts = address.replace("%%", "\2").replace("% ", "\3").split(" ")
    return tuple(literal(part.replace("\2", "%").replace("\3", " ")) for part in parts if part)


_GIT_RUNS: dict[str, tuple[str, ...]] = {
    "grep": ("-O", "--open-files-in-pager"), "rebase": ("-x", "--exec"), "fetch": ("--upload-pack",), "pull": ("--upload-pack",),
    "clone": ("-u", "--upload-pack", "-c", "--config"), "push": ("--receive-pack", "--exec"), "ls-remote": ("--upload-pack", "--exec"),
    "difftool": ("-x", "--extcmd"), "archive": ("--exec",),
    "filter-branch": ("--tree-filter", "--index-filter", "--msg-filter", "--env-filter", "--commit-filter", "--parent-filter",
                      "--tag-name-filter", "--setup", "--subdirectory-filter"),
}
"""Options of subcommands whose value is run."""


def _git_runs(words: tuple[Word, ...]) -> list[Item]:
    if not words:
        return []
    match words[0].text:
        case "bisect" if len(words) > 2 and words[1].text == "run":
            return [Inner(words[2:])]
        case "submodule" if len(words) > 2 and words[1].text == "foreach":
            plain = [word.guess for word in words[2:] if not word.text.startswith("-")]
            return [InnerText(" ".join(plain))]
        case "config" if any("!" in word.text for word in words):
            return [InnerText(word.guess[1:]) for word in words if word.text.startswith("!")]
        case subcommand:
            options = _GIT_RUNS.get(subcommand, ())
    items: list[Item] = []
    for option in options:
        for at, word in enumerate(words):
            value = ""
            if word.text == option:
                value = words[at + 1].guess if at + 1 < len(words) else ""
            elif word.text.startswith(option + "="):
                value = word.guess[len(option) + 1 :]
            elif len(option) == 2 and word.text.startswith(option):
                value = word.guess[2:]
            if value or word.text == option:
                items += [Refused(f"`git {words[0].text} {option}` runs a command"), InnerText(value)]
    return items
