"""What a program may try against protected files, and what must go on: code for `tests.hardening.child`."""

from __future__ import annotations

WRITES = {
    "open w": "open(safe, 'w').write('x')",
    "open a": "open(safe, 'a').write('x')",
    "open r+": "open(safe, 'r+').write('x')",
    "open x of what is absent": "open(where / 'absent.sig', 'x').write('x')",
    "bytes path": "open(os.fsencode(safe), 'wb')",
    "relative path": "open('safe.yaml', 'w')",
    "dots": "open('free/../safe.yaml', 'w')",
    "slashes": "open(f'{where}//./safe.yaml', 'w')",
    "pathlib": "safe.write_text('x')",
    "io.open": "import io; io.open(safe, 'w')",
    "FileIO": "import io; io.FileIO(str(safe), 'w')",
    "FileIO of an object": "import io; io.FileIO(safe, 'w')",
    "_pyio": "import _pyio; _pyio.open(safe, 'w')",
    "codecs": "import codecs; codecs.open(str(safe), 'w')",
    "opener": "open('any', 'w', opener=lambda name, flags: os.open(safe, flags))",
    "os.open WRONLY": "os.open(safe, os.O_WRONLY)",
    "os.open RDWR": "os.open(safe, os.O_RDWR)",
    "os.open TRUNC alone": "os.open(safe, os.O_RDONLY | os.O_TRUNC)",
    "os.open CREAT alone": "os.open(where / 'absent.sig', os.O_RDONLY | os.O_CREAT)",
    "os.open by a directory": "os.open('safe.yaml', os.O_WRONLY, dir_fd=os.open(where, os.O_RDONLY))",
    "os.open by a directory from elsewhere": """
os.chdir('/')
d = os.open(tree, os.O_RDONLY)
os.open('deep/module.py', os.O_WRONLY, dir_fd=d)
""",
    "os.open after chdir": "os.chdir(tree / 'deep'); os.open('module.py', os.O_WRONLY)",
    "os.open TMPFILE in the tree": "os.open(tree, os.O_TMPFILE | os.O_WRONLY)",
    "by a link": "open('link', 'w')",
    "by a link in the middle": "open('way/way/safe.yaml', 'w')",
    "by a hard link of before": "open('twin', 'w')",
    "by a link made now": "os.symlink(safe, 'free/new'); open('free/new', 'w')",
    "by a link to what is absent": "os.symlink(where / 'absent.sig', 'free/new'); open('free/new', 'w')",
    "what a protected link leads to": "open('real.yaml', 'w')",
    "through a protected link": "open('named', 'w')",
    "through /proc/self/fd": "fd = os.open(safe, os.O_RDONLY); open(f'/proc/self/fd/{fd}', 'w')",
    "through /proc/self/cwd": "open('/proc/self/cwd/safe.yaml', 'w')",
    "through /proc/self/root": "open(f'/proc/self/root{safe}', 'w')",
    "in the tree": "open(tree / 'new.py', 'w')",
    "deep in the tree": "open(tree / 'deep' / 'module.py', 'a')",
    "remove": "os.remove(safe)",
    "unlink by a directory": "os.unlink('safe.yaml', dir_fd=os.open(where, os.O_RDONLY))",
    "pathlib unlink": "safe.unlink()",
    "remove the link": "os.remove('named')",
    "rename away": "os.rename(safe, 'free/x')",
    "rename onto": "os.rename('free/file', safe)",
    "rename onto what is absent": "os.rename('free/file', 'absent.sig')",
    "rename by directories": "d = os.open(where, os.O_RDONLY); os.rename('free/file', 'safe.yaml', src_dir_fd=d, dst_dir_fd=d)",
    "replace": "os.replace('free/file', safe)",
    "replace the link": "os.replace('free/file', 'named')",
    "pathlib replace": "pathlib.Path('free/file').replace(safe)",
    "rename the tree": "os.rename(tree, 'free/tree')",
    "rename what is above": "os.rename(where, str(where) + '-gone')",
    "renames": "os.renames(safe, 'free/deeper/x')",
    "rmdir": "os.rmdir(tree / 'deep')",
    "mkdir in the tree": "os.mkdir(tree / 'new')",
    "mkdir of what is absent": "os.mkdir('absent.sig')",
    "makedirs": "os.makedirs(tree / 'new' / 'newer')",
    "link of it": "os.link(safe, 'free/x')",
    "link to its name": "os.link('free/file', 'absent.sig')",
    "symlink at its name": "os.symlink('free/file', 'absent.sig')",
    "symlink into the tree": "os.symlink(where / 'free', tree / 'x')",
    "truncate": "os.truncate(safe, 0)",
    "ftruncate": "os.ftruncate(os.open(safe, os.O_RDONLY), 0)",
    "chmod": "os.chmod(safe, 0o777)",
    "fchmod": "os.fchmod(os.open(safe, os.O_RDONLY), 0o777)",
    "chmod by a directory": "os.chmod('safe.yaml', 0o777, dir_fd=os.open(where, os.O_RDONLY))",
    "chown": "os.chown(safe, 1, 1)",
    "lchown of the link": "os.lchown('named', 1, 1)",
    "utime": "os.utime(safe, (1, 1))",
    "utime by a descriptor": "os.utime(os.open(safe, os.O_RDONLY), (1, 1))",
    "setxattr": "os.setxattr(safe, 'user.x', b'x')",
    "removexattr": "os.removexattr(safe, 'user.x')",
    "ioctl": "import fcntl; fcntl.ioctl(os.open(safe, os.O_RDONLY), 0x40086602, bytes(8))",
    "copyfile": "import shutil; shutil.copyfile('free/file', safe)",
    "copy": "import shutil; shutil.copy('free/file', safe)",
    "copymode": "import shutil; shutil.copymode('free/file', safe)",
    "copytree": "import shutil; shutil.copytree('free', tree, dirs_exist_ok=True)",
    "move away": "import shutil; shutil.move(safe, 'free/x')",
    "move onto": "import shutil; shutil.move('free/file', safe)",
    "rmtree": "import shutil; shutil.rmtree(tree)",
    "rmtree of what is above": "import shutil; shutil.rmtree(where)",
    "shutil.chown": "import shutil; shutil.chown(safe, 1)",
    "unpack": """
import tarfile, shutil
shutil.make_archive('free/a', 'tar', tree)
shutil.unpack_archive('free/a.tar', tree)
""",
    "sqlite": "import sqlite3; sqlite3.connect(safe)",
    "sqlite by a URI": "import sqlite3; sqlite3.connect(f'file:{where}/s%61fe.yaml?mode=rw', uri=True)",
    "a journal for SQLite to play back": "open('safe.yaml-journal', 'wb')",
    "a socket at its name": "import socket; socket.socket(socket.AF_UNIX).bind('absent.sig')",
    "a log": "import logging; logging.FileHandler(safe)",
    "a TLS key log": "import ssl; ssl.create_default_context().keylog_filename = str(safe)",
    "fileinput": "import fileinput; list(fileinput.input(str(safe), inplace=True))",
    "shelve": "import shelve; shelve.open(str(tree / 'db'))",
    "memory": "open('/proc/self/mem', 'r+b')",
    "memory by its number": "os.open(f'/proc/{os.getpid()}/task/{os.getpid()}/mem', os.O_RDWR)",
}

AROUND = {
    "a str that lies": """
class Lie(str):
    def startswith(self, *a): return False
    def split(self, *a): return []
    def __str__(self): return 'free/file'
    __class__ = int
open(Lie(safe), 'w')
""",
    "a path of two faces": """
class Lie:
    faces = iter([str(safe), 'free/file'])
    def __fspath__(self): return next(self.faces, 'free/file')
import io
io.FileIO(Lie(), 'w')
""",
    "a path of two faces for os": """
class Lie:
    faces = iter([str(safe), 'free/file'])
    def __fspath__(self): return next(self.faces, 'free/file')
os.truncate(Lie(), 0)
""",
    "patched os": """
import posix
saved = posix.open
for module in (os, posix):
    for name in ('open', 'stat', 'lstat', 'readlink', 'getcwd', 'listdir', 'scandir', 'fspath', 'fsdecode'):
        setattr(module, name, lambda *a, **k: '/nowhere')
saved(str(safe), os.O_WRONLY)
""",
    "patched builtins": """
import builtins
kept, opened = dict(vars(builtins)), builtins.open
try:
    for name in [n for n, v in kept.items() if callable(v) and not n.startswith('__') and not n.endswith(('Error', 'Exception'))]:
        setattr(builtins, name, lambda *a, **k: ())
    opened('safe.yaml', 'w')
finally: vars(builtins).update(kept)
""",
    "our modules patched": """
import avakill.hardening.hooks as h, avakill.hardening.sentry as s, avakill.hardening.places as p
s.WATCHED = h.sys = p.LINKS = s.TARGETS = s.WRITES = None
s._changed = s._refused = p.walk = p.identity = lambda *a: ()
p.Places.find = p.Places._covering = lambda *a: None
s._only_reads = lambda a: True
p.Places.find.__code__ = (lambda *a: None).__code__
s.make_hook.__code__ = s.make_hook.__code__
open(safe, 'w')
""",
    "sys.addaudithook patched and used": """
sys.addaudithook(lambda *a: None)
sys.addaudithook = sys.audit = lambda *a: None
open(safe, 'w')
""",
    "reload": """
import importlib, avakill.hardening.hooks as h, avakill.hardening.sentry as s
importlib.reload(s); importlib.reload(h)
assert h.is_installed()
h.protect_files([])
open(safe, 'w')
""",
    "our modules thrown away": """
for name in [n for n in sys.modules if n.startswith('avakill')]: del sys.modules[name]
open(safe, 'w')
""",
    "a thread": """
import threading
failed = []
def work():
    try: open(safe, 'w')
    except PermissionError as error: failed.append(error)
t = threading.Thread(target=work); t.start(); t.join()
raise failed[0]
""",
    "a fork": """
pid = os.fork()
if not pid:
    try: open(safe, 'w')
    except PermissionError: os._exit(7)
    os._exit(0)
if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7: raise PermissionError('avakill refuses in the child')
""",
    "a trace": """
import threading
def trace(frame, event, arg):
    for name in list(frame.f_globals):
        if name in ('WATCHED', 'TARGETS'): frame.f_globals[name] = ()
    return trace
sys.settrace(trace); sys.setprofile(trace)
open(safe, 'w')
""",
    "a deep stack": """
def dive(n):
    try: dive(n + 1)
    except RecursionError: pass
    open(safe, 'w')
dive(0)
""",
    "a listener that raises": """
from avakill.hardening.hooks import protect_files
def bad(*a): raise KeyboardInterrupt
protect_files([], bad)
open(safe, 'w')
""",
    "a listener that attacks": """
from avakill.hardening.hooks import protect_files
protect_files([], lambda *a: open(safe, 'w'))
open(safe, 'w')
""",
    "a list that looks around": """
class Spy(list):
    def append(self, names): sys._getframe(1).f_globals['WATCHED'] = ()
    extend = append
class Tuple(tuple):
    def __iter__(self):
        sys._getframe(1).f_globals['WATCHED'] = ()
        return iter(())
for event, argument in (('ask', Spy()), ('protect', Tuple())):
    try: sys.audit(f'avakill.hardening.{event}', argument, *([None] * (event == 'protect')))
    except PermissionError: pass
open(safe, 'w')
""",
    "forged events": """
sys.audit('avakill.hardening.protect', (), None)
sys.audit('avakill.hardening.ask')
for args in [(), (1,), (None, None, None), ([], 'w', 1)]:
    try: sys.audit('open', *args)
    except PermissionError: pass
open(safe, 'w')
""",
}

SUBINTERPRETER = """
try: import _xxsubinterpreters as interpreters
except ImportError: import _interpreters as interpreters
interpreters.run_string(interpreters.create(), "import os; os.remove('safe.yaml')")
"""

HARMLESS = {
    "in a directory that is gone": """
import sqlite3, socket
os.mkdir('free/gone')
os.chdir('free/gone')
os.rmdir(where / 'free' / 'gone')
open(where / 'free' / 'x', 'w')
os.close(os.open(where / 'free' / 'x', os.O_WRONLY))
os.chmod(where / 'free' / 'x', 0o600)
sqlite3.connect(where / 'free' / 'db').close()
socket.socket(socket.AF_UNIX).bind(str(where / 'free' / 's'))
""",
    "read": """
assert safe.read_text() == 'policy' and open('link').read() == 'policy'
list(os.scandir(tree))
os.stat(safe)
""",
    "write elsewhere": """
pathlib.Path('free/x').write_text('x')
os.remove('free/x')
os.chmod('free/file', 0o600)
os.utime('free/file')
""",
    "neighbours of like names": "open('safe.yaml.bak', 'w'); open('safe.yam', 'w'); os.mkdir('tree2'); open('tree2/x', 'w')",
    "a proposed policy": "open('safe.proposed.yaml', 'w')",
    "replace elsewhere": """
os.replace('free/file', 'free/y')
os.link('free/y', 'free/z')
os.symlink('y', 'free/s')
os.remove('free/s')
""",
    "remove a link to it": "os.remove('link')",
    "open by a directory": """
d = os.open('free', os.O_RDONLY)
os.close(os.open('n', os.O_CREAT | os.O_WRONLY, dir_fd=d))
os.unlink('n', dir_fd=d)
""",
    "json": "import json; json.dump({}, open('free/j', 'w')); assert json.load(open('free/j')) == {}",
    "sqlite": """
import sqlite3
for name in ('free/db', ':memory:', '', where / 'free' / 'db2'):
    c = sqlite3.connect(name); c.execute('pragma journal_mode=wal'); c.execute('create table t(a)'); c.commit(); c.close()
""",
    "temporary files": """
import tempfile
tempfile.TemporaryFile().write(b'x')
tempfile.NamedTemporaryFile()
tempfile.TemporaryDirectory().cleanup()
""",
    "shutil": """
import shutil
shutil.copytree(tree, 'free/copy')
shutil.rmtree(pathlib.Path('free/copy'))
shutil.copy(safe, 'free/c')
""",
    "threads": """
import threading
t = threading.Thread(target=lambda: open('free/t', 'w'))
t.start()
t.join()
assert os.path.exists('free/t')
""",
    "asyncio": "import asyncio; assert asyncio.run(asyncio.sleep(0, 5)) == 5",
    "a child": """
import subprocess
assert subprocess.run(['true']).returncode == 0
subprocess.run(['true'], stdout=open(os.devnull, 'w'))
""",
    "ctypes": "import ctypes; ctypes.CDLL(None).getpid()",
    "sockets": """
import socket
s = socket.socket()
s.bind(('127.0.0.1', 0))
u = socket.socket(socket.AF_UNIX)
u.bind('free/s')
socket.socket(socket.AF_UNIX).bind('\\0x%d' % os.getpid())
""",
    "terminal": """
import fcntl
r, w = os.pipe()
fcntl.ioctl(r, 0x541B, bytes(4))
os.truncate('free/file', 0)
os.write(w, b'x')
""",
    "importing": "import email.message, decimal, xml.dom.minidom, importlib; importlib.reload(decimal)",
    "a missing file": """
for attempt in (lambda: open('none/x', 'w'), lambda: os.remove('none')):
    try: attempt()
    except FileNotFoundError: continue
    raise AssertionError
""",
}

LIMITS = {
    "child process": ("safe.yaml", "import subprocess; subprocess.run(['sh', '-c', 'echo x > safe.yaml'], check=True)"),
    "mkfifo": ("absent.sig", "os.mkfifo('absent.sig')"),
    "ATTACH": (
        "absent.sig",
        "import sqlite3; c = sqlite3.connect(':memory:'); c.execute(\"attach 'absent.sig' as a\"); c.execute('create table a.t(x)')",
    ),
    "readline": ("safe.yaml", "import readline; readline.write_history_file(str(safe))"),
}
"""What is not held, by the word under which docs/hardening.md says so, with what it changes."""
