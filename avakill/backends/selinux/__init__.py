"""SELinux: a loadable module for plain `checkmodule`, its file contexts, and the domain `avakill_agent_t`."""

from avakill.backends.contract import Backend
from avakill.backends.selinux.emit import emit
from avakill.backends.selinux.lower import lower
from avakill.backends.selinux.model import Model

BACKEND: Backend[Model] = Backend(
    name="selinux",
    title="SELinux module",
    artifacts=("avakill.te", "avakill.fc"),
    system="linux",
    lower=lower,
    emit=emit,
    usage=(
        "checkmodule -M -m -o avakill.mod avakill.te",
        "semodule_package -o avakill.pp -m avakill.mod -f avakill.fc",
        "semodule -i avakill.pp",
        "setfiles -F avakill.fc /            # labels what avakill.fc names and nothing else; again after any relabel",
        "runcon -t avakill_agent_t -l s0 COMMAND",
    ),
    page="docs/backends/selinux.md",
)
