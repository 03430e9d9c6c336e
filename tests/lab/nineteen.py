"""The nineteen cases of "allow W, deny W/secret and W/.env": what is tried, and whether it is held."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from avakill.backends.contract import Settings
from avakill.backends.judge import Probe
from avakill.backends.plan import Plan, make_plan
from avakill.backends.registry import find
from avakill.ir.effect import Operation as Op
from avakill.lab.campaign import HOST, KERNELS, runner_of
from avakill.lab.cases import PROTECTED, Prepared, lab_target, on_stage
from avakill.lab.compare import claims_of, compare
from avakill.lab.gains import MOVES, gains
from avakill.lab.words import Answer, Case, Mark, Result, Trial, World
from tests.lab.policies import policy_of

W = "/home/agent/project"
SECRET, ENV, KEY, OPEN, MAIN, OLD = f"{W}/secret", f"{W}/.env", f"{W}/secret/key", f"{W}/src", f"{W}/src/main.py", f"{W}/src/old"

TEXT = """
version: "1.0"
default_action: allow
policies:
  - name: secrets
    tools: ["file_*", "content_search"]
    action: deny
    conditions: {path_match: {path: ["${AVAKILL_WORKSPACE}/secret/**", "${AVAKILL_WORKSPACE}/.env"]}}
  - name: workspace
    tools: ["file_*", "content_search"]
    action: allow
    conditions: {path_match: {path: ["${AVAKILL_WORKSPACE}/**"]}}
"""

WORLD = World(
    frozenset({"/", "/home", "/home/agent", W, SECRET, f"{SECRET}/deep", OPEN, "/opt", "/opt/avakill", "/tmp"}),
    frozenset({f"{W}/notes.txt", ENV, KEY, f"{SECRET}/deep/file", MAIN, *PROTECTED[:2], "/opt/avakill/file"}),
    ((OLD, KEY),),
)


@dataclass(frozen=True, slots=True)
class Nth:
    """One of the nineteen, with all that is tried for it."""

    name: str
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a case is held on a layer; `said` are the sentences of what is not."""

    name: str
    held: bool
    said: tuple[str, ...] = ()
    announced: bool = True


def _one(operation: Op, path: str, door: str, route: str = "plain", asks: tuple[Op, ...] = (), directory: bool = False) -> Trial:
    deed = Probe(operation, path, directory=directory)
    return Trial(0, (deed, *(Probe(other, path, directory=directory) for other in asks)), door, route)


def _move(path: str, to: str, directory: bool = False, replaces: bool = False) -> Trial:
    contents = WORLD.below(path) if directory else ()
    return Trial(0, (Probe(Op.RENAME, path, to, directory, replaces, contents=contents),), "rename")


def _reads(route: str) -> tuple[Trial, ...]:
    return tuple(_one(Op.READ, path, "open-read", route) for path in (KEY, ENV))


CASES = (
    Nth("read at the top of W", (_one(Op.READ, f"{W}/notes.txt", "open-read"),)),
    Nth("write at the top of W", (_one(Op.WRITE, f"{W}/notes.txt", "open-write"),)),
    Nth("create at the top of W", (_one(Op.CREATE, f"{W}/new", "open-create", asks=(Op.WRITE,)),)),
    Nth("rename at the top of W", (_move(f"{W}/notes.txt", f"{W}/renamed"),)),
    Nth("list the top of W", (_one(Op.LIST, W, "list", directory=True),)),
    Nth("read what is denied", _reads("plain")),
    Nth("list what is denied", tuple(_one(Op.LIST, path, "list", directory=True) for path in (SECRET, f"{SECRET}/deep"))),
    Nth("write what is denied", tuple(_one(Op.WRITE, path, door) for path in (KEY, ENV) for door in ("open-write", "append"))),
    Nth("plant in what is denied", (_one(Op.CREATE, f"{SECRET}/new", "open-create", asks=(Op.WRITE,)),)),
    Nth("overwrite what is denied", tuple(_one(Op.TRUNCATE, path, "creat-existing") for path in (KEY, ENV))),
    Nth("unlink what is denied", tuple(_one(Op.UNLINK, path, "unlink") for path in (KEY, ENV))),
    Nth("rename what is denied", tuple(_move(path, f"{OPEN}/taken", directory=path == SECRET) for path in (SECRET, KEY, ENV))),
    Nth("rename over what is denied", tuple(_move(MAIN, path, replaces=True) for path in (KEY, ENV))),
    Nth("by a symlink", (*_reads("symlink-final"), *_reads("symlink-middle"))),
    Nth("by `..`", _reads("dotdot")),
    Nth("by /proc/self/root", _reads("proc-root")),
    Nth("by a descriptor of its directory", _reads("dirfd")),
    Nth("by a new hard link", tuple(Trial(0, (Probe(Op.LINK, path, f"{OPEN}/linked"),), "link") for path in (KEY, ENV))),
    Nth("by an old hard link", (Trial(0, (Probe(Op.READ, OLD), Probe(Op.READ, KEY)), "open-read", alias=True),)),
)


def prepared(layer: str, kernel: str) -> Prepared:
    """The nineteen as one case: the artifact that a user gets, explicit trials, and what the report promises of them."""
    backend = find((layer,)).backends[0]
    policy = policy_of(TEXT)
    target = replace(lab_target(policy, kernel, KERNELS.get(kernel, 7)), existing=WORLD.paths)
    plan = make_plan(policy, target)
    lowering = backend.lower(plan, Settings())
    asked = (trial for case in CASES for trial in case.trials)
    trials = tuple(replace(trial, number=number, follow=_follow(plan, trial)) for number, trial in enumerate(asked))
    material = tuple((artifact.name, artifact.text.encode()) for artifact in backend.emit(lowering.model))
    claims = claims_of(plan, on_stage(plan, lowering, WORLD) if layer == "landlock" else lowering)
    return Prepared(Case(f"nineteen on {layer}", layer, WORLD, trials, material), claims)


def _follow(plan: Plan, trial: Trial) -> tuple[Probe, ...]:
    """What shows whether a move has gained something: a layer may let it pass and keep the object closed."""
    deed = trial.asks[0]
    found = gains(plan, deed, WORLD) if deed.operation in MOVES else ()
    tried = dict.fromkeys(gain.tried for gain in found if gain.tried is not None)
    return tuple(sorted(tried, key=lambda probe: probe.operation is Op.UNLINK))


def tried(layer: str, kernel: str = HOST) -> tuple[Told, ...]:
    """What a kernel makes of each of the nineteen."""
    one = prepared(layer, kernel)
    ((case, outcomes),) = runner_of(kernel, layer).run((one.case,), lambda stage, done, of: None)
    results = iter(compare(one.claims, case.world, case.trials, outcomes))
    return tuple(_told(nth.name, tuple(next(results) for _ in nth.trials)) for nth in CASES)


ANNOUNCED = (Mark.WEAK, Mark.LOST)


def _told(name: str, results: tuple[Result, ...]) -> Told:
    failed = [result for result in results if not _is_held(result)]
    said = tuple(dict.fromkeys(f"{r.mark} {r.outcome.errno or r.outcome.answer}: {r.sentence}" for r in failed))
    return Told(name, not failed, said, all(result.mark in ANNOUNCED or _is_residue(result) for result in failed))


def _is_held(result: Result) -> bool:
    """Done where it is allowed, refused where it is denied; what nobody can try is not held."""
    return result.mark is Mark.AGREED


def _is_residue(result: Result) -> bool:
    """A name from before: `enforce` lists it before start (`test_the_old_hard_link_is_told_before_start`)."""
    return result.mark is Mark.FINDING and result.trial.alias and result.outcome.answer is Answer.DONE


def table(columns: dict[str, tuple[Told, ...]]) -> Iterator[str]:
    for name, told in columns.items():
        yield f"{name}: {sum(each.held for each in told)} of {len(told)} held"
        for each in told:
            yield f"  {'held' if each.held else 'NOT '}  {each.name}"
            yield from (f"          {sentence}" for sentence in each.said)
