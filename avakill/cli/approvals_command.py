"""`avakill approvals`: a person's word on the calls that wait for one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avakill.cli.common import Reporter, diagnostics_option, echo, error
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.approvals.store import ApprovalStore
    from avakill.approvals.words import Approval

F = TypeVar("F", bound=Callable[..., Any])
PLACE = "~/.avakill/approvals.db"
SECOND = 10**9


def _common_options(function: F) -> F:
    for option in (
        click.option("--db", "place", type=click.Path(), default=PLACE, show_default=True, help="the store of approvals"),
        click.option("--json", "as_json", is_flag=True, help="everything as JSON on standard output"),
        diagnostics_option,
    ):
        function = option(function)
    return function


_approver = click.option("--approver", default="cli-user", show_default=True, help="who decides, for the record")


@click.group("approvals")
def command() -> None:
    """Decide on calls that a rule with `require_approval` holds back.

    A yes is for one call with exactly these arguments. Exit status 1: no such approval, or no store.
    """


@command.command("list")
@_common_options
def list_pending(place: str, as_json: bool, style: str) -> None:
    """Show the calls that wait, newest first."""
    with _opened(place, Reporter(style)) as store:
        waiting = store.pending()
    if as_json:
        click.echo(json.dumps([_as_json(approval) for approval in waiting], indent=2))
    elif waiting:
        echo(_listing(waiting, time.time_ns()))
    else:
        echo("no call waits for approval")


@command.command("grant")
@click.argument("id")
@_approver
@_common_options
def grant(id: str, approver: str, place: str, as_json: bool, style: str) -> None:
    """Let one call run once. ID may be the beginning of an id."""
    with _opened(place, Reporter(style)) as store:
        _tell(store.grant(id, approver), as_json)


@command.command("reject")
@click.argument("id")
@_approver
@_common_options
def reject(id: str, approver: str, place: str, as_json: bool, style: str) -> None:
    """Deny one call until it expires. ID may be the beginning of an id."""
    with _opened(place, Reporter(style)) as store:
        _tell(store.reject(id, approver), as_json)


@contextmanager
def _opened(place: str, reporter: Reporter) -> Iterator[ApprovalStore]:
    """The store, if there is one; what goes wrong with it ends the program with a diagnostic."""
    from avakill.approvals.store import ApprovalStore
    from avakill.approvals.words import ApprovalsUnavailable, Settled

    path = os.path.expanduser(place)
    if not os.path.lexists(path):
        told = "a guard makes it when the first call waits for approval; `--db` names another"
        reporter.fail(error(codes.NO_APPROVALS, f"there is no store of approvals at `{path}`", told))
    store = ApprovalStore(path)
    try:
        yield store
    except KeyError as fault:
        reporter.fail(error(codes.UNKNOWN_APPROVAL, str(fault.args[0]), "`avakill approvals list` shows the calls that wait"))
    except Settled as fault:
        told = "the agent has to make the call again; then it waits under a new id"
        reporter.fail(error(codes.SETTLED_APPROVAL, f"{fault} already", told))
    except ApprovalsUnavailable as fault:
        reporter.fail(error(codes.BROKEN_APPROVALS, str(fault)))
    finally:
        store.close()


def _tell(approval: Approval, as_json: bool) -> None:
    from avakill.cli.text import escape

    if as_json:
        click.echo(json.dumps(_as_json(approval), indent=2))
    else:
        echo(f"{approval.status}: {approval.id} ({escape(approval.tool)}, by {escape(approval.by or '')})")


def _listing(waiting: tuple[Approval, ...], now: int) -> str:
    """A table, and below it each call whole: what a terminal's width cuts off may be what matters."""
    from avakill.approvals.shown import shown
    from avakill.cli.text import table

    head = ("id", "expires in", "tool", "agent", "rule")
    rows = [(one.id, _left(one, now), *(shown(text or "–", 40) for text in (one.tool, one.agent, one.rule))) for one in waiting]
    return "\n\n".join((table(head, rows), *map(_block, waiting)))


def _left(approval: Approval, now: int) -> str:
    seconds = (approval.expires_at - now) // SECOND
    return f"{seconds // 60} min" if seconds >= 60 else f"{max(seconds, 0)} s"


def _block(approval: Approval) -> str:
    from avakill.approvals.shown import shown

    lines = {"reason": approval.reason, "session": approval.session, "in": approval.cwd, "arguments": approval.arguments}
    told = (f"  {name}: {shown(text)}" for name, text in lines.items() if text)
    return "\n".join((f"{approval.id} {shown(approval.tool, 200)}", *told))


def _as_json(approval: Approval) -> dict[str, object]:
    return {
        "id": approval.id,
        "status": str(approval.status),
        "tool": approval.tool,
        "arguments": json.loads(approval.arguments) if approval.arguments else None,
        "agent_id": approval.agent,
        "session_id": approval.session,
        "cwd": approval.cwd,
        "policy": approval.rule,
        "reason": approval.reason,
        "policy_sha256": approval.policy,
        "asked_at": _iso(approval.asked_at),
        "expires_at": _iso(approval.expires_at),
        "approved_by": approval.by,
    }


def _iso(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at // SECOND, UTC).isoformat()
