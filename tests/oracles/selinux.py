"""A reader of `avakill.te` and `avakill.fc` that answers as the kernel would: labels by file contexts, then hooks.

Sources: libselinux 3.4 label_file.c (the last matching line wins, lines without meta characters go last; `^…$` by PCRE with DOTALL),
checkpolicy's grammar for `allow`, `type`, `typeattribute`, `type_transition`, and Linux 6.12 security/selinux/hooks.c for what each
operation asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from avakill.backends.judge import BIND, Probe
from avakill.ir.effect import Operation

AGENT = "avakill_agent_t"
PLAIN = "usr_t"
"""Any type of Debian's that is a `file_type`: what a path has that no line names."""
DEVICES = {
    "/dev/null": "null_device_t",
    "/dev/zero": "zero_device_t",
    "/dev/full": "null_device_t",
    "/dev/random": "random_device_t",
    "/dev/urandom": "urandom_device_t",
    "/dev/tty": "devtty_t",
    "/dev/ptmx": "ptmx_t",
}
DIRECTORIES = {"/": "root_t", "/etc": "etc_t", "/dev": "device_t", "/run": "var_run_t"}
"""Directories whose own type Debian's policy lets every `domain` list."""
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
OPEN_TO_DOMAINS: tuple[tuple[str, str, str], ...] = (
    *(("dir", name, "getattr ioctl lock open read search") for name in (*DIRECTORIES.values(), "lib_t")),
    ("file", "lib_t", "execute getattr ioctl map open read"),
    ("lnk_file", "lib_t", "getattr read"),
)
"""What `sesearch -A -s domain -ds` says of Debian's policy about the objects of files: no module can take it back."""
KNOWN = {
    **{name: frozenset({"file_type"}) for name in (*DIRECTORIES.values(), "lib_t")},
    **{name: frozenset({"device_node"}) for name in set(DEVICES.values())},
    PLAIN: frozenset({"file_type"}),
    "devpts_t": frozenset({"file_type"}),
    "user_devpts_t": frozenset({"device_node"}),
    "port_t": frozenset({"port_type"}),
    "node_t": frozenset({"node_type"}),
}
META = set(".^$?*+|[({")


# -- the module --


@dataclass
class Module:
    """Attributes by type, and allow rules as (class, permissions, sources, targets)."""

    attributes: dict[str, set[str]] = field(default_factory=lambda: {name: set(found) for name, found in KNOWN.items()})
    rules: list[tuple[str, frozenset[str], str, str]] = field(default_factory=list)
    transitions: dict[tuple[str, str], str] = field(default_factory=dict)
    permitted: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def members(self, expression: str, self_type: str) -> set[str]:
        """The types of `{ a -b }`; `self` is the source."""
        wanted: set[str] = set()
        refused: set[str] = set()
        for word in expression.strip("{} ").split():
            into = refused if word.startswith("-") else wanted
            into |= self._types(word.lstrip("-"), self_type)
        return wanted - refused

    def _types(self, word: str, self_type: str) -> set[str]:
        if word == "self":
            return {self_type}
        return {word} | {name for name, found in self.attributes.items() if word in found}

    def allows(self, target: str, kind: str, *needed: str) -> bool:
        known = self.permitted.get((target, kind))
        if known is None:
            known = frozenset(
                permission
                for rule_kind, permissions, source, objects in self.rules
                if kind == rule_kind and AGENT in self.members(source, AGENT) and target in self.members(objects, AGENT)
                for permission in permissions
            )
            self.permitted[target, kind] = known
        return known.issuperset(needed)


STATEMENT = re.compile(
    r"(?:allow\s+(?P<source>\{[^}]*\}|\S+)\s+(?P<target>\{[^}]*\}|[^\s:]+):(?P<kind>\{[^}]*\}|\S+)\s+(?P<perms>\{[^}]*\}|[^\s;]+)\s*;"
    r"|typeattribute\s+(?P<type>\S+)\s+(?P<attrs>[^;]+);|type\s+(?P<new>[^\s;,]+)\s*;"
    r'|type_transition\s+(?P<agent>\S+)\s+(?P<parent>\S+):(?P<tkind>\S+)\s+(?P<result>\S+)\s+"(?P<name>[^"]*)"\s*;)'
)


def read_module(text: str) -> Module:
    module = Module()
    clean = "\n".join(line.split("#", 1)[0] for line in text.splitlines())
    body = clean.split("}\n\n", 1)[1] if "require {" in clean else clean  # the require block ends with an empty line
    for found in STATEMENT.finditer(body):
        if found["source"]:
            for kind in found["kind"].strip("{} ").split():
                module.rules.append((kind, frozenset(found["perms"].strip("{} ").split()), found["source"], found["target"]))
        elif found["type"]:
            names = {name.strip() for name in found["attrs"].split(",")}
            module.attributes.setdefault(found["type"], set()).update(names)
        elif found["new"]:
            module.attributes.setdefault(found["new"], set())
        elif found["name"]:
            module.transitions[found["tkind"], found["name"]] = found["result"]
    if "domain" in module.attributes.get(AGENT, ()):
        module.rules += [(kind, frozenset(words.split()), AGENT, target) for kind, target, words in OPEN_TO_DOMAINS]
    return module


# -- the file contexts --


@dataclass(frozen=True)
class Spec:
    regex: re.Pattern[bytes]
    kind: str
    type: str | None

    def matches(self, path: bytes, kind: str) -> bool:
        if self.kind and self.kind != kind:
            return False
        return self.regex.search(path) is not None


def read_contexts(text: str) -> tuple[Spec, ...]:
    """In the order in which they are tried."""
    plain: list[Spec] = []
    exact: list[Spec] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split()
        assert line.isascii(), line
        assert len(words) in (2, 3), line
        label = words[-1]
        kind = words[1] if len(words) == 3 else ""
        assert kind in ("", "-d", "--", "-c"), line
        # Python spells PCRE's \z as \Z, and its `$` matches before a final newline just so
        expression = re.sub(r"\\(.)", lambda m: "\\Z" if m[1] == "z" else m[0], words[0])
        regex = re.compile(b"^" + expression.encode() + b"$", re.DOTALL)
        spec = Spec(regex, kind, None if label == "<<none>>" else label.split(":")[2])
        (plain if has_meta(words[0]) else exact).append(spec)
    return tuple(reversed((*plain, *exact)))


def has_meta(text: str) -> bool:
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] in META:
            return True
        at += 1
    return False


# -- the kernel --


@dataclass
class Kernel:
    """`later` are objects that took their name after labels were applied: they bear their directory's label."""

    module: Module
    specs: tuple[Spec, ...]
    later: frozenset[str] = frozenset()
    labels: dict[tuple[str, bool], str] = field(default_factory=dict)

    def allows(self, probe: Probe) -> bool:
        match probe.operation:
            case Operation.CONNECT:
                return self._connects(probe.object)
            case Operation.READ | Operation.LIST:
                return self._object(probe, "open", "read")
            case Operation.WRITE | Operation.TRUNCATE:
                if probe.directory:  # O_TMPFILE: a new file of the directory's type
                    return self.module.allows(self.label(probe.object, True), "file", "write", "open")
                return self._object(probe, "open", "write")
            case Operation.ATTR:
                return self._object(probe, "setattr")
            case Operation.EXEC:
                return self._object(probe, "execute", "read", "open", "execute_no_trans")
            case Operation.CREATE | Operation.SYMLINK | Operation.MKDIR:
                return self._makes(probe)
            case Operation.UNLINK:
                return self._leaves(probe.object, probe.directory, "unlink")
            case Operation.RMDIR:
                return self._leaves(probe.object, True, "rmdir")
            case Operation.LINK:
                assert probe.to is not None
                return self._object(probe, "link") and self._enters(probe.to)
            case Operation.RENAME:
                return self._renames(probe)

    def label(self, path: str, directory: bool) -> str:
        key = (path, directory)
        if key not in self.labels:
            self.labels[key] = self._label(path, directory)
        return self.labels[key]

    def _label(self, path: str, directory: bool) -> str:
        text = path.encode("utf-8", "surrogateescape")
        kind = "-d" if directory else "-c" if kind_of(path) == "chr_file" else "--"
        for spec in self.specs:
            if spec.matches(text, kind):
                return spec.type or own_type(path, directory)
        return own_type(path, directory)

    def _of(self, path: str, directory: bool) -> str:
        """The label that the object bears, whenever it came."""
        return self.label(parent(path), True) if path in self.later else self.label(path, directory)

    def _object(self, probe: Probe, *needed: str) -> bool:
        kind = "dir" if probe.directory or probe.operation is Operation.LIST else kind_of(probe.object)
        if kind == "dir" and probe.operation in (Operation.EXEC, Operation.LINK):
            return True
        if kind == "chr_file" and probe.operation is Operation.EXEC:  # refused before any hook is asked: not the module's doing
            return self.module.allows(PLAIN, "file", *needed)
        return self._searches(probe.object) and self.module.allows(self._of(probe.object, kind == "dir"), kind, *needed)

    def _searches(self, path: str) -> bool:
        return all(self.module.allows(self.label(above, True), "dir", "search") for above in ancestors(path))

    def _makes(self, probe: Probe) -> bool:
        kinds = {Operation.CREATE: "file", Operation.MKDIR: "dir", Operation.SYMLINK: "lnk_file"}
        kind = kinds[probe.operation]
        name = probe.object.rsplit("/", 1)[1]
        made = self.module.transitions.get((kind, name), self.label(parent(probe.object), True))
        return self._enters(probe.object) and self.module.allows(made, kind, "create")

    def _enters(self, path: str) -> bool:
        return self._searches(path) and self.module.allows(self.label(parent(path), True), "dir", "write", "add_name")

    def _leaves(self, path: str, directory: bool, permission: str) -> bool:
        kind = "dir" if directory else kind_of(path)
        return (
            self._searches(path)
            and self.module.allows(self.label(parent(path), True), "dir", "write", "remove_name")
            and self.module.allows(self._of(path, directory), kind, permission)
        )

    def _renames(self, probe: Probe) -> bool:
        assert probe.to is not None
        if not self._leaves(probe.object, probe.directory, "rename") or not self._enters(probe.to):
            return False
        moves = probe.directory and parent(probe.to) != parent(probe.object)
        if moves and not self.module.allows(self._of(probe.object, True), "dir", "reparent"):
            return False
        if probe.replaces or probe.exchange:
            return self._leaves(probe.to, probe.directory, "rename" if probe.exchange else "rmdir" if probe.directory else "unlink")
        return True

    def _connects(self, thing: str) -> bool:
        kind = "udp_socket" if thing.startswith("udp:") else "tcp_socket"
        if thing.startswith(BIND):
            return self.module.allows(AGENT, kind, "create", "bind") and self.module.allows("node_t", kind, "node_bind")
        if not self.module.allows(AGENT, kind, "create", "connect", "write"):
            return False
        return kind == "udp_socket" or self.module.allows("port_t", kind, "name_connect")


def own_type(path: str, directory: bool) -> str:
    if path in DEVICES and not directory:
        return DEVICES[path]
    if path == "/dev/pts" or path.startswith("/dev/pts/"):
        return "devpts_t" if directory else "user_devpts_t"
    if any(path == above or path.startswith(f"{above}/") for above in LIBRARIES):
        return "lib_t"
    return DIRECTORIES.get(path, PLAIN) if directory else PLAIN


def kind_of(path: str) -> str:
    return "chr_file" if path in DEVICES or path.startswith("/dev/pts/") else "file"


def parent(path: str) -> str:
    return path.rsplit("/", 1)[0] or "/"


def ancestors(path: str) -> Iterable[str]:
    names = [name for name in path.split("/") if name]
    return ["/" + "/".join(names[:n]) for n in range(len(names))]


def kernel(te: str, fc: str, later: frozenset[str] = frozenset()) -> Kernel:
    return Kernel(read_module(te), read_contexts(fc), later)
