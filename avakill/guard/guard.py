"""The guard: every call of an agent's tools is decided here, before it is made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock
from time import monotonic_ns, perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from avakill.enforce.cascade import discover
from avakill.enforce.here import find_workspace, guarded_paths
from avakill.enforce.resolver import DiskResolver
from avakill.evaluator.cascade import Judged, after_override, strictest
from avakill.evaluator.context import LEXICAL, Context
from avakill.evaluator.engine import Engine
from avakill.evaluator.explain import explain
from avakill.events.event import make_event
from avakill.events.record import Record
from avakill.events.ruling import Ruling
from avakill.guard.decision import Decision
from avakill.guard.errors import ConfigError, PolicyViolation, RateLimitExceeded
from avakill.guard.load import DENY_ALL, Loaded, PolicyStatus, find_policy, keys_of, load_data, load_file
from avakill.ir.names import canonical_tool
from avakill.ir.policy import Action, Policy, RateLimit
from avakill.ratelimit.key import limit_key

if TYPE_CHECKING:
    from avakill.guard.ports import Approver, Limiter, Trail
    from avakill.guard.session import GuardSession
    from avakill.guard.watcher import PolicyWatcher

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Level:
    """One policy in force; a guard without a cascade has one."""

    loaded: Loaded
    engine: Engine
    limits: dict[int, RateLimit]


@dataclass(frozen=True, slots=True)
class Force:
    """What is in force: swapped as a whole, so that no call is judged by a mixture. `only` is the level where there is one."""

    levels: tuple[Level, ...]
    only: Level | None
    is_signed: bool

    def rule(self, tool: object, args: object, agent: object, session: object, cwd: object) -> tuple[Ruling, ...]:
        """What each level says, the highest first."""
        return tuple(level.engine.rule(tool, args, agent, session, cwd) for level in self.levels)


class Guard:
    """Decides tool calls by one policy. Threads and tasks may share it.

    - `policy`: a path, a mapping as the YAML file would hold it, a compiled `Policy`, or None for `avakill.yaml` in the working
      directory, then the user's.
    - `logger`: where decisions are recorded (`avakill.audit.Trail`); None for nowhere.
    - `agent_id`: who asks where a call does not say.
    - `signing_key` (HMAC) or `verify_key` (Ed25519, 32 bytes): the file must be signed; without them the keys of
      AVAKILL_POLICY_KEY and AVAKILL_VERIFY_KEY count, in hexadecimal.
    - `self_protection`: False is for tests.
    - `rate_limit_backend`: whose budgets count; None is `~/.avakill/ratelimits.db`, opened with the first limited call.
    - `approval_store`: who can grant `require_approval`; None, and nobody can.
    - `resolve_paths`: False takes paths as they are written, for calls about another machine's files.
    - `cascade`: the policies of every level of this machine instead of one (docs/cascade.md); a call must pass each.
    - `hardened`: from now on no Python code of this process changes the policy, its signature, the hook configurations or the
      package (an audit hook, of C where it was built; there is no way back: docs/hardening.md).
    - `home`, `workspace`: what `~` and relative patterns mean; None is this process's.
    - `normalize_tools` is accepted and has no effect: names of known agents' tools always count under their canonical names.

    Raises ConfigError where there is no policy or it does not compile. With a key, a policy that cannot be verified
    raises nothing: the last known good one stands in, or everything is denied (`policy_status` says which).
    """

    def __init__(
        self,
        policy: str | os.PathLike[str] | Mapping[str, Any] | Policy | None = None,
        logger: Trail | None = None,
        agent_id: str | None = None,
        self_protection: bool = True,
        signing_key: bytes | None = None,
        verify_key: bytes | None = None,
        rate_limit_backend: Limiter | None = None,
        normalize_tools: bool = False,
        approval_store: Approver | None = None,
        *,
        resolve_paths: bool = True,
        home: str | None = None,
        workspace: str | None = None,
        hardened: bool = False,
        cascade: bool = False,
    ) -> None:
        self.agent_id = agent_id
        self.normalize_tools = normalize_tools
        self._trail = logger
        self._limiter = rate_limit_backend
        self._approver = approval_store
        self._self_protection = self_protection
        self._resolver = DiskResolver() if resolve_paths else LEXICAL
        self._home = os.path.abspath(home or os.path.expanduser("~"))
        self._workspace = workspace
        self._lock = RLock()
        self._watcher: PolicyWatcher | None = None
        self.log_failures = 0
        """How many decisions could not be recorded; each of those calls was denied."""
        if cascade and policy is not None:
            raise ConfigError("a cascade finds its policies itself: give `cascade=True` or a policy, not both")
        self._cascade = cascade
        self.policy_path: Path | None = None
        self._given: object = None
        if isinstance(policy, str | os.PathLike):
            self.policy_path = Path(policy).absolute()
        elif policy is not None:
            self._given = policy
        elif not cascade:
            self.policy_path = find_policy()
        self._keys = keys_of(signing_key, verify_key, os.environ)
        self._force = self._enforced(self._load())
        if hardened:
            self._harden()

    # -- deciding --

    def evaluate(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        agent_id: str | None = None,
        session_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        override: bool = False,
        cwd: str | None = None,
    ) -> Decision:
        """Decide one call. `override` is a person's word against a soft denial; `cwd` is where relative paths of the call
        start; `metadata` is for the caller's own use and decides nothing.

        Raises RateLimitExceeded, with the decision in it, where the budget of the rule is used up; `decide` returns that too.
        """
        began = perf_counter_ns()
        agent = agent_id if agent_id is not None else self.agent_id
        force = self._looked_at() if self._force.is_signed else self._force
        level = force.only
        if level is None:
            rulings = force.rule(tool, args, agent, session_id, cwd)
        else:
            ruling = level.engine.rule(tool, args, agent, session_id, cwd)
            if (
                self._trail is None
                and not ruling.overridable
                and ruling.action is not Action.REQUIRE_APPROVAL
                and ruling.rule not in level.limits
            ):
                return Decision(ruling, began, perf_counter_ns())
            rulings = (ruling,)
        decision = self._settled(force, rulings, began, tool, args, agent, session_id, override, cwd)
        if decision.retry_after is not None:
            raise RateLimitExceeded(str(tool), decision, decision.retry_after)
        return decision

    def decide(
        self,
        tool: str,
        args: Mapping[str, Any] | None = None,
        *,
        agent_id: str | None = None,
        session_id: str | None = None,
        override: bool = False,
        cwd: str | None = None,
    ) -> Decision:
        """As `evaluate`, and raises nothing: a call over its budget is a denial with `retry_after`."""
        began = perf_counter_ns()
        agent = agent_id if agent_id is not None else self.agent_id
        force = self._looked_at() if self._force.is_signed else self._force
        rulings = force.rule(tool, args, agent, session_id, cwd)
        return self._settled(force, rulings, began, tool, args, agent, session_id, override, cwd)

    def evaluate_or_raise(self, tool: str, args: Mapping[str, Any] | None = None, **more: Any) -> Decision:
        """As `evaluate`; raises PolicyViolation where the call is not allowed."""
        decision = self.evaluate(tool, args, **more)
        if not decision.allowed:
            raise PolicyViolation(str(tool), decision)
        return decision

    def explain(
        self, tool: str, args: Mapping[str, Any] | None = None, *, agent_id: str | None = None, session_id: str | None = None
    ) -> Decision:
        """What the policy says of a call and why no earlier rule decided; no budget is used, nobody asked, nothing recorded."""
        began = perf_counter_ns()
        event = make_event(tool, args, agent=agent_id if agent_id is not None else self.agent_id, session=session_id)
        rulings = tuple(explain(level.loaded.policy, event, level.engine.context) for level in self._force.levels)
        return Decision(strictest(rulings).ruling, began, perf_counter_ns())

    @contextmanager
    def session(self, agent_id: str | None = None, session_id: str | None = None) -> Iterator[GuardSession]:
        """Calls of one session: its names are given once."""
        from avakill.guard.session import GuardSession

        yield GuardSession(self, agent_id if agent_id is not None else self.agent_id, session_id or str(uuid4()))

    def _settled(
        self,
        force: Force,
        rulings: tuple[Ruling, ...],
        began: int,
        tool: object,
        args: Any,
        agent: str | None,
        session: str | None,
        override: bool,
        cwd: str | None,
    ) -> Decision:
        """What the world makes of a ruling: budgets, a person's word, approvals, the record."""
        judged = strictest(rulings)
        ruling, at = judged.ruling, judged.level
        retry: float | None = None
        approval: str | None = None
        if override and ruling.overridable:
            ruling, at = self._overridden(judged)
        for level, said in zip(force.levels, rulings, strict=True):
            limit = level.limits.get(said.rule) if said.rule is not None else None
            if limit is not None and ruling.action is not Action.DENY and said.action is not Action.DENY:
                ruling, retry = self._limited(ruling, said, limit, str(tool), agent, session, level.loaded)
        if ruling.action is Action.REQUIRE_APPROVAL:
            ruling, approval = self._asked(ruling, str(tool), args, agent, session, cwd, force.levels[at].loaded)
        event: str | None = None
        if self._trail is not None:
            ruling, event = self._recorded(self._trail, ruling, began, tool, args, agent, session, force.levels[at].loaded)
        return Decision(ruling, began, perf_counter_ns(), event, approval, retry)

    def _overridden(self, judged: Judged) -> tuple[Ruling, int]:
        """A person's word against every soft denial; what no person can override stays."""
        left = after_override(judged.rulings)
        ruling = judged.ruling if left is None else left.ruling
        reason = f"[override] {judged.ruling.reason}"
        if left is None or ruling.allowed:
            allowed = replace(ruling, action=Action.ALLOW, allowed=True, overridable=False, reason=reason)
            return allowed, judged.level if left is None else left.level
        return ruling, left.level

    def _limited(
        self, ruling: Ruling, said: Ruling, limit: RateLimit, tool: str, agent: str | None, session: str | None, loaded: Loaded
    ) -> tuple[Ruling, float | None]:
        """`said` is the ruling of the level whose budget it is."""
        assert said.rule is not None
        try:
            scope = str(loaded.path or "")
            key = limit_key(said.rule, said.rule_name or "", canonical_tool(tool, agent), agent, session, scope=scope)
            taken = self.limiter.take(key, limit.max_calls, limit.window * NANO, time_ns())
        except Exception as error:  # whatever a store of budgets raises: what cannot be counted is not allowed
            return _denied(said, f"the rate limit of rule `{said.rule_name}` cannot be kept: {_said(error)}"), None
        if taken.allowed:
            return ruling, None
        retry = taken.retry_after_ns / NANO
        reason = f"Rate limit exceeded: {limit.max_calls} calls per {_window(limit.window)}"
        return _denied(said, f"{reason}; the next one in {retry:.3g} s"), retry

    def _asked(
        self, ruling: Ruling, tool: str, args: Any, agent: str | None, session: str | None, cwd: str | None, loaded: Loaded
    ) -> tuple[Ruling, str | None]:
        if self._approver is None:
            return ruling, None
        try:
            claim = self._approver.ask(
                tool,
                json.dumps({} if args is None else args, ensure_ascii=True, allow_nan=False),
                agent=agent,
                session=session,
                rule=ruling.rule_name,
                reason=ruling.reason,
                policy=loaded.policy.sha256,
                cwd=cwd,
            )
        except Exception as error:  # whatever a store of approvals raises: what cannot be asked is not allowed
            return _denied(ruling, f"an approval cannot be asked for: {_said(error)}"), None
        match claim.status:
            case "approved":
                return replace(ruling, action=Action.ALLOW, allowed=True, reason=f"[approved] {ruling.reason}"), claim.id
            case "denied":
                return _denied(ruling, f"a person has refused this: {ruling.reason}"), claim.id
            case _:
                return replace(ruling, reason=f"{ruling.reason} (`avakill approvals grant {claim.id}` allows it once)"), claim.id

    def _recorded(
        self, trail: Trail, ruling: Ruling, began: int, tool: object, args: Any, agent: str | None, session: str | None, loaded: Loaded
    ) -> tuple[Ruling, str | None]:
        try:
            took = perf_counter_ns() - began
            return ruling, trail.record(
                Record(
                    time_ns() - took, str(tool), args, agent, session, str(ruling.action), ruling.allowed,
                    ruling.rule, ruling.rule_name, ruling.reason, loaded.policy.sha256, took,
                )
            )  # fmt: skip
        except Exception as error:  # whatever a trail raises: what is not on record does not happen
            self.log_failures += 1
            return _denied(ruling, f"the decision could not be recorded: {_said(error)}"), None

    # -- the policy --

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The policies in force, the highest level first; a guard without a cascade has one."""
        return tuple(level.loaded.policy for level in self._force.levels)

    @property
    def policy(self) -> Policy:
        """The policy in force, the lowest of a cascade."""
        return self.policies[-1]

    @property
    def policy_status(self) -> str:
        """`unsigned`, `verified`, `hardened`, `last-known-good` or `deny-all`; of a cascade the worst."""
        status = max((level.loaded.status for level in self._force.levels), key=list(PolicyStatus).index)
        if any(level.loaded.status is PolicyStatus.UNSIGNED for level in self._force.levels) and status is PolicyStatus.VERIFIED:
            return str(PolicyStatus.UNSIGNED)
        if status is PolicyStatus.VERIFIED:
            from avakill.hardening import is_hardened

            return str(PolicyStatus.HARDENED if is_hardened() else status)
        return str(status)

    @property
    def policy_problem(self) -> str:
        """Why a file's own policy is not in force; empty where it is."""
        return "; ".join(level.loaded.why for level in self._force.levels if level.loaded.why)

    @property
    def may_wait(self) -> bool:
        """Whether a decision may wait for a store: there are budgets or approvals."""
        return any(level.limits for level in self._force.levels) or self._approver is not None

    @property
    def limiter(self) -> Limiter:
        """Whose budgets count."""
        if self._limiter is None:
            with self._lock:
                if self._limiter is None:
                    from avakill.ratelimit.sqlite import SQLiteLimiter

                    self._limiter = SQLiteLimiter()
        return self._limiter

    def reload_policy(self, path: str | os.PathLike[str] | None = None) -> None:
        """Read the policy again, or another file. Raises ConfigError, and what was in force stays."""
        with self._lock:
            before = self.policy_path
            if path is not None:
                self.policy_path, self._given, self._cascade = Path(path).absolute(), None, False
            try:
                self._force = self._enforced(self._load())
            except ConfigError:
                self.policy_path = before
                raise

    def watch(self, **options: Any) -> PolicyWatcher:
        """Read the policy again whenever its file changes; a file that does not compile leaves what was in force.

        Raises RuntimeError when it is watched already, ValueError without a file.
        """
        from avakill.guard.watcher import PolicyWatcher

        with self._lock:
            if self._watcher is not None:
                raise RuntimeError("this guard's policy is being watched already")
            self._watcher = PolicyWatcher(self, **options)
            self._watcher.start()
            return self._watcher

    async def unwatch(self) -> None:
        """Stop watching."""
        self.stop_watching()

    def stop_watching(self) -> None:
        with self._lock:
            watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.stop()

    def _load(self) -> tuple[Loaded, ...]:
        counters = {level.loaded.path: level.loaded.counter for level in self._force.levels} if hasattr(self, "_force") else {}
        if self._cascade:
            places = [place.path for place in discover(Path.cwd(), Path(self._home))]
            if not places:
                raise ConfigError("there is no policy on any level; `avakill init` writes one")
            return tuple(load_file(path, self._keys, os.environ, counters.get(path, 0)) for path in places)
        if self.policy_path is not None:
            return (load_file(self.policy_path, self._keys, os.environ, counters.get(self.policy_path, 0)),)
        if isinstance(self._given, Policy):
            return (Loaded(self._given, PolicyStatus.UNSIGNED),)
        if isinstance(self._given, Mapping):
            return (load_data(self._given, os.environ),)
        raise ConfigError(f"a policy is a path, a mapping or a Policy, not a `{type(self._given).__name__}`")

    def _enforced(self, loaded: tuple[Loaded, ...]) -> Force:
        context = self._context(loaded)
        levels = tuple(Level(each, Engine(each.policy, context, monotonic_ns), _limits(each.policy)) for each in loaded)
        return Force(levels, levels[0] if len(levels) == 1 else None, any(each.snapshot is not None for each in loaded))

    def _context(self, loaded: tuple[Loaded, ...]) -> Context:
        try:
            cwd = os.getcwd()
        except OSError:  # it was removed: nothing relative can be done there
            cwd = self._home
        workspace = self._workspace or find_workspace(cwd, os.environ)
        protected: tuple[str, ...] = ()
        if self._self_protection:
            own = tuple(str(each.path) for each in loaded if each.path is not None)
            protected = guarded_paths(own, self._home, cwd) + self._stores()
        return Context(self._home, os.path.abspath(workspace), cwd, self._resolver, protected)

    def _stores(self) -> tuple[str, ...]:
        """What our stores say they keep themselves in; directories end in `/`."""
        stores = (self._trail, self._limiter, self._approver)
        return tuple(path for store in stores for path in getattr(store, "protected_paths", ()))

    def _looked_at(self) -> Force:
        """What is in force, once a signed file that is not as it was is verified anew."""
        force = self._force
        if not any(level.loaded.snapshot is not None and level.loaded.snapshot.changed() for level in force.levels):
            return force
        with self._lock:
            if self._force is force:
                try:
                    self._force = self._enforced(self._load())
                except Exception as error:  # whatever keeps a signed policy from being verified anew: nothing is in force
                    self._force = self._enforced((Loaded(DENY_ALL, PolicyStatus.DENY_ALL, _said(error)),))
            return self._force

    def _harden(self) -> None:
        """Not the stores, which this process writes itself; nor names with a wildcard."""
        from avakill.hardening import harden, hardened_available, protect_files

        stores = (os.path.join(self._home, ".avakill", ""), *self._stores())
        paths = [path for path in self._force.levels[0].engine.context.protected if not path.startswith(stores) and "*" not in path]
        protect_files(paths)
        if hardened_available():
            harden(paths)


def _limits(policy: Policy) -> dict[int, RateLimit]:
    return {rule.index: rule.rate_limit for rule in policy.rules if rule.rate_limit is not None and rule.rate_limit.max_calls > 0}


def _denied(ruling: Ruling, reason: str) -> Ruling:
    return replace(ruling, action=Action.DENY, allowed=False, overridable=False, reason=reason)


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__


def _window(seconds: int) -> str:
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
