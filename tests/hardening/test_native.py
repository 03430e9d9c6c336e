"""The hooks of C, compiled here and armed in real processes."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import need
from tests.hardening.attacks import AROUND, HARMLESS, SUBINTERPRETER, WRITES
from tests.hardening.child import Ended, attacked

SOURCE = Path(__file__).parents[2] / "avakill" / "hardening" / "_hooks.c"
STRICT = ("-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-O2", "-fPIC", "-shared")

IN_C = """
def arm():
    import importlib.util
    spec = importlib.util.spec_from_file_location('avakill.hardening._hooks', {path!r})
    sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[spec.name])
    from avakill.hardening import native
    assert native.hardened_available() and not native.is_hardened()
    native.harden(paths)
    assert native.is_hardened()
"""

PYTHON_ONLY = {"reload", "a listener that raises", "a listener that attacks", "a list that looks around", "forged events"}
"""What is told of the Python hook and asks it."""

SHUT = {
    "import ctypes": "import ctypes",
    "import _ctypes": "import _ctypes",
    "import cffi": "import cffi",
    "import _cffi_backend": "import _cffi_backend",
    "_ctypes as a submodule": """
import importlib.machinery, importlib.util
found = importlib.machinery.PathFinder.find_spec('_ctypes')
spec = importlib.util.spec_from_file_location('innocent._ctypes', found.origin)
importlib.util.module_from_spec(spec)
""",
    "get_objects": "import gc; gc.get_objects()",
    "get_referrers": "import gc; gc.get_referrers(sys)",
    "get_referents": "import gc; gc.get_referents(sys)",
    "code of a function": "def f(): pass\nf.__code__ = (lambda: 1).__code__",
    "code by object.__setattr__": "def f(): pass\nobject.__setattr__(f, '__code__', (lambda: 1).__code__)",
    "code.replace": "(lambda: 1).__code__.replace(co_name='x')",
    "CodeType": "import types; types.CodeType(0, 0, 0, 0, 1, 0, b'', (), (), (), 'f', 'n', 'q', 1, b'', b'', (), ())",
    "memory of another process": "open(f'/proc/{os.getppid()}/mem', 'wb')",
}

LOADED = {
    "dlopen": "ctypes.CDLL(None)",
    "a function that was there": "kept('x')",
    "memmove": "ctypes.memmove(id(told) + 16, b'abcdefgh', 8)",
    "string_at": "ctypes.string_at(id(told), 8)",
    "cast": "ctypes.cast(id(told), ctypes.POINTER(ctypes.c_char))[0]",
    "a union": """
class Both(ctypes.Union): _fields_ = [('number', ctypes.c_size_t), ('pointer', ctypes.POINTER(ctypes.c_char))]
both = Both()
both.number = id(told)
both.pointer[0] = b'x'
""",
    "a union of before": """
both = Early()
both.number = id(told)
both.pointer[0] = b'x'
""",
    "__new__ by hand": "ctypes.c_size_t.__new__(ctypes.c_size_t)",
    "a copy": "import copy; copy.copy(number)",
    "from_address": "ctypes.c_char.from_address(id(told))",
    "from_buffer": "ctypes.c_char.from_buffer(bytearray(8))",
    "pythonapi": "ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))",
    "cffi memmove": "import _cffi_backend; _cffi_backend.FFI()",
    "cffi of before": "ffi.cast('char *', id(told))",
    "cffi's functions": "_cffi_backend.memmove(None, b'', 0)",
}

BEFORE = """
import ctypes, ctypes.util, _cffi_backend
kept = ctypes.CDLL(None).strlen
number = ctypes.c_size_t(1)
class Early(ctypes.Union): _fields_ = [('number', ctypes.c_size_t), ('pointer', ctypes.POINTER(ctypes.c_char))]
ffi = _cffi_backend.FFI()
assert ffi.cast('char *', 1) and kept(b'abc') == 3
"""

GOES_ON = {
    **{name: code for name, code in HARMLESS.items() if "ctypes" not in code},
    "gc itself": "import gc; gc.collect(); gc.get_stats(); gc.disable(); gc.enable()",
    "another hook": "seen = []; sys.addaudithook(lambda *a: seen.append(a)); open('free/file'); assert seen",
    "compiling": "exec(compile('def f(): return 1', 'x', 'exec')); assert f() == 1",
    "named tuples and data classes": """
import collections, dataclasses, enum, logging, typing
collections.namedtuple('P', 'x', defaults=[1])()
dataclasses.dataclass(type('D', (), {'__annotations__': {'x': int}}))(1)
logging.getLogger('x').warning('said')
""",
    "doing without ctypes": "try: import ctypes\nexcept ImportError: pass\nimport uuid, platform\nuuid.uuid4(); platform.platform()",
    "arming again": """
from avakill.hardening import native
native.harden([where / 'free'])
try: open('free/file', 'w')
except PermissionError: pass
else: raise AssertionError
try: open(safe, 'w')
except PermissionError: pass
else: raise AssertionError
assert native.is_hardened()
""",
    "its other name": "from avakill._avakill_hooks import arm, is_active; assert is_active()",
    "a cryptographic library loaded before": """
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate()
key.public_key().verify(key.sign(b'x'), b'x')
""",
}


@pytest.fixture(scope="session")
def in_c(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Code that arms the hooks, which a strict compiler takes without a word."""
    compiler = shutil.which("cc")
    include = sysconfig.get_path("include")
    need(compiler is not None and Path(include, "Python.h").exists(), "a C compiler and Python's headers are missing")
    assert compiler is not None
    target = tmp_path_factory.mktemp("hooks") / f"_hooks{sysconfig.get_config_var('EXT_SUFFIX')}"
    run = subprocess.run(
        (compiler, *STRICT, f"-I{include}", str(SOURCE), "-o", str(target)), capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return IN_C.format(path=str(target))


def unharmed(ended: Ended) -> bool:
    return ended.changed == () and (ended.answer == "refused" or ended.answer.startswith("PermissionError: avakill refuses"))


@pytest.mark.parametrize("name", WRITES)
def test_no_way_of_writing_changes_what_is_protected(name: str, tmp_path: Path, in_c: str) -> None:
    before = "os.setxattr(safe, 'user.x', b'x')" if name == "removexattr" else ""
    ended = attacked(tmp_path, WRITES[name], before, in_c)
    assert (ended.answer, ended.changed) == ("refused", ())


@pytest.mark.parametrize("name", sorted(set(AROUND) - PYTHON_ONLY))
def test_no_way_around_the_hooks_is_open(name: str, tmp_path: Path, in_c: str) -> None:
    ended = attacked(tmp_path, AROUND[name], arm=in_c)
    assert (ended.answer, ended.changed) == ("refused", ())


def test_a_second_interpreter_has_the_hooks_too(tmp_path: Path, in_c: str) -> None:
    ended = attacked(tmp_path, SUBINTERPRETER, arm=in_c)
    assert ended.changed == ()


@pytest.mark.parametrize("name", SHUT)
def test_introspection_and_native_calls_are_shut(name: str, tmp_path: Path, in_c: str) -> None:
    assert attacked(tmp_path, SHUT[name], arm=in_c).answer == "refused"


@pytest.mark.parametrize("name", LOADED)
def test_what_was_loaded_before_is_shut_too(name: str, tmp_path: Path, in_c: str) -> None:
    assert attacked(tmp_path, LOADED[name], BEFORE, in_c).answer == "refused"


@pytest.mark.parametrize("name", GOES_ON)
def test_what_is_harmless_goes_on(name: str, tmp_path: Path, in_c: str) -> None:
    before = "import cryptography.hazmat.primitives.asymmetric.ed25519" if "crypto" in name else ""
    assert attacked(tmp_path, GOES_ON[name], before, in_c).answer == "done"


def test_an_import_that_is_refused_is_an_import_error(tmp_path: Path, in_c: str) -> None:
    """Many programs try ctypes and do without."""
    ended = attacked(
        tmp_path, "try: import ctypes\nexcept ImportError as error: raise OSError('avakill refuses') if error else None", arm=in_c
    )
    assert ended.answer == "refused"


def test_gc_leads_to_the_hook_of_python(tmp_path: Path) -> None:
    """A limit, and why there are hooks of C."""
    attack = """
import gc
functions = [one for one in gc.get_objects() if type(one) is type(lambda: 0) and one.__name__ == 'hook']
[found] = [one for one in functions if 'places' in one.__code__.co_freevars]
found.__closure__[found.__code__.co_freevars.index('places')].cell_contents.names.clear()
"""
    assert attacked(tmp_path, attack).answer == "done"


def test_a_relative_path_is_not_taken(tmp_path: Path, in_c: str) -> None:
    ended = attacked(tmp_path, "from avakill.hardening._hooks import arm\narm(['safe.yaml'])", arm=in_c)
    assert ended.answer.startswith("ValueError: not an absolute path")


def test_bytecode_by_hand_is_not_held_and_the_page_says_so(tmp_path: Path, in_c: str) -> None:
    """Importing needs `marshal`, so it stays; from crafted bytecode to the memory of the process is a short way."""
    attack = """
import marshal
made = marshal.loads(marshal.dumps(compile('x = 1', 'f', 'exec')).replace(b'x', b'y'))
assert 'y' in made.co_names
"""
    assert attacked(tmp_path, attack, arm=in_c).answer == "done"
    page = (SOURCE.parents[2] / "docs" / "hardening.md").read_text()
    assert "marshal" in page.partition("## What they do not hold")[2]
