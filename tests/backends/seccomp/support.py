"""Small policies, and what the backend makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from avakill.backends.contract import Json, Lowering, Settings
from avakill.backends.plan import Options, Plan, Scope, make_plan
from avakill.backends.seccomp import BACKEND
from avakill.backends.seccomp.model import Model
from avakill.ir.condition import ALWAYS, CommandIn, Condition, Contains, Field, HostIn, PathIn
from avakill.ir.policy import Action, Policy, Rule, ToolEffect
from avakill.ir.target import Target
from avakill.ir.verdict import combine
from avakill.paths.glob import parse
from avakill.source.span import Span
from tests.oracles.seccomp import Profile

TARGET = Target()
ALL_FILES = ("file_*", "content_search", "shell_execute")
WEB = ("web_fetch", "web_search")
DENY, ALLOW = Action.DENY, Action.ALLOW


def paths(*texts: str) -> Condition:
    return PathIn(Field("path"), tuple(glob for text in texts for glob in parse(text)))


def hosts(*names: str) -> Condition:
    return HostIn(Field("host"), names)


def commands(*names: str) -> Condition:
    return CommandIn(names)


def on_command(text: str) -> Condition:
    return Contains(Field("command"), (text,))


def rules(*entries: tuple[tuple[str, ...], Action, Condition]) -> Policy:
    made = tuple(
        Rule(index, f"r{index}", tools, action, condition, span=Span("p.yaml", index + 3, 1, index + 3, 9))
        for index, (tools, action, condition) in enumerate(entries)
    )
    return Policy(made, Action.ALLOW, path="p.yaml", sha256="ab" * 32)


def planned(
    *entries: tuple[tuple[str, ...], Action, Condition],
    strict: bool = False,
    floor: bool = True,
    target: Target = TARGET,
    own: tuple[ToolEffect, ...] = (),
    scope: Scope = Scope.DENY_RULES,
) -> Plan:
    policy = rules(*entries)
    return make_plan(Policy(policy.rules, policy.default, own, policy.path, policy.sha256), target, Options(scope, strict, floor))


def lowered(plan: Plan, base: Json = None) -> Lowering[Model]:
    return BACKEND.lower(plan, Settings(base=base, base_name="default.json" if base is not None else ""))


def text_of(lowering: Lowering[Model]) -> str:
    return BACKEND.emit(lowering.model)[0].text


def profile(plan: Plan, base: Json = None, machine: str = "x86_64") -> Profile:
    return Profile(text_of(lowered(plan, base)), machine)


def verdict(plan: Plan, index: int = 0, base: Json = None) -> str:
    """What the report says of a row: the backend's findings and those of the plan."""
    found = (*plan.findings, *lowered(plan, base).findings)
    return str(combine(plan.row_by_index[index].effects, (f for f in found if f.index == index)))


def reasons(plan: Plan, index: int = 0) -> str:
    return " | ".join(finding.reason for finding in lowered(plan).findings if finding.index == index)


def always(tools: tuple[str, ...], action: Action = DENY) -> tuple[tuple[str, ...], Action, Condition]:
    return (tools, action, ALWAYS)


DOCKER: Mapping[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "defaultErrnoRet": 1,
    "archMap": [
        {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
        {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]},
    ],
    "syscalls": [
        {
            "names": [
                *("accept4", "bind", "brk", "chmod", "close", "connect", "execve", "execveat", "exit", "exit_group", "fallocate"),
                *("fchmod", "fchmodat", "fstat", "ftruncate", "getdents64", "ioctl", "link", "linkat", "listen", "mkdir"),
                *("mkdirat", "mmap", "mprotect", "open", "openat", "openat2", "read", "rename", "renameat2", "rmdir", "sendmsg"),
                *("sendto", "setxattr", "socketcall", "truncate", "unlink", "unlinkat", "utimensat", "write", "creat"),
                *("arch_prctl", "set_tid_address", "getuid", "geteuid", "getgid", "rt_sigaction", "rt_sigprocmask", "fcntl"),
                *("setuid", "setgid", "setgroups", "capset", "capget", "chdir", "prctl", "futex", "getppid", "epoll_ctl"),
                *("epoll_pwait", "epoll_create1", "eventfd2", "nanosleep", "clone", "getpid", "gettid", "tgkill", "sigaltstack"),
                *("newfstatat", "readlinkat", "pipe2", "dup3", "uname", "getcwd", "prlimit64", "madvise", "munmap", "stat"),
                *("close_range", "getrandom", "set_robust_list", "rseq", "rt_sigreturn", "sched_getaffinity", "wait4", "statfs"),
                *("epoll_wait", "fstatfs", "fchdir", "umask", "setsid", "access", "faccessat", "faccessat2", "lseek", "getpgrp"),
            ],
            "action": "SCMP_ACT_ALLOW",
        },
        {
            "names": ["socket"],
            "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}],
        },
        {
            "names": ["mount", "bpf", "fanotify_init"],
            "action": "SCMP_ACT_ALLOW",
            "includes": {"caps": ["CAP_SYS_ADMIN"]},
        },
        {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    ],
}
"""A profile in the shape of the runtimes' defaults: a list of what passes, conditions, capabilities."""
