"""The words of approvals: what is asked, what became of it, and what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """PENDING becomes APPROVED or DENIED by a person; APPROVED becomes USED by one call; each of them but USED may EXPIRE."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Asked:
    """`approved`: this call may run, now and once. `pending` and `denied`: it may not."""

    id: str
    status: Status


@dataclass(frozen=True, slots=True)
class Approval:
    """One call that a person is asked about. Times are nanoseconds since the epoch.

    `arguments` is JSON; it is kept while the call waits or may be made, and empty afterwards. `by` is who decided.
    """

    id: str
    tool: str
    arguments: str
    agent: str | None
    session: str | None
    cwd: str | None
    rule: str | None
    reason: str
    policy: str
    asked_at: int
    expires_at: int
    status: Status
    by: str | None = None


class ApprovalsUnavailable(Exception):
    """Nobody can tell whether the call is approved; it must be denied."""


class Settled(Exception):
    """A person decides once, and in time: the approval is no longer pending."""

    def __init__(self, approval: Approval) -> None:
        super().__init__(f"`{approval.id}` is {approval.status}")
        self.approval = approval
