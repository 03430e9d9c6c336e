"""What programs do to the files that they name: which only read, and which words of the others are what they change."""
from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from avakill.evaluator.code import sed_writes
from avakill.evaluator.line import Word, has_hole
from avakill.evaluator.wrappers import base_name, git_options

READERS = frozenset({
    "[", "alias", "b2sum", "base32", "base64", "basename", "bat", "batcat", "break", "cat", "cd", "cksum", "cmp", "column", "comm",
    "continue", "cut", "date", "declare", "df", "diff", "dirname", "dirs", "du", "echo", "egrep", "exit", "expand", "export", "false",
    "fgrep", "file", "fmt", "fold", "getfacl", "getfattr", "grep", "head", "hexdump", "id", "jq", "kill", "less", "local", "ls",
    "lsattr", "md5", "md5sum", "more", "namei", "nl", "od", "paste", "popd", "printenv", "printf", "pushd", "pwd", "read",
    "readlink", "readonly", "realpath", "return", "rev", "rg", "set", "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum",
    "shasum", "shellcheck", "sleep", "stat", "strings", "tac", "tail", "test", "tr", "trap", "tree", "true", "type", "typeset",
    "unset", "wait", "wc", "whereis", "which", "whoami", "xxd", "yamllint", "zcat", "zgrep",
})
"""Programs that change none of the files that they name."""

_WRITING_OPTIONS: dict[str, tuple[str, ...]] = {
    "tree": ("-o",), "xxd": ("-r", "-revert"), "less": ("-o", "-O", "--log-file", "--LOG-FILE"), "base64": ("-o", "--output"),
    "rg": ("--pre", "--hostname-bin"), "file": ("-C", "--compile"), "diff": ("--output",), "jq": ("-i", "--in-place"),
    "bat": ("--pager",), "date": ("-s",),
}
"""Options by which a reader writes, or runs something."""

GIT_READERS = frozenset({
    "add", "blame", "cat-file", "check-ignore", "commit", "describe", "diff", "fetch", "for-each-ref", "grep", "hash-object", "log",
    "ls-files", "ls-tree", "merge-base", "push", "rev-list", "rev-parse", "shortlog", "show", "status", "tag", "whatchanged",
})

INTERPRETERS = frozenset({
    "awk", "bun", "deno", "ed", "emacs", "ex", "expect", "gawk", "ipython", "lua", "mawk", "nano", "node", "nvim", "osascript", "perl",
    "php", "pypy", "python", "ruby", "sqlite3", "tclsh", "vi", "vim",
})
"""Programs whose arguments may be programs: a mention is enough."""

MOVERS = frozenset({
    "chattr", "chflags", "chgrp", "chmod", "chown", "gio", "mount", "mv", "rm", "rsync", "setfacl", "setfattr", "shred", "srm",
    "trash", "trash-put", "umount", "unlink", "xattr",
})
"""What they do to a directory they do, or may do, to all in it."""

LATER = frozenset({"at", "batch", "crontab", "make", "gmake", "screen", "tmux", "xdotool", "ydotool", "wtype"})
"""Programs that have something done later, elsewhere or from their input: a mention is enough."""

COPIERS = frozenset({"cp", "gcp", "install", "ln", "mv", "rsync", "scp", "ditto"})

CHANGERS = MOVERS | COPIERS | {"dd", "sed", "sponge", "tee", "touch", "truncate", "rmdir", "patch"}
"""Programs that change what they are given, so that not knowing what it is means the worst."""


def reads_only(name: str, words: tuple[Word, ...]) -> bool:
    """Whether the program `name`, given `words` (without its own name), changes none of the files in them."""
    if name in READERS:
        options = _WRITING_OPTIONS.get(name, ())
        return not any(_is_option(word.text, option) for word in words for option in options)
    match name:
        case "find":
            return not any(word.text.startswith(("-delete", "-fprint", "-fls")) for word in words)
        case "sed" | "gsed":
            return not _sed_changes(words)
        case "sort":
            return not any(_is_option(word.text, "-o") or word.text.startswith("--o") for word in words)
        case "yq":
            return not any(_is_option(word.text, "-i") or word.text.startswith("--inp") for word in words)
        case _:
            return False


def git_reads_only(words: tuple[Word, ...]) -> bool:
    """`words` with `git` itself."""
    _, at = git_options(words)
    command = words[at].text if at < len(words) else ""
    rest = [word.text for word in words[at + 1 :]]
    if any(text.startswith(("--output", "-O", "--open-files")) for text in rest):
        return False
    return command in GIT_READERS or (command == "stash" and rest[:1] in (["list"], ["show"]))


def _is_option(text: str, option: str) -> bool:
    if option.startswith("--"):
        return text == option or text.startswith(option + "=")
    return text.startswith("-") and not text.startswith("--") and (text.startswith(option) or option[1:] in text[1:3])


def _sed_changes(words: tuple[Word, ...]) -> bool:
    """`-i`, and a script that may have a `w` or `e` command."""
    for word in words:
        if word.text.startswith("--in-place") or (_is_short(word.text) and "i" in word.text):
            return True
    scripts = [word for word in words if not word.text.startswith("-")][:1]
    scripts += [words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-e", "--expression")]
    return any(has_hole(word.text) or sed_writes(word.text) for word in scripts)


def _is_short(text: str) -> bool:
    return text.startswith("-") and not text.startswith("--")


# -- what they change --


def targets(name: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The words that name what is changed: where a copy goes to, all of them otherwise."""
    if name in COPIERS:
        return _copied(name, words)
    if name in ("tar", "bsdtar", "zip", "7z", "7za"):
        return _packed(name, words)
    if name in ("curl", "wget", "wget2", "aria2c"):
        return (*words, *_downloaded(name, words))
    return words


def _copied(name: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    plain = [word for word in words if not word.text.startswith("-")]
    into = [words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-t", "--target-directory")]
    into += [_value(word, "=") for word in words if word.text.startswith("--target-directory=")]
    into += [_rest(word, 2) for word in words if _is_short(word.text) and word.text.startswith("-t") and len(word.text) > 2]
    target = into or plain[-1:]
    sources = [word for word in plain if not any(word is one for one in target)]
    inside = [
        _joined(place, base_name(source.guess.rstrip("/"))) for place in target for source in sources if not has_hole(source.text)
    ]
    # a second name for a file, and a file that is taken away, are changes of the file itself
    takes = name in ("mv", "ln") or any(
        word.text in ("--link", "--remove-source-files", "--symbolic-link") or (name == "cp" and _is_short(word.text) and
                                                                             not {"l", "s"}.isdisjoint(word.text[1:]))
        for word in words
    )
    return (*target, *inside, *(sources if takes else ()))


def _packed(name: str, words: tuple[Word, ...]) -> tuple[Word, ...]:
    """What makes or lists an archive changes the archive only; taking out may write any of the words."""
    first = words[0].text if words else ""
    is_long_create = any(word.text in ("--create", "--list") for word in words)
    letters = first if name in ("tar", "bsdtar") and not first.startswith("--") else ""
    makes = is_long_create or ("c" in letters and "x" not in letters) or ("t" in letters and "x" not in letters) or name == "zip"
    if any(word.text.startswith(("--remove-files", "-m", "--move")) for word in words) or not makes:
        return words
    if name == "zip":
        return tuple(word for word in words if not word.text.startswith("-"))[:1]
    archives = [words[at + 1] for at, word in enumerate(words[:-1]) if word.text == "--file" or (at == 0 and "f" in letters)]
    archives += [words[at + 1] for at, word in enumerate(words[:-1]) if at and _is_short(word.text) and word.text.endswith("f")]
    archives += [_value(word, "=") for word in words if word.text.startswith("--file=")]
    return tuple(archives)


def _downloaded(name: str, words: tuple[Word, ...]) -> Iterator[Word]:
    """Files named after the address."""
    if name == "curl" and not any(_is_option(word.text, "-O") or word.text.startswith("--remote-name") for word in words):
        return
    for word in words:
        if "/" in word.guess and not word.guess.startswith("-"):
            last = unquote(base_name(word.guess.partition("?")[0].partition("#")[0]))
            if last:
                yield Word(last, last)


def _joined(place: Word, name: str) -> Word:
    return Word(f"{place.text}/{name}", f"{place.guess}/{name}", place.is_pattern)


def _value(word: Word, mark: str) -> Word:
    return Word(word.text.partition(mark)[2], word.guess.partition(mark)[2], word.is_pattern)


def _rest(word: Word, at: int) -> Word:
    return Word(word.text[at:], word.guess[at:], word.is_pattern)


def spares_directories(name: str, words: tuple[Word, ...]) -> bool:
    """Whether a program of MOVERS, with these options, leaves alone what is in a directory that it is given."""
    match name:
        case "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" | "xattr":
            return not any(word.text == "--recursive" or (_is_short(word.text) and "R" in word.text) for word in words)
        case "rsync":
            return not any(word.text.startswith(("--del", "--remove-source")) for word in words)
        case _:
            return False


def path_words(word: Word) -> Iterator[str]:
    """The texts in one word that may be a path: itself, an option's value (`of=…`, `-C…`), parts between colons."""
    text = word.guess
    if text[:1] != "-":
        yield text
    name, equals, value = text.partition("=")
    if equals and "/" not in name:
        yield value
    if text.startswith("-") and len(text) > 2:
        yield text[2:]
    if ":" in text and "://" not in text:
        yield from (part for part in text.split(":")[:8] if part)


def deletions(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...], bool] | None:
    """Of `find`: (where it begins, the names that it wants, whether paths are wanted otherwise); None where it changes nothing."""
    if not any(word.text.startswith(("-delete", "-exec", "-ok", "-fprint", "-fls")) for word in words):
        return None
    end = next((at for at, word in enumerate(words) if word.text.startswith(("-", "(", "!")) and word.text not in ("-L", "-H", "-P")),
               len(words))
    roots = tuple(word for word in words[:end] if not word.text.startswith("-")) or (Word(".", "."),)
    names: list[Word] = []
    is_odd = any(word.text in ("-o", "-or", ",") for word in words)
    for at, word in enumerate(words[:-1]):
        if word.text in ("-name", "-iname") and (at == 0 or words[at - 1].text not in ("!", "-not")):
            names.append(words[at + 1])
    return roots, tuple(names), is_odd


def only_reads_found(words: tuple[Word, ...]) -> bool:
    """Whether all that `find -exec` runs are readers."""
    if any(word.text.startswith(("-delete", "-fprint", "-fls")) for word in words):
        return False
    for at, word in enumerate(words[:-1]):
        if word.text.startswith(("-exec", "-ok")):
            name = base_name(words[at + 1].text)
            rest = words[at + 2 :]
            end = next((index for index, inner in enumerate(rest) if inner.text in (";", "+")), len(rest))
            if any("{}" in inner.text for inner in rest[:end]) and not reads_only(name, rest[:end]):
                return False
    return True


def is_unknown(word: Word) -> bool:
    """A word of which nothing at all is known."""
    if not has_hole(word.text):
        return False
    return not word.guess.strip() or word.guess.startswith(("$", "`"))
