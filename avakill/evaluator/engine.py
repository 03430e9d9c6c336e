"""A policy made ready for many calls: an index picks the rules that may hold, and plain calls take a short way.

A *plain* call has one path argument, ASCII, absolute and without anything that a shell, a link or `..` could make another
path of. It has one reading, so the trie's least rule decides and a ruling made beforehand is returned. Every other call is
judged as `decide` judges it, over the candidates of the index instead of all rules.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

from avakill.evaluator.arguments import argument_name
from avakill.evaluator.call import Call, Names, Undecidable
from avakill.evaluator.context import Context
from avakill.evaluator.decide import (
    Asked,
    by_default,
    check_paths,
    compiled,
    decided_by,
    failed,
    failure,
    holds_tool,
    protected,
    walk_rules,
)
from avakill.evaluator.index.paths import NEVER
from avakill.evaluator.index.table import RuleTable, make_table
from avakill.evaluator.protected import PACKAGE, Guarded, guarded
from avakill.evaluator.selfprotect import STARTUP, intrusion
from avakill.evaluator.truth import Truth
from avakill.events.event import BadEvent, Event, make_event
from avakill.events.ruling import Ruling
from avakill.ir.effect import Effect
from avakill.ir.policy import Policy
from avakill.paths.glob import join
from avakill.source.collector import collector_paused

MAX_PLANS = 1024
"""Tools, and for each tool shapes of arguments, that are remembered; one more and all are forgotten."""

MAX_PLAIN = 1_000_000
"""Characters of a text that a plain call may carry."""

MAX_TABLES = 64

LOOKED_AGAIN = 1_000_000_000
"""Nanoseconds after which the links in the patterns' literal prefixes are looked at again."""

FEW_PREFIXES = 200
"""Up to so many are looked at by the caller, more by a thread."""

MARKS = STARTUP | {PACKAGE}
"""Names that self-protection looks at wherever they stand in a path."""

PLAIN_TEXTS = frozenset({"content", "old_string", "new_string"})


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of calls of one tool with these argument names: which is the path, which must be plain text, which
    plain values, and the first rule that may ask about something else."""

    path: str
    texts: tuple[str, ...]
    values: tuple[str, ...]
    impure: int


@dataclass(slots=True)
class ToolPlan:
    """What is known of calls of one tool by one agent."""

    table: RuleTable
    reads_only: bool
    runs: bool
    """Whether it runs programs: any text of such a call may be one."""
    shapes: dict[tuple[str, ...], Shape | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marked:
    """Protected objects, as text: the objects themselves and the directories they are in, the beginnings of protected trees,
    the ends of protected names. A path that meets one takes the long way."""

    objects: frozenset[str]
    trees: tuple[str, ...]
    ends: tuple[str, ...]
    guarded: Guarded


@dataclass(slots=True)
class Known:
    """What is remembered of tools, and what the literal prefixes behind it are links to: forgotten together."""

    plans: dict[object, ToolPlan] = field(default_factory=dict)
    tables: dict[tuple[str, ...], RuleTable] = field(default_factory=dict)
    real: dict[Names, Names] = field(default_factory=dict)


class Rulings(dict[int, Ruling]):
    """What each rule decides by itself, made with the first table that has it; under NEVER what the default decides."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def __missing__(self, order: int) -> Ruling:
        ruling = self[order] = by_default(self._policy) if order == NEVER else decided_by(self._policy.rules[order])
        return ruling

    def made(self, order: int) -> None:
        """Make it beforehand."""
        if order not in self:
            self.__missing__(order)


Clock = Callable[[], int]
"""Nanoseconds that never step back."""


def _no_time() -> int:
    return 0


class Engine:
    """Judges calls against one policy in one context. Threads may share it; what it remembers is bounded.

    Links in the patterns' own prefixes (`~/.ssh` → `/data/ssh`) are followed with the first call of a tool and then at most once a
    second by `clock` (without one, never again); those in a call's paths are followed at each call.
    """

    def __init__(self, policy: Policy, context: Context, clock: Clock = _no_time) -> None:
        self.policy = policy
        self._clock = clock
        self.context = context
        self._rules: tuple[Asked, ...] = ()
        self._rulings = Rulings(policy)
        self._known = Known()
        self._lock = Lock()
        self._marked = self._look()
        self._looked = self._clock()
        self._is_plain = context.resolver.is_plain
        self._may_be_short = not context.ignores_case

    # -- a ruling --

    def rule(
        self, tool: object, arguments: object = None, agent: object = None, session: object = None, cwd: object = None
    ) -> Ruling:
        """What the policy says of the call. Never raises: what goes wrong denies."""
        try:
            ruling = self._short_way(tool, arguments, agent, session, cwd)
        except (KeyError, TypeError, RecursionError):  # a tool or a shape seen for the first time, or a strange one
            ruling = None
        if ruling is not None:
            return ruling
        try:
            event = make_event(tool, arguments, agent=agent, session=session, cwd=cwd)
        except Exception as error:  # as in `decide`: a fault of ours, or of an object that lies about itself, must not let a call pass
            return failed(error)
        return self.judge(event)

    def judge(self, event: Event | BadEvent) -> Ruling:
        """As `decide`."""
        if isinstance(event, BadEvent):
            return failure(f"the call cannot be read: {event.reason}")
        try:
            call = Call(event, self.context, self.policy.tool_effects, protected=self._marked.guarded)
            check_paths(call)
            blocked = intrusion(call)
            if blocked is not None:
                return protected(blocked)
            table = self._plan(event).table
            rules = self._rules or self._compiled()
            return walk_rules(self.policy, [rules[order] for order in table.candidates(call)], call)
        except Undecidable as why:
            return failure(f"the call cannot be judged: {why}")
        except Exception as error:  # the edge at which the evaluator fails closed: a fault of ours must not let a call pass
            return failed(error)

    def _short_way(self, tool: object, arguments: Any, agent: object, session: object, cwd: object) -> Ruling | None:
        """The ruling of a plain call; None for any other. Raises KeyError and TypeError for what it does not know."""
        plan = self._known.plans[tool if agent is None else (tool, agent)]
        if self._clock() - self._looked > LOOKED_AGAIN:
            self._look_again()
        if arguments.__class__ is not dict:
            return None
        shape = plan.shapes[tuple(arguments)]
        if shape is None or (session is not None and not _is_name(session)) or (cwd is not None and not _is_name(cwd)):
            return None
        text = arguments[shape.path]
        if text.__class__ is not str or not text.isascii() or text[:1] != "/" or text[-1].isspace() or text[-1] == "/":
            return None
        if "//" in text or "\0" in text or "$" in text or "%" in text or len(text) > 4096 or text.startswith(("/proc/", "/dev/")):
            return None
        if "/." in text and ("/./" in text or "/../" in text or text.endswith(("/.", "/.."))):
            return None
        for name in shape.texts:
            other = arguments[name]
            if other.__class__ is not str or not other.isascii() or len(other) > MAX_PLAIN or "*** " in other:
                return None
        for name in shape.values:
            other = arguments[name]
            if other is not None and other.__class__ is not bool and (other.__class__ is not int or abs(other) >> 63):
                return None
        names = text.split("/")
        del names[0]
        if not plan.reads_only:
            marked = self._marked
            if text in marked.objects or text.startswith(marked.trees) or text.endswith(marked.ends):
                return None
            if not MARKS.isdisjoint(names) or "*" in text or "?" in text or "[" in text or "{" in text:
                return None
        order = plan.table.pure.least(names)
        if shape.impure < order or not self._is_plain(text):
            return None
        return self._rulings[order]

    # -- what is remembered --

    def _compiled(self) -> tuple[Asked, ...]:
        """The rules with their closures, made with the first call that needs them."""
        with collector_paused():
            self._rules = compiled(self.policy)
        return self._rules

    def _plan(self, event: Event) -> ToolPlan:
        known = self._known
        key = event.given if event.agent is None else (event.given, event.agent)
        names = tuple(name for name, _ in event.arguments.items)
        plan = known.plans.get(key)
        if plan is None:
            call = Call(event, self.context, self.policy.tool_effects)
            effects = call.effects or frozenset()
            runs = Effect.EXEC in effects or event.tool == "shell_execute"
            plan = ToolPlan(self._table(known, call), effects == frozenset({Effect.READ}), runs)
            if len(known.plans) >= MAX_PLANS:
                known.plans.clear()
            known.plans[key] = plan
        if names not in plan.shapes:
            if len(plan.shapes) >= MAX_PLANS:
                plan.shapes.clear()
            plan.shapes[names] = self._shape(plan, names)
        return plan

    def _table(self, known: Known, call: Call) -> RuleTable:
        """One for all tools that match the same rules in the same way would do; one for each set of names is near enough."""
        table = known.tables.get(call.tools)
        if table is None:
            with collector_paused():
                matched = [(rule, truth) for rule in self.policy.rules if (truth := holds_tool(rule, call)) is not Truth.NO]
                table = make_table(matched, self._blank(), self._followed(known.real))
                for rule, _ in matched:
                    self._rulings.made(rule.index)
            if len(known.tables) >= MAX_TABLES:
                known.tables.clear()
            known.tables[call.tools] = table
        return table

    def _shape(self, plan: ToolPlan, names: tuple[str, ...]) -> Shape | None:
        if plan.runs or not self._may_be_short or any(not name.isascii() or len(name) > 4096 for name in names):
            return None
        paths: list[str] = []
        texts: list[str] = []
        values: list[str] = []
        given: set[str] = set()
        for name in names:
            canonical, is_plural = argument_name(name)
            given.add(canonical)
            if canonical == "path" and not is_plural:
                paths.append(name)
            elif canonical in PLAIN_TEXTS:
                texts.append(name)
            elif canonical == name.casefold() and canonical in ("limit", "offset", "line", "replace_all", "count", "depth"):
                values.append(name)
            else:
                return None
        if len(paths) != 1:
            return None
        return Shape(paths[0], tuple(texts), tuple(values), plan.table.first_impure(frozenset(given)))

    # -- links --

    def _blank(self) -> Call:
        """A call about nothing, in our context: what follows links for us."""
        return Call(Event("", ""), self.context, self.policy.tool_effects)

    def _followed(self, known: dict[Names, Names]) -> Callable[[Names], Names]:
        """Follows the links in literal prefixes, and remembers in `known` those that it was asked for."""
        call = self._blank()

        def followed(names: Names) -> Names:
            real = known.get(names)
            if real is None:
                real = known[names] = call.real(names)
            return real

        return followed

    def _look(self) -> Marked:
        things = guarded(self._blank())
        objects = frozenset(join(names) for names in (*things.files, *things.trees, *things.above))
        ends = tuple(dict.fromkeys(end for _, end in things.endings))
        return Marked(objects, tuple(f"{join(names).rstrip('/')}/" for names in things.trees), ends, things)

    def _look_again(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        if len(self._known.real) <= FEW_PREFIXES:
            self._renew()
        else:
            Thread(target=self._renew, name="avakill-links", daemon=True).start()

    def _renew(self) -> None:
        try:
            self._marked = self._look()
            call = self._blank()
            if any(call.real(names) != real for names, real in tuple(self._known.real.items())):
                self._known = Known()
        finally:
            self._looked = self._clock()
            self._lock.release()


def _is_name(text: object) -> bool:
    """Whether it surely is a good name of a session, or of a directory."""
    return type(text) is str and 0 < len(text) <= 4096 and text.isascii() and text.isprintable() and text[0] != " " != text[-1]
