"""A seccomp profile (OCI JSON) loaded into the current process, by libseccomp through `pyseccomp`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ACTIONS = ("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO")
OPERATORS = {"SCMP_CMP_EQ": "EQ", "SCMP_CMP_NE": "NE", "SCMP_CMP_MASKED_EQ": "MASKED_EQ"}


def missing() -> str | None:
    """Why seccomp cannot be loaded here; None where it can."""
    try:
        import pyseccomp  # noqa: F401
    except ImportError:
        return "the package `pyseccomp` is not installed (`pip install avakill[seccomp]`)"
    except (OSError, RuntimeError) as fault:
        return f"libseccomp is not there: {fault}"
    return None


def load(profile: Mapping[str, Any]) -> str | None:
    """Load the profile for this process and its children, for good. None when done, else why it was not.

    Sets no_new_privs (seccomp(2) asks for it without CAP_SYS_ADMIN). Syscalls that libseccomp does not know are left
    to the default action, as container runtimes do.
    """
    import pyseccomp

    try:
        rules = pyseccomp.SyscallFilter(_action(pyseccomp, profile["defaultAction"], profile.get("defaultErrnoRet", 1)))
        rules.set_attr(pyseccomp.Attr.CTL_NNP, 1)
        for name in profile.get("architectures", ()):
            _add_architecture(pyseccomp, rules, name)
        for entry in profile.get("syscalls", ()):
            _add_entry(pyseccomp, rules, entry)
        rules.load()
    except (OSError, ValueError, KeyError, RuntimeError) as fault:
        return f"{type(fault).__name__}: {fault}"
    return None


def _action(library: Any, name: str, errno: int) -> Any:
    if name not in ACTIONS:
        raise ValueError(f"action {name}")
    return library.ALLOW if name == "SCMP_ACT_ALLOW" else library.ERRNO(errno)


def _add_architecture(library: Any, rules: Any, name: str) -> None:
    arch = getattr(library.Arch, name.removeprefix("SCMP_ARCH_"))
    if arch != library.system_arch() and not rules.exist_arch(arch):
        rules.add_arch(arch)


def _add_entry(library: Any, rules: Any, entry: Mapping[str, Any]) -> None:
    action = _action(library, entry["action"], entry.get("errnoRet", 1))
    tests = [_test(library, test) for test in entry.get("args", ())]
    for name in entry["names"]:
        try:
            number = library.resolve_syscall(library.Arch.NATIVE, name)
        except (OSError, ValueError):
            continue
        if number == -1:
            continue
        try:
            rules.add_rule(action, name, *tests)
        except OSError as fault:
            # EACCES: the entry says what the default action says anyway; EDOM, EINVAL: not on this architecture
            if fault.errno not in (13, 22, 33):
                raise


def _test(library: Any, test: Mapping[str, Any]) -> Any:
    operator = getattr(library, OPERATORS[test["op"]])
    if operator == library.MASKED_EQ:
        return library.Arg(test["index"], operator, test["value"], test["valueTwo"])
    return library.Arg(test["index"], operator, test["value"])
