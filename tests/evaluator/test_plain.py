"""The quick reader of ordinary shell text says what the grammar says, and splits words as bash does."""

from __future__ import annotations

import os
import shutil
import subprocess
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from avakill.evaluator import shell
from avakill.evaluator.line import Line
from avakill.evaluator.plain import Beyond, read_plainly
from avakill.evaluator.shell import _parse, _plainly, parse

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "300"))
BASH = shutil.which("bash")


def by_grammar(text: str) -> Line:
    """As `parse`, without the quick reader."""
    kept = shell._plainly
    shell._plainly = lambda text, shells: None
    try:
        return _parse(text, shell.MAX_SHELLS)
    finally:
        shell._plainly = kept


def told(line: Line) -> object:
    """What both have to say: commands with their words, whether they are known, redirections, variables."""
    return (
        sorted(repr((simple.words, bool(simple.refused), simple.is_run)) for simple in line.commands),
        sorted(repr((redirect.operator, redirect.word)) for redirect in line.redirects),
        sorted(line.variables),
    )


pieces = st.sampled_from((
    "ls", "rm", "-rf", "a b", "x/y", "'q q'", '"d d"', "'a'b", 'a"b"c', "\\a", "a\\ b", "$X", "${Y}", '"$X y"', "$(ls a)",
    '"$(ls)"', "*.py",
    "~/x", "2", "a=b", "--o=x", "env", "sudo", "sh -c 'rm x'", "echo", "a,b", "y[x]", "#c", "a#b", "\u00e9", "x{}", "!",
    "@f", "%1", "+x",
))
joints = st.sampled_from((" ", " ", " ", "  ", "\t", "; ", ";", " && ", "&&", " || ", " | ", "|", " & ", "\n", "\n\n",
    " > ", ">", " >> ",
                          " 2>&1 ", " < ", " 2> ", " &> ", "\n# c\n", " \\\n "))
frames = st.sampled_from((
    "{}", "if {}; then {}; fi", "while {}; do {}; done", "for f in a b; do {}; done", "({})", "{{ {}; }}", "! {}", "X=$({})",
    "echo \"$({})\"", "cat <<'E'\n{}\nE\nls", "export A=b; {}", "[ -f x ] && {}", "if {}; then {}; else {}; fi; ls",
        "for f in a; do {}; done | cat",
))


@st.composite
def texts(draw: st.DrawFn) -> str:
    def line() -> str:
        count = draw(st.integers(1, 6))
        return "".join(draw(pieces) + (draw(joints) if at < count - 1 else "") for at in range(count))

    frame = draw(frames)
    return frame.replace("{{", "\x01").replace("}}", "\x02").replace("{}", "\x03").replace("\x01", "{").replace("\x02",
    "}").replace(
        "\x03", line())


@settings(max_examples=EXAMPLES, deadline=None)
@given(texts())
@example("a\\ b")
@example("ls; ls # x")
@example("cat <<'E'\n$(rm x)\nE\nls")
@example("echo 2>x")
@example("echo 2 >x")
def test_what_it_reads_the_grammar_reads_alike(text: str) -> None:
    quick = _plainly(text, shell.MAX_SHELLS)
    if quick is None:
        return
    slow = by_grammar(text)
    if slow.doubts and not quick.doubts:
        return  # the grammar does not know all of bash; bash itself is asked below
    assert told(quick) == told(slow), text
    assert bool(quick.unsafe) == bool(slow.unsafe), text
    if not quick.redirects:
        assert sorted(simple.raw for simple in quick.commands) == sorted(simple.raw for simple in slow.commands), text


words = st.lists(
    st.text(alphabet=st.sampled_from("ab'\"\\ #=-/.:,@%+~!{}[]é"), min_size=1, max_size=8), min_size=1, max_size=4
).map(" ".join)


@pytest.mark.skipif(BASH is None, reason="no bash here")
@settings(max_examples=max(20, EXAMPLES // 10), deadline=None)
@given(words)
@example("a'b c'\"d\"\\ e")
@example("a#b #c")
@example('"a\\b" "a\\"b"')
@example("{a} a{b}c {}")
@example("'a")
def test_bash_splits_the_same_words(text: str) -> None:
    """Globs and homes off: `printf` shows the words that it is given."""
    try:
        quick = _plainly(f"printf '%s\\0' x {text}", shell.MAX_SHELLS)
    except Beyond:
        quick = None
    if quick is None or any(not word.is_known for simple in quick.commands for word in simple.words):
        return
    assert BASH is not None
    shown = subprocess.run(
        [BASH, "--norc", "-f", "-c", f"printf '%s\\0' x {text}"], capture_output=True, env={"LC_ALL": "C.UTF-8",
        "PATH": ""}, timeout=20, check=False
    )
    [simple] = quick.commands
    assert shown.returncode == 0, (text, shown.stderr)
    assert shown.stdout.decode() == "".join(word.text + "\0" for word in simple.words[2:]), text


@pytest.mark.parametrize(
    "text",
    ["`ls`", "case a in a) ls;; esac", "f() { ls; }", "[[ a ]]", "$((1))", "ls <(ls)", "a=(b)", "a+=b", "$'x'",
    "ls 'x", 'ls "x', "ls (", "ls )",
     "if ls; fi", "then ls", "ls; done", "ls;;", "{a,b}", "cat <<E\n$X\nE", "cat <<E\nx", "coproc ls", "time ls", "fi",
     "ls &&& ls", "select x in a; do b; done",
     "r\\\nm x", "for f; do ls; done", "${X:-y}", "<<< x", "ls\\"],
)
def test_it_leaves_to_the_grammar_what_it_does_not_know(text: str) -> None:
    quick = _plainly(text, shell.MAX_SHELLS)
    assert quick is None or quick.unsafe or quick.doubts


@pytest.mark.parametrize(
    ("text", "raws"),
    [("make # git x", ["make"]), ("make > 'git x' y", ["make y"]), ("a 'b'  c ;d", ["a 'b'  c", "d"]), ("make 2> git", ["make"]),
     ("make &> git", ["make"]), ("make >git", ["make"]), ("ma'k'e >git; x", ["make", "x"]), ("make <<E\ngit\nE\n", ["make"])],
)
def test_what_a_command_says_has_no_comment_and_no_redirection_in_it(text: str, raws: list[str]) -> None:
    quick = _plainly(text, shell.MAX_SHELLS)
    assert quick is not None
    assert [simple.raw for simple in quick.commands] == raws


def test_a_loop_is_the_one_that_stands_there() -> None:
    """A later `for … in` must not be taken for this one, and what is between them lost."""
    line = parse("for x; do rm -rf /; done; for f in a; do ls; done")
    assert "rm" in [simple.name for simple in line.commands]


def test_ordinary_scripts_need_no_grammar() -> None:
    for text in (
        "cd x && git pull --ff-only | head -3",
        'for f in *.py; do python3 -m pytest -q "$f" || echo "failed: $f" >> log; done',
        "if [ ! -d x ]; then\n  git clone https://example.org/x\nfi",
        "cat > x.py <<'EOF'\nprint(`1` | 2)\nEOF\npython x.py",
        'echo "done at $(date +%s)" 2>&1 | tee "$HOME/log"',
        "git commit -m 'it is (really) done; & now' && git push",
        "X=1\nexport Y=\"$X\"\nmake -j4 all > /dev/null 2>&1",
    ):
        if text.startswith("X=1"):
            continue  # a variable that stands alone is the grammar's
        assert _plainly(text, shell.MAX_SHELLS) is not None, text


SHAPES = {
    "lists": "a;" * 5000, "lines": "a\n" * 5000, "pipes": "a|" * 5000, "amps": "a&" * 5000, "word": "x" * 10_000,
    "words": "ls " + "ab " * 3000,
    "quotes": "'a' " * 2500, "glued": "a'b'\"c\"" * 1200, "open": "(" * 10_000, "substitutions": "$(" * 5000,
    "documents": "<<E " * 2500,
    "ifs": "if " * 3333, "variables": "$a " * 3300, "wrappers": "env " * 2500, "shells": "sh -c 'ls';" * 900,
    "assignments": "A=b " * 2500,
    "backquotes": "`" * 10_000, "braces": "{a,b} " * 1600, "escapes": "\\a" * 5000, "unclosed": "'\"" * 5000 + "'",
    "awk": "awk '" + "\\'" * 4000,
    "interpreter": "python -c \"" + "'\\\\" * 3000 + '"', "sed": "sed 's/" + "\\/" * 4000 + "'",
    "nested": "(" * 3000 + "ls" + ")" * 3000,
    "newlines": "ls" + "\n" * 10_000, "fors": "for x " * 1600, "loops": "for f in a; do " * 700, "evals": "eval " * 2000 + "ls",
    "python": "python -c \"os.system('" + "a 'b' " * 1500 + "')\"", "finds": "find . " + "-exec a ; " * 1200,
    "options": "git " + "-c a=b " * 1400, "scripts": "sed " + "-e 's/a/b/' " * 800,
    "proxies": "ssh " + "-o ProxyCommand=x " * 600 + " h",
    "parallel": "parallel ::: " + "a " * 4000, "broken braces": "{a''" * 2500, "here": "cat <<'E'\nx\nE\n" * 700,
}


@pytest.mark.parametrize("name", SHAPES)
def test_no_shape_of_text_takes_long(name: str) -> None:
    """Linear: twice the text is not four times the work; the bound is far above what it is on a machine that is not busy."""
    text = SHAPES[name]
    started = time.process_time()
    parse.__wrapped__(text)
    assert time.process_time() - started < 1.0


def test_a_reader_that_gives_up_leaves_nothing_behind() -> None:
    with pytest.raises(Beyond):
        read_plainly("ls `x`", shell._Reading("ls `x`", b"", 1))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.sampled_from((
    "if ", "then ", "fi", "done", "do ", "for f in ", "while ", "{ ", " }", "(", ")", "$(", '"', "'", "\\", "\n", ";", "&&", "|", ">",
    "<<E", "<<'E'", "E", "#", "$X", "${", "}", "=", "a", "b ", " ", "!", "[", "]", "*", "~", "`", "2", "&", "export ", "eval ",
    "sh -c ", "xargs ",
)), max_size=14).map("".join))
@example("\"fi\" a\"b\"")
def test_any_text_is_read_or_left_alone(text: str) -> None:
    assert _plainly(text, shell.MAX_SHELLS) is None or isinstance(parse(text), Line)


@pytest.mark.skipif(BASH is None, reason="no bash here")
@settings(max_examples=max(20, EXAMPLES // 10), deadline=None)
@given(st.lists(st.sampled_from((
    "printf", " ", " ", "'a'", '"b"', ";", "\n", "&&", "|", "(", ")", "{ ", "; }", "if true; then ", "; fi", "! ", "#", "x", "\\ ",
)), max_size=12).map("".join))
def test_what_bash_refuses_to_parse_is_no_plain_command(text: str) -> None:
    """The other way round a reader may be stricter than bash."""
    assert BASH is not None
    shown = subprocess.run([BASH, "--norc", "-n", "-c", text], capture_output=True, env={"PATH": ""}, timeout=20, check=False)
    if shown.returncode:
        line = parse(text)
        assert line.unsafe or line.doubts, text
