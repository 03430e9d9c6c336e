"""Class → permission tables of the agent's domain: what each effect takes away, and what nothing takes away.

Linux 6.12 `security/selinux/hooks.c`: opening asks `open` with `read` or `write`/`append`, execve asks `execute`, `open` and
`read` as well as `execute_no_trans`, chmod, chown, utimes, setxattr and file flags ask `setattr`; a new name asks `add_name` on the
directory and `create` on the object, and a name that goes asks `unlink`, `rmdir` or `rename` on the object. Names are those of Debian's
policy; `watch*`, `relabelfrom`, `relabelto`, `mounton`, `quotaon` are left out for every label.
"""

from __future__ import annotations

from avakill.backends.selinux.model import Closed

R, W, A, D, X, C = Closed.READ, Closed.WRITE, Closed.ATTR, Closed.DELETE, Closed.EXEC, Closed.CREATE

# (permission, it goes when all of these are closed); NOTHING stays always.
Table = tuple[tuple[str, int], ...]
KEPT = Closed.NOTHING

FILE: Table = (
    ("getattr", KEPT),
    ("ioctl", KEPT),
    ("lock", KEPT),
    ("map", KEPT),
    ("execute", KEPT),  # mapping with PROT_EXEC asks it too, and that is not EXEC
    ("link", KEPT),
    ("open", R | W),
    ("read", R),
    ("write", W),
    ("append", W),
    ("setattr", A),
    ("unlink", D),
    ("rename", D),
    ("execute_no_trans", X),
    ("entrypoint", X),
    ("create", C),
)
DIR: Table = (
    ("getattr", KEPT),
    ("search", KEPT),
    ("ioctl", KEPT),
    ("lock", KEPT),
    ("write", KEPT),  # any change of names asks it; which change is told by the others
    ("remove_name", KEPT),  # who may go is told by the object
    ("open", R),
    ("read", R),
    ("setattr", A),
    ("rename", D),
    ("reparent", D),
    ("rmdir", D),
    ("add_name", C),
    ("create", C),
)
LINK: Table = (
    ("getattr", KEPT),
    ("read", KEPT),
    ("link", KEPT),
    ("setattr", A),
    ("unlink", D),
    ("rename", D),
    ("create", C),
)
SOCKET: Table = (  # connecting to a unix socket asks `write` and is no effect
    ("getattr", KEPT),
    ("read", KEPT),
    ("write", KEPT),
    ("append", KEPT),
    ("open", KEPT),
    ("ioctl", KEPT),
    ("lock", KEPT),
    ("link", KEPT),
    ("setattr", A),
    ("unlink", D),
    ("rename", D),
    ("create", C),
)
PIPE: Table = (
    ("getattr", KEPT),
    ("ioctl", KEPT),
    ("lock", KEPT),
    ("map", KEPT),
    ("link", KEPT),
    ("open", R | W),
    ("read", R),
    ("write", W),
    ("append", W),
    ("setattr", A),
    ("unlink", D),
    ("rename", D),
    ("create", C),
)
NODE: Table = (  # a device as a name, without what is behind it: who makes a node chooses what it stands for
    ("getattr", KEPT),
    ("link", KEPT),
    ("setattr", A),
    ("unlink", D),
    ("rename", D),
    ("create", C),
)

TABLES: tuple[tuple[str, Table], ...] = (
    ("file", FILE),
    ("dir", DIR),
    ("lnk_file", LINK),
    ("sock_file", SOCKET),
    ("fifo_file", PIPE),
)
NODES: tuple[tuple[str, Table], ...] = (("chr_file", NODE), ("blk_file", NODE))
ON_DEVICES: tuple[tuple[str, Table], ...] = (("chr_file", PIPE), ("blk_file", NODE))

PROC: tuple[tuple[str, Table], ...] = (
    ("dir", (("getattr", KEPT), ("search", KEPT), ("open", R), ("read", R))),
    ("file", (("getattr", KEPT), ("open", R | W), ("read", R))),
    ("lnk_file", (("getattr", KEPT), ("read", KEPT))),
)
"""`/proc/PID`: its objects bear the type of their process."""
OWN_PROC: Table = (("write", W), ("append", W))

READABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("file", ("getattr", "open", "read", "map", "execute", "execute_no_trans", "entrypoint", "ioctl", "lock")),
    ("dir", ("getattr", "search", "open", "read", "ioctl", "lock")),
    ("lnk_file", ("getattr", "read")),
)
"""What every other domain keeps on an object that had to be relabelled only because all else is closed to the agent."""


def granted(table: Table, closed: int) -> tuple[str, ...]:
    """The permissions that a label which refuses `closed` leaves."""
    return tuple(name for name, taken in table if not taken or (taken & closed) != taken)


SOCKET_PERMISSIONS = (
    "create",
    "read",
    "write",
    "getattr",
    "setattr",
    "ioctl",
    "lock",
    "append",
    "bind",
    "connect",
    "listen",
    "accept",
    "getopt",
    "setopt",
    "shutdown",
)
LOCAL_SOCKETS = (
    "unix_stream_socket",
    "unix_dgram_socket",
    "netlink_route_socket",
    "netlink_kobject_uevent_socket",
    "netlink_generic_socket",
)
INTERNET_SOCKETS = ("tcp_socket", "udp_socket", "rawip_socket", "icmp_socket", "sctp_socket", "dccp_socket")
"""IPv4 and IPv6; any other family (packet, vsock, bluetooth …) is never granted."""

CAPABILITIES = (
    *("audit_write", "chown", "dac_override", "dac_read_search", "fowner", "fsetid", "ipc_lock", "ipc_owner", "kill", "lease"),
    *("linux_immutable", "mknod", "net_bind_service", "net_broadcast", "net_raw", "setfcap", "setgid", "setpcap", "setuid"),
    *("sys_chroot", "sys_nice", "sys_resource", "sys_tty_config"),
)
"""What `unconfined_t` has of root's privileges, so that an agent of root's loses nothing that no rule denies (measured: without
`chown` root's chown of `/srv` was refused, without `net_raw` and `mknod` a raw socket and a device node). Types are asked too."""
WITHHELD = (*("audit_control", "net_admin", "sys_admin", "sys_boot", "sys_module", "sys_pacct", "sys_ptrace", "sys_rawio", "sys_time"),)
"""What `unconfined_t` has beside: ways past the policy, or no operation of any effect but `trusted.` attributes (sys_admin)."""

ANON = ("create", "getattr", "read", "write", "append", "map", "open", "ioctl", "lock")
"""`io_uring` and `userfaultfd` are files without a name (`inode_init_security_anon`); what they open is asked by its own label."""

SELF_PROCESS = (
    "fork",
    "sigchld",
    "sigkill",
    "sigstop",
    "signull",
    "signal",
    "getsched",
    "setsched",
    "getsession",
    "getpgid",
    "setpgid",
    "getcap",
    "getattr",
    "getrlimit",
    "setrlimit",
    "execmem",
)

BY_OTHERS = (
    *("siginh", "rlimitinh", "noatsecure", "sigchld", "signal", "sigkill", "sigstop", "signull", "ptrace"),
    *("getattr", "getcap", "getpgid", "getrlimit", "getsched", "getsession", "setpgid", "setrlimit", "setsched"),
)
"""What an unconfined process may do to the agent's, as to any other."""
