"""Imports go down: packages on one floor do not know each other, nor does a backend know another (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "avakill"

FLOORS = (
    ("source", "paths", "version"),
    ("ir", "templates"),
    ("events",),
    ("compiler", "evaluator", "backends"),
    ("pipeline", "enforce"),
    ("coverage", "sink", "database"),
    ("ratelimit", "approvals", "signing", "audit", "hardening"),
    ("lab", "guard"),
    ("cli",),
    ("__main__", "__init__", "_avakill_hooks"),
)
"""From below; a name is a package or a module of `avakill`. `__init__` is the public names, which nothing inside uses."""

SHARED = (("readings",), ("approximate",), ("plan",), ("contract", "judge", "quoting", "lines", "document", "regions"), ("registry",))
"""What all backends share, from below. A backend stands on the first three; the registry finds backends by entry point."""

HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
SHARED_HEIGHT = {name: height for height, names in enumerate(SHARED) for name in names}
BACKEND_HEIGHT = len(SHARED) - 1


def imports() -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Where (file and line), the importing module and the imported one, as names below `avakill`.

    Lazy imports and those under TYPE_CHECKING count.
    """
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _named(node, parts):
                yield f"{path.relative_to(ROOT.parent)}:{getattr(node, 'lineno', 0)}", parts, name


def _named(node: ast.AST, parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    match node:
        case ast.Import(names=names):
            found = [alias.name.split(".") for alias in names]
        case ast.ImportFrom(module=module, names=names, level=0):
            found = [[*(module or "").split("."), alias.name] for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            base = ["avakill", *parts[: len(parts) - level]]
            found = [[*base, *(module.split(".") if module else ()), alias.name] for alias in names]
        case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"), args=[first, *_]):
            found = [str(first.value).split(".")] if isinstance(first, ast.Constant) else []
        case _:
            return
    yield from (tuple(names[1:]) for names in found if names[0] == "avakill" and len(names) > 1)


def _floor(name: str) -> str:
    """The package or module of a name; a public name of `avakill` itself stands in `__init__`."""
    return name if name in HEIGHT or (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists() else "__init__"


def test_every_package_has_a_floor() -> None:
    names = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))}
    assert names - set(HEIGHT) == set()


def test_imports_go_down() -> None:
    wrong = []
    for where, source, target in imports():
        above, below = _floor(source[0]), _floor(target[0])
        if above != below and HEIGHT[below] >= HEIGHT[above]:
            wrong.append(f"{where}: {above} (floor {HEIGHT[above]}) imports {below} (floor {HEIGHT[below]})")
    assert wrong == []


def test_backends_know_what_they_share_and_not_each_other() -> None:
    wrong = []
    for where, source, target in imports():
        if source[0] == target[0] == "backends" and len(target) > 1 and len(source) > 1 and source[1] != "__init__":
            above, below = source[1], target[1]
            height = SHARED_HEIGHT.get(above, BACKEND_HEIGHT)
            if above != below and SHARED_HEIGHT.get(below, BACKEND_HEIGHT) >= height:
                wrong.append(f"{where}: {above} imports {below}")
    assert wrong == []


def test_shared_words_of_backends_stand_on_a_floor_of_their_own() -> None:
    modules = {path.stem for path in (ROOT / "backends").glob("*.py")} - {"__init__"}
    assert modules - set(SHARED_HEIGHT) == set()


def test_the_core_reads_no_clock_no_file_and_no_environment() -> None:
    """Below floor 4 what touches the world is handed in (architecture.md)."""
    worldly = {"os", "time", "datetime", "socket", "subprocess", "random", "secrets", "tempfile", "shutil", "urllib.request", "http"}
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if HEIGHT.get(_floor(parts[0]), 9) < 4:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                    wrong += [f"{path.relative_to(ROOT.parent)}:{node.lineno} {n}" for n in names if {n, n.split(".")[0]} & worldly]
    assert wrong == []
