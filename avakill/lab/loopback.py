"""A network namespace in which every address is this machine's: a destination is reached when it refuses the connection."""

from __future__ import annotations

import fcntl
import socket
import struct

SIOCSIFFLAGS = 0x8914
IFF_UP = 1
RTM_NEWROUTE = 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL = 255, 3, 254, 2
RTA_OIF = 4
LOOPBACK = 1


def set_up() -> None:
    """In a fresh namespace: `ip link set lo up; ip route add local default dev lo`, and the same for IPv6."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    for family in (socket.AF_INET, socket.AF_INET6):
        _everything_is_local(family)


def _everything_is_local(family: int) -> None:
    route = struct.pack("=BBBBBBBBI", family, 0, 0, 0, RT_TABLE_LOCAL, RTPROT_BOOT, RT_SCOPE_HOST, RTN_LOCAL, 0)
    body = route + struct.pack("=HHI", 8, RTA_OIF, LOOPBACK)
    flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWROUTE, flags, 1, 0) + body)
        (error,) = struct.unpack_from("=i", kernel.recv(4096), 16)
    if error and family == socket.AF_INET:  # a kernel without IPv6 says so at each trial of one
        raise OSError(-error, "no route to everywhere")
