"""The calls that wait for a person, in one SQLite file that all processes of a user share."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from avakill.approvals.call import MAX_NAME, canonical, check_names, digest
from avakill.approvals.words import Approval, ApprovalsUnavailable, Asked, Settled, Status
from avakill.database import Database, files_of

DEFAULT_PATH = "~/.avakill/approvals.db"
TTL_S = 3600
MAX_TTL_S = 30 * 24 * 3600
MAX_PENDING = 100
HISTORY = 1000
TIMEOUT_S = 2.0
SECOND = 10**9
LATEST = 2**63 - 1
_LEAST_PREFIX = 4

# The other product's table is called `approvals`. One live row for a call, whatever else goes wrong.
_SCHEMA = """
CREATE TABLE asked(number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, tool_name TEXT NOT NULL,
    tool_args TEXT NOT NULL, agent TEXT, session TEXT, cwd TEXT, decision_policy TEXT, decision_reason TEXT NOT NULL,
    policy TEXT NOT NULL, timestamp INTEGER NOT NULL, expires_at INTEGER NOT NULL, status TEXT NOT NULL, approved_by TEXT);
CREATE UNIQUE INDEX live ON asked(digest) WHERE status IN ('pending', 'approved', 'denied')
"""
_FIELDS = (
    "id, tool_name, tool_args, agent, session, cwd, decision_policy, decision_reason, policy,"
    " timestamp, expires_at, status, approved_by"
)
_LIVE = "status IN ('pending', 'approved', 'denied')"
# Also where the clock was set back by more than a lifetime: else an approval could wait for the same hour of last year.
_OVER = "(expires_at <= :now OR timestamp - (expires_at - timestamp) >= :now)"


class ApprovalStore:
    """An approval is for one call with exactly these arguments, by this agent, under this rule, policy and directory.

    It is used up by the first that asks, also where that process is then killed: at most once. Times are nanoseconds of
    `clock`; every method takes another `now_ns`. Any fault is an ApprovalsUnavailable.
    """

    def __init__(
        self,
        path: str | Path = DEFAULT_PATH,
        *,
        clock: Callable[[], int] = time.time_ns,
        max_pending: int = MAX_PENDING,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._clock, self._max_pending = clock, max_pending
        self.protected_paths = files_of(path)
        self._database = Database(path, _SCHEMA, 1, timeout_s, ApprovalsUnavailable, wipes=True)

    # -- the guard's side --

    def ask(
        self,
        tool: str,
        arguments_json: str,
        agent: str | None,
        session: str | None,
        rule: str | None,
        reason: str,
        ttl_s: int = TTL_S,
        now_ns: int | None = None,
        *,
        policy: str = "",
        cwd: str | None = None,
    ) -> Asked:
        """Use the approval of this call where there is one, or tell that it waits or was denied, or begin to wait.

        `policy` is the digest of the policy's bytes. `session` is shown and does not count.
        """
        arguments = canonical(arguments_json)
        mark = digest(tool, arguments, agent, cwd, rule, policy)
        check_names(session, reason)
        if not 0 < ttl_s <= MAX_TTL_S:
            raise ApprovalsUnavailable(f"{ttl_s} seconds are no time to decide")
        with self._database.transaction() as connection:
            now = self._now(now_ns)
            _expire(connection, now)
            row = connection.execute(f"SELECT id, status FROM asked WHERE digest = ? AND {_LIVE}", (mark,)).fetchone()
            if row is None:
                new = Approval(
                    _new_id(),
                    tool,
                    arguments,
                    agent,
                    session,
                    cwd,
                    rule,
                    reason[:MAX_NAME],
                    policy,
                    now,
                    now + ttl_s * SECOND,
                    Status.PENDING,
                )
                self._add(connection, new, mark)
                return Asked(new.id, Status.PENDING)
            found, status = row[0], Status(row[1])
            if status is Status.APPROVED:
                connection.execute("UPDATE asked SET status = 'used', tool_args = '' WHERE id = ?", (found,))
            return Asked(found, status)

    def _add(self, connection: sqlite3.Connection, new: Approval, mark: str) -> None:
        (waiting,) = connection.execute("SELECT count(*) FROM asked WHERE status = 'pending'").fetchone()
        if waiting >= self._max_pending:
            raise ApprovalsUnavailable(f"{waiting} calls wait for approval already")
        values = (new.id, new.tool, new.arguments, new.agent, new.session, new.cwd, new.rule, new.reason, new.policy)
        connection.execute(
            f"INSERT INTO asked(digest, {_FIELDS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (mark, *values, new.asked_at, new.expires_at, new.status, None),
        )
        connection.execute(
            f"DELETE FROM asked WHERE NOT {_LIVE} AND number <= (SELECT number FROM asked WHERE NOT {_LIVE}"
            " ORDER BY number DESC LIMIT 1 OFFSET ?)",
            (HISTORY,),
        )

    # -- the person's side --

    def grant(self, id_or_prefix: str, approver: str, now_ns: int | None = None) -> Approval:
        """Approve one pending call. Raises KeyError (unknown, ambiguous) and Settled."""
        return self._decide(id_or_prefix, approver, Status.APPROVED, now_ns)

    def reject(self, id_or_prefix: str, approver: str, now_ns: int | None = None) -> Approval:
        """Deny one pending call until it expires. Raises KeyError (unknown, ambiguous) and Settled."""
        return self._decide(id_or_prefix, approver, Status.DENIED, now_ns)

    def _decide(self, id_or_prefix: str, approver: str, status: Status, now_ns: int | None) -> Approval:
        with self._database.transaction() as connection:
            now = self._now(now_ns)
            found = _get(connection, _resolve(connection, id_or_prefix), now)
            if found is None or found.status is not Status.PENDING:
                raise Settled(found) if found else KeyError(id_or_prefix)
            kept = found.arguments if status is Status.APPROVED else ""
            connection.execute(
                "UPDATE asked SET status = ?, approved_by = ?, tool_args = ? WHERE id = ?", (status, approver, kept, found.id)
            )
            told = _get(connection, found.id, now)
            assert told is not None
            return told

    def get(self, id: str, now_ns: int | None = None) -> Approval | None:
        """The approval with this whole id."""
        with self._database.transaction() as connection:
            return _get(connection, id, self._now(now_ns))

    def pending(self, now_ns: int | None = None) -> tuple[Approval, ...]:
        """What waits for a person, newest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(
                f"SELECT {_FIELDS} FROM asked WHERE status = 'pending' AND NOT {_OVER} ORDER BY number DESC", {"now": self._now(now_ns)}
            )
            return tuple(map(_approval, rows))

    def resolve_id(self, prefix: str) -> str:
        """The one id that begins so. Raises KeyError: none, several, or under four characters."""
        with self._database.transaction() as connection:
            return _resolve(connection, prefix)

    def cleanup_expired(self, now_ns: int | None = None) -> int:
        """Mark what was not decided or used in time; how many that were."""
        with self._database.transaction() as connection:
            return _expire(connection, self._now(now_ns))

    def close(self) -> None:
        self._database.close()

    def _now(self, now_ns: int | None) -> int:
        """Read inside a transaction, so that what another process has just written is not of the future."""
        now = self._clock() if now_ns is None else now_ns
        if not 0 <= now <= LATEST - MAX_TTL_S * SECOND:
            raise ApprovalsUnavailable(f"the clock says {now} ns, which is no time")
        return now


def _new_id() -> str:
    return secrets.token_hex(8)


def _expire(connection: sqlite3.Connection, now: int) -> int:
    return connection.execute(f"UPDATE asked SET status = 'expired', tool_args = '' WHERE {_LIVE} AND {_OVER}", {"now": now}).rowcount


def _get(connection: sqlite3.Connection, id: str, now: int) -> Approval | None:
    fields = _FIELDS.replace("status", f"CASE WHEN {_LIVE} AND {_OVER} THEN 'expired' ELSE status END")
    row = connection.execute(f"SELECT {fields} FROM asked WHERE id = :id", {"id": id, "now": now}).fetchone()
    return None if row is None else _approval(row)


def _resolve(connection: sqlite3.Connection, prefix: str) -> str:
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        raise KeyError(f"`{prefix}` is no id of an approval")
    if len(prefix) < _LEAST_PREFIX:
        raise KeyError(f"`{prefix}` is too short: give at least {_LEAST_PREFIX} characters")
    rows = connection.execute("SELECT id FROM asked WHERE substr(id, 1, ?) = ? LIMIT 2", (len(prefix), prefix)).fetchall()
    if len(rows) != 1:
        raise KeyError(f"several approvals begin with `{prefix}`" if rows else f"there is no approval `{prefix}`")
    (id,) = rows[0]
    return str(id)


def _approval(row: tuple[object, ...]) -> Approval:
    id, tool, arguments, agent, session, cwd, rule, reason, policy, asked_at, expires_at, status, by = row
    texts = (id, tool, arguments, reason, policy, status)
    if not all(isinstance(text, str) for text in texts) or not isinstance(asked_at, int) or not isinstance(expires_at, int):
        raise ValueError("a row that this program has not written")
    return Approval(
        str(id), str(tool), str(arguments), _text(agent), _text(session), _text(cwd), _text(rule), str(reason), str(policy),
        asked_at, expires_at, Status(str(status)), _text(by),
    )  # fmt: skip


def _text(value: object) -> str | None:
    return None if value is None else str(value)
