"""What a module for an agent says whatever the policy: what a process needs, and that a label refuses the same of every class."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.oracles.selinux import STATEMENT, Module, read_module

AGENT = "avakill_agent_t"
UNCONFINED = "unconfined_domain_type"
PROCESSES = "{ domain self }"
SOCKET = "create read write getattr setattr ioctl lock append bind connect listen accept getopt setopt shutdown"
IPC = "create destroy getattr setattr read write associate unix_read unix_write"
NEEDS: tuple[tuple[str, str, str, str], ...] = (
    ("unconfined_t", AGENT, "process", "transition"),
    (
        UNCONFINED,
        AGENT,
        "process",
        "siginh rlimitinh noatsecure sigchld signal sigkill sigstop signull ptrace getattr getcap getpgid getrlimit getsched "
        "getsession setpgid setrlimit setsched",
    ),
    (UNCONFINED, AGENT, "fd", "use"),
    (UNCONFINED, AGENT, "fifo_file", "read write getattr append ioctl lock"),
    (UNCONFINED, AGENT, "dir", "getattr search open read"),
    (UNCONFINED, AGENT, "file", "getattr open read write append"),
    (UNCONFINED, AGENT, "lnk_file", "getattr read"),
    (UNCONFINED, AGENT, "unix_stream_socket", "connectto read write getattr getopt"),
    (UNCONFINED, AGENT, "unix_dgram_socket", "sendto read write getattr getopt"),
    (
        AGENT,
        "self",
        "process",
        "fork sigchld sigkill sigstop signull signal getsched setsched getsession getpgid setpgid getcap getattr getrlimit "
        "setrlimit execmem",
    ),
    (
        AGENT,
        "self",
        "capability",
        "audit_write chown dac_override dac_read_search fowner fsetid ipc_lock ipc_owner kill lease linux_immutable mknod "
        "net_bind_service net_broadcast net_raw setfcap setgid setpcap setuid sys_chroot sys_nice sys_resource sys_tty_config",
    ),
    (AGENT, "domain", "process", "sigchld getattr"),
    (AGENT, PROCESSES, "fd", "use"),
    (AGENT, PROCESSES, "fifo_file", "read write getattr append ioctl lock"),
    (AGENT, PROCESSES, "lnk_file", "getattr read"),
    (AGENT, "self", "anon_inode", "create getattr read write append map open ioctl lock"),
    (AGENT, "self", "io_uring", "sqpoll override_creds"),
    (AGENT, "filesystem_type", "filesystem", "getattr"),
    ("{ file_type avakill_label }", "filesystem_type", "filesystem", "associate"),
    (AGENT, "self", "unix_stream_socket", SOCKET),
    (AGENT, "self", "unix_dgram_socket", SOCKET),
    (AGENT, "self", "netlink_route_socket", SOCKET),
    (AGENT, "self", "netlink_kobject_uevent_socket", SOCKET),
    (AGENT, "self", "netlink_generic_socket", SOCKET),
    (AGENT, "self", "netlink_route_socket", "nlmsg_read"),
    (AGENT, PROCESSES, "unix_stream_socket", "connectto read write getattr getopt"),
    (AGENT, PROCESSES, "unix_dgram_socket", "sendto"),
    (AGENT, "self", "sem", IPC),
    (AGENT, "self", "shm", f"{IPC} lock"),
    (AGENT, "self", "msgq", f"{IPC} enqueue"),
    (AGENT, "self", "key", "view read write search link setattr create"),
)
"""To be entered from a login shell, to have children, pipes, terminals of others, `/proc/PID` of others, unix sockets, IPC."""

INTERNET = ("tcp", "udp", "rawip", "icmp", "sctp", "dccp")
NETWORK = frozenset(
    {
        *((AGENT, "self", f"{kind}_socket", frozenset(SOCKET.split())) for kind in INTERNET),
        *((AGENT, "node_type", f"{kind}_socket", frozenset({"node_bind"})) for kind in INTERNET),
        *((AGENT, "port_type", f"{kind}_socket", frozenset({"name_bind"})) for kind in INTERNET),
        *((AGENT, "port_type", f"{kind}_socket", frozenset({"name_connect"})) for kind in ("tcp", "sctp", "dccp")),
        (AGENT, "unlabeled_t", "packet", frozenset({"send", "recv"})),
        (AGENT, "unlabeled_t", "peer", frozenset({"recv"})),
        (AGENT, "netlabel_peer_t", "peer", frozenset({"recv"})),
    }
)
"""Where no rule is about the network, or the rest of it where one is."""

ALWAYS = {
    "file": "getattr ioctl lock map execute link",
    "dir": "getattr search ioctl lock write remove_name",
    "lnk_file": "getattr read link",
    "sock_file": "getattr read write append open ioctl lock link",
    "fifo_file": "getattr ioctl lock map link",
    "chr_file": "getattr link",
    "blk_file": "getattr link",
}
"""What is no effect of semantics §2 of an object of the class: stat, locks, mapping, a second name (kept by the label)."""

BEHIND = "open read write append ioctl lock map"
"""What is asked of the device itself: a label that is no device's leaves nothing of it, for the agent may have made the node."""
READING = {"file": "open read", "dir": "open read", "fifo_file": "open read"}
WRITING = dict.fromkeys(("file", "fifo_file"), "open write append")
ATTRIBUTES = dict.fromkeys(ALWAYS, "setattr")
DELETING = {kind: "rename reparent rmdir" if kind == "dir" else "unlink rename" for kind in ALWAYS}
CREATING = {kind: "add_name create" if kind == "dir" else "create" for kind in ALWAYS}
STARTING = {"file": "execute_no_trans entrypoint"}
TELLTALE = (
    ("read", READING),
    ("write", WRITING),
    ("setattr", ATTRIBUTES),
    ("unlink", DELETING),
    ("create", CREATING),
    ("execute_no_trans", STARTING),
)
"""A label is asked what it leaves of files, which the laws hold against the policy; every class must leave the same."""

TERMINALS = ("devpts_t", "user_devpts_t")
DEVICES = ("null_device_t", "zero_device_t", "random_device_t", "urandom_device_t", "devtty_t", "ptmx_t")
OF_DEVICES = frozenset(["getattr", "ioctl", "lock", "map", "link", "open", "read", "write", "append"])
TERMINALS_DIRECTORY = frozenset(["getattr", "search", "ioctl", "lock", "write", "remove_name", "open", "read"])
"""The runtime floor (semantics §6), where something else is closed by default."""

Rule = tuple[str, str, str, frozenset[str]]
BASE = "{ file_type -avakill_label -proc_kcore_t }"
PROC = {
    "dir": (frozenset({"getattr", "search"}), frozenset({"getattr", "search", "open", "read"})),
    "file": (
        frozenset({"getattr"}),
        frozenset({"getattr", "open"}),
        frozenset({"getattr", "open", "read"}),
        frozenset({"write", "append"}),
    ),
}
"""As far as nothing is refused everywhere."""
OTHER_DOMAINS = "{ domain -avakill_agent_t }"
OTHERS = {
    "file": "getattr open read map execute execute_no_trans entrypoint ioctl lock",
    "dir": "getattr search open read ioctl lock",
    "lnk_file": "getattr read",
}
"""What every other domain keeps of an object that was given a label of ours."""


DEVICE_LABELS = (
    *(
        f"/dev/{name}\\z()\t-c\tsystem_u:object_r:{kind}:s0"
        for name, kind in (
            ("null", "null_device_t"),
            ("zero", "zero_device_t"),
            ("full", "null_device_t"),
            ("random", "random_device_t"),
            ("urandom", "urandom_device_t"),
            ("tty", "devtty_t"),
            ("ptmx", "ptmx_t"),
        )
    ),
    "/dev/pts(/.*)?\\z\t<<none>>",
)
"""The floor keeps the labels of the system, where a pattern could give it others."""


def complaints(te: str, fc: str) -> list[str]:
    module = read_module(te)
    rules = _rules(te)
    needs = {(source, target, kind, frozenset(words.split())) for source, target, kind, words in NEEDS}
    found = [f"a process needs {rule}" for rule in sorted(map(str, needs - rules))]
    found += _entered(te, module)
    found += _required(te)
    found += [] if "\nmodule avakill 1.0;\n" in te else ["no module"]
    if "\n/dev/" in fc:
        found += [f"not labelled: {line}" for line in DEVICE_LABELS if line not in fc.splitlines()]
    if not any(target.startswith("{ device_node -memory_device_t ") for _, target, _, _ in rules):
        found.append("devices are not as the policy has them, or raw memory is among them")
    given = {(target, kind) for source, target, kind, _ in rules if source == AGENT}
    if ("device_node", "blk_file") not in given:
        found.append("disks have no names")
    if any(target in DEVICES for target, _ in given):
        wanted = {(name, "chr_file") for name in (*DEVICES, *TERMINALS)} | {("devpts_t", "dir")}
        found += [f"the floor needs {name}" for name in sorted(map(str, wanted - given))]
    labels = set(re.findall(r"^type (avakill_\w+);", te, re.M)) - {AGENT}
    found += [f"no rule for {label}:{kind}" for label in sorted(labels) for kind in ALWAYS if (label, kind) not in given]
    found += [f"no rule for {BASE}:{kind}" for kind in ALWAYS if (BASE, kind) not in given]
    for label in sorted({target for source, target, _, _ in rules if source == OTHER_DOMAINS}):
        found += [f"other domains lose {label}:{kind}" for kind in OTHERS if (OTHER_DOMAINS, label, kind) not in _keys(rules)]
    known = needs | NETWORK
    for rule in sorted(rules - known, key=str):
        found += _of_a_label(rule, rules)
    if any(kind == "tcp_socket" and "connect" in words and target == "self" for _, target, kind, words in rules):
        found += [f"the network needs {rule}" for rule in sorted(map(str, NETWORK - rules))]
    return found


def _keys(rules: frozenset[Rule]) -> set[tuple[str, str, str]]:
    return {(source, target, kind) for source, target, kind, _ in rules}


def _rules(te: str) -> frozenset[Rule]:
    body = "\n".join(line.split("#", 1)[0] for line in te.split("}\n\n", 1)[1].splitlines())
    return frozenset(
        (match["source"], match["target"], kind, frozenset(match["perms"].strip("{} ").split()))
        for match in STATEMENT.finditer(body)
        if match["source"]
        for kind in match["kind"].strip("{} ").split()
    )


def _entered(te: str, module: Module) -> Iterator[str]:
    """Types are declared and have the attributes that other rules of the system go by."""
    if "\nrole unconfined_r types avakill_agent_t;\n" not in te:
        yield "no role may enter the domain"
    if module.attributes.get(AGENT):
        yield "the agent has an attribute, and what the base policy lets its types do"
    for name in set(re.findall(r"\bavakill_\w+_t\b", te)) - {AGENT}:
        if not {"file_type", "avakill_label"} <= module.attributes.get(name, set()):
            yield f"{name} is no file type of ours"


def _of_a_label(rule: Rule, rules: frozenset[Rule]) -> Iterator[str]:
    source, target, kind, words = rule
    if source == OTHER_DOMAINS:
        if words != frozenset(OTHERS.get(kind, "").split()):
            yield f"other domains keep something else: {rule}"
        return
    if source != AGENT:
        yield f"a rule for another: {rule}"
        return
    if target in DEVICES or target in TERMINALS:
        if words != {"dir": TERMINALS_DIRECTORY, "chr_file": OF_DEVICES}[kind]:
            yield f"a device of the floor is given something else: {rule}"
        return
    if target in (PROCESSES, "self") and kind in PROC:
        if words not in PROC[kind]:
            yield f"`/proc/PID` is given something else: {rule}"
        return
    if kind not in ALWAYS:
        return  # of the network, when a rule is about it: the laws hold it
    of_files = next((w for s, t, k, w in rules if s == source and k == "file" and t == target), None)
    if of_files is None:
        of_files = next((w for s, t, k, w in rules if s == source and k == "file" and t == BASE), frozenset())
    expected = set(ALWAYS[kind].split())
    as_pipe = kind == "chr_file" and not words.isdisjoint(BEHIND.split())
    for word, table in TELLTALE:
        if word in of_files:
            expected |= set(table.get("fifo_file" if as_pipe else kind, "").split())
    if as_pipe:
        expected |= set(ALWAYS["fifo_file"].split())
    if words != expected:
        yield f"{target}:{kind} differs by {sorted(words ^ expected)} from what its files leave"


def _required(te: str) -> Iterator[str]:
    """checkmodule refuses what is neither declared nor required."""
    block, body = te.split("}\n\n", 1)
    classes: dict[str, set[str]] = {}
    for match in re.finditer(r"^  class (\w+) (?:\{([^}]*)\}|(\w+));", block, re.M):
        classes.setdefault(match[1], set()).update((match[2] or match[3]).split())
    names = set(re.findall(r"\b(?!class\b)\w+", re.sub(r"class [^;]*;", "", block.split("require {", 1)[1])))
    names |= set(re.findall(r"^(?:attribute|type) (\w+);", body, re.M))
    for source, target, kind, words in _rules(te):
        if not words <= classes.get(kind, set()):
            yield f"not required: {kind} {sorted(words - classes.get(kind, set()))}"
        for word in re.findall(r"[\w]+", f"{source} {target}"):
            if word != "self" and word not in names:
                yield f"neither declared nor required: {word}"
    for name in re.findall(r"^(?:typeattribute|type_transition|role) (.*);", body, re.M):
        for word in re.findall(r"\b\w+_[tr]\b", name):
            if word not in names:
                yield f"neither declared nor required: {word}"
