"""AppArmor 3.0: one profile without attachment, default `file,`, deny sets complemented around allow holes."""

from avakill.backends.apparmor.emit import NAME, emit
from avakill.backends.apparmor.lower import lower
from avakill.backends.apparmor.model import PROFILE, Profile
from avakill.backends.contract import Backend

BACKEND: Backend[Profile] = Backend(
    name="apparmor",
    title="AppArmor 3.0 profile",
    artifacts=(NAME,),
    system="linux",
    lower=lower,
    emit=emit,
    usage=(f"apparmor_parser -r {NAME}", f"aa-exec -p {PROFILE} -- COMMAND"),
    page="docs/backends/apparmor.md",
)
