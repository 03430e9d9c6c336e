"""The layers that a prober can be put under, as callables for the process that is to become it."""

from __future__ import annotations

import json
from collections.abc import Callable

from avakill.backends.landlock.document import NotAPlan, read_document
from avakill.backends.landlock.expand import expand
from avakill.enforce import kernel, seccomp
from avakill.enforce import landlock as landlock_layer
from avakill.enforce.host import HostTree
from avakill.lab.words import Case, Confine, LabFault

LANDLOCK_PLAN = "landlock.json"
SECCOMP_PROFILE = "seccomp.json"
BUG = "this is a bug of the lab"


def nothing() -> None:
    """No layer."""


def landlock(case: Case) -> Confine:
    """The symbolic plan, expanded in the stage as `avakill enforce landlock` does on a host. Raises LabFault."""
    refusal = kernel.missing()
    if refusal is not None:
        raise LabFault(refusal.reason, refusal.help)
    try:
        model = read_document(case.file(LANDLOCK_PLAN).decode("utf-8"))
    except (NotAPlan, KeyError, UnicodeDecodeError) as error:
        raise LabFault(f"the case has no plan: {error}", BUG) from error
    import_before_the_root_is_gone()

    def put_on() -> None:
        refused = landlock_layer.apply(expand(model, HostTree(), kernel.abi()))
        if refused is not None:
            raise LabFault(refused.reason, refused.help)

    return put_on


def import_before_the_root_is_gone() -> None:
    """What `enforce.kernel` imports when it needs it: in the stage there are no modules to be found."""
    import landlock.plumbing  # noqa: F401


def seccomp_filter(case: Case) -> Confine:
    """The profile, loaded by libseccomp. Raises LabFault."""
    missing = seccomp.missing()
    if missing is not None:
        raise LabFault(missing)
    try:
        profile = json.loads(case.file(SECCOMP_PROFILE))
    except (KeyError, ValueError) as error:
        raise LabFault(f"the case has no profile: {error}", BUG) from error

    def put_on() -> None:
        failure = seccomp.load(profile)
        if failure is not None:
            raise LabFault(f"the seccomp profile could not be loaded: {failure}")

    return put_on


def apparmor(profile: str) -> Confine:
    """As `aa-exec -p PROFILE`: the loaded profile is entered at the next exec."""

    def put_on() -> None:
        _say_at_exec(f"exec {profile}", ("/proc/self/attr/apparmor/exec", "/proc/self/attr/exec"))

    return put_on


def selinux(context: str) -> Confine:
    """As `runcon CONTEXT`: the domain is entered at the next exec."""

    def put_on() -> None:
        _say_at_exec(context, ("/proc/self/attr/exec",))

    return put_on


def _say_at_exec(text: str, places: tuple[str, ...]) -> None:
    failure: OSError | None = None
    for place in places:
        try:
            with open(place, "wb", buffering=0) as attribute:
                attribute.write(text.encode("utf-8", "surrogateescape"))
        except FileNotFoundError as error:
            failure = error
        except OSError as error:
            raise LabFault(f"the layer refused `{text}`: {error.strerror}", "is it loaded?") from error
        else:
            return
    raise LabFault(f"the layer is not there: {failure}", "boot with it (the `lsm=` parameter)")


LAYERS: dict[str, Callable[[Case], Confine]] = {
    "none": lambda case: nothing,
    "landlock": landlock,
    "seccomp": seccomp_filter,
}
"""The layers of this machine; a guest's are put on with `apparmor` and `selinux`."""


def confine(case: Case) -> Confine:
    """Raises LabFault."""
    found = LAYERS.get(case.layer)
    if found is None:
        raise LabFault(f"the layer `{case.layer}` cannot be tried on this machine", "it needs a guest")
    return found(case)
