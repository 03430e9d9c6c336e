"""The walk that remembers finds what the plain one does, and asks nothing of a file that no pattern concerns."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avakill.backends.landlock.document import read_document
from avakill.backends.landlock.expand import expand
from avakill.backends.landlock.node import Nodes
from avakill.backends.landlock.track import begin
from avakill.backends.landlock.tree import Kind, MemoryTree
from avakill.backends.plan import Plan
from avakill.ir.condition import Contains, Field
from avakill.ir.policy import Action
from avakill.ir.verdict import Verdict
from avakill.paths.glob import split
from tests.backends.landlock.bench import lowered
from tests.backends.landlock.plain_walk import plain_expand
from tests.backends.landlock.test_cells import BARE, FILES, allow, deny, plan
from tests.contract.laws import plans, verdicts
from tests.contract.world import World, make_world

EXAMPLES = int(os.environ.get("AVAKILL_EXAMPLES", "1000"))
ABI = 7


class Linked(MemoryTree):
    """A tree in which some names are links to other places."""

    def __init__(self, files: list[str], directories: list[str], links: dict[str, str]) -> None:
        super().__init__([*files, *links], directories)
        self._links = links

    def kind(self, path: str) -> Kind | None:
        return Kind.SYMLINK if path in self._links else super().kind(path)

    def entries(self, path: str) -> tuple[tuple[str, Kind], ...]:
        base = path.rstrip("/")
        return tuple((name, self.kind(f"{base}/{name}") or kind) for name, kind in super().entries(path))

    def resolve(self, path: str) -> str:
        return self._links.get(path, path)


def grown(world: World, names: list[str], places: list[int]) -> MemoryTree:
    """The policy's own edges, and more of their names put together anew: matches where no rule says its path."""
    known = sorted({name for path in world.paths for name in split(path)} | set(names))
    folders = sorted(world.directories)
    files = [f"{folders[place % len(folders)].rstrip('/')}/{known[place % len(known)]}" for place in places]
    deep = [f"{path}/{known[place % len(known)]}" for path, place in zip(files, reversed(places), strict=True)]
    return MemoryTree([*world.files, *files, *deep], world.directories)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(plans(), st.lists(st.text("ab.K/e", min_size=1, max_size=4), max_size=6), st.lists(st.integers(0, 9999), max_size=40))
def test_the_walk_finds_what_the_plain_one_does(made: Plan, names: list[str], places: list[int]) -> None:
    model = read_document(lowered(made)[1])
    tree = grown(make_world(made), [name for text in names for name in split(text)], places)
    assert_same(model, tree)


def assert_same(model, tree: MemoryTree) -> None:  # type: ignore[no-untyped-def]
    found, plain = expand(model, tree, ABI), plain_expand(model, tree, ABI)
    assert found.grants == plain.grants
    assert frozenset(found.splits) == plain.splits
    assert frozenset(found.matches) == plain.matches


NAMES = (".env", ".env.local", "a.pem", "A.PEM", "id_rsa", "credentials", "CREDENTIAL", "x", "key1", "keys", ".secrets", "ß", "ﬁ")


@settings(max_examples=max(EXAMPLES // 4, 20), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_so_it_does_for_patterns_at_any_depth(data: st.DataObject) -> None:
    patterns = (
        *("**/.env*", "/w/**/*.pem", "**/id_rsa", "/w/*/key?", "/w/**/[!a-k]*", "**/a/**/x", "/w/a/**", "/**/*s*/x", "**/*.*.*"),
        *("/w/**/.secrets/**", "*", "/l/**", "/l/*.pem", "/w/**/?", "**/.e*v"),
    )
    rules = []
    for _ in range(data.draw(st.integers(1, 5))):
        chosen = data.draw(st.lists(st.sampled_from(patterns), min_size=1, max_size=3, unique=True))
        rules.append(data.draw(st.sampled_from((deny, deny, allow)))(FILES, *chosen))
    folders = ["/w", "/w/a", "/w/a/a", "/w/b", "/w/b/.secrets", "/l", "/w/a/keys", "/proc", "/sys"]
    pairs = st.tuples(st.sampled_from(folders), st.sampled_from(NAMES))
    files = [f"{folder}/{name}" for folder, name in data.draw(st.lists(pairs, max_size=30))]
    links = {"/m": "/w/a", "/w/b/x": "/l"} if data.draw(st.booleans()) else {}
    texts = data.draw(st.lists(st.sampled_from(("credential", "/.secrets/", "ey", "a/a", "/", "SS", "/w/b")), max_size=2))
    rules += [(FILES, Action.DENY, Contains(Field("path"), (text,))) for text in texts]
    made = plan(*rules, target=replace(BARE, ignores_case=data.draw(st.booleans())))
    assert_same(read_document(lowered(made)[1]), Linked(files, folders, links))


def test_places_of_which_all_patterns_say_the_same_are_asked_once() -> None:
    model = read_document(lowered(plan(deny(FILES, "/**/.env", "/**/*.pem", "/w/**/key?")))[1])
    nodes = Nodes()
    begun = [begin(n, entry, piece) for n, entry in enumerate(model.entries) for piece in entry.region.pieces]
    root = nodes.settled(begun, None)
    other = nodes.fork(root).child("usr")
    assert nodes.fork(other).child("bin") is other
    assert nodes.fork(root).child("w") is not other
    assert nodes.fork(other).child("key1") is other
    assert nodes.fork(other).child("a.pem").is_denied
    inside = nodes.fork(nodes.fork(root).child("w")).child("x")
    assert nodes.fork(inside).child("key1").is_denied
    assert nodes.fork(inside).child("y") is inside


def test_many_patterns_that_meet_are_claimed_without_a_search_for_each() -> None:
    """It was an exception once the searches of the policy were spent."""
    patterns = ("**/.env*", "/w/**/*.pem")
    made = plan(allow(FILES, *patterns), deny(FILES, *patterns))
    assert verdicts(made, lowered(made)[0])[1] in (Verdict.STRICTER, Verdict.WEAKER)
