"""The complement walk: siblings are granted, ancestors never, and bounds are told."""

from __future__ import annotations

import json

from avakill.backends.landlock.document import NotAPlan, read_document
from avakill.backends.landlock.emit import emit
from avakill.backends.landlock.expand import Expansion, expand
from avakill.backends.landlock.expanded import expanded_findings
from avakill.backends.landlock.tree import MemoryTree
from avakill.ir.effect import Effect
from avakill.ir.verdict import Verdict
from tests.backends.landlock.bench import check, lowered
from tests.backends.landlock.test_cells import FILES, allow, deny, plan

TREE = MemoryTree(
    ["/home/u/notes", "/home/u/.ssh/id", "/home/u/.ssh/known_hosts", "/srv/p/.env", "/srv/p/q/r/f", "/proc/1/environ"],
    ["/home/u/work", "/etc"],
)


def granted(expansion: Expansion, right: str) -> set[str]:
    return {grant.path for grant in expansion.grants if right in grant.rights}


def expansion(*rules, limit: int = 1000, abi: int = 7) -> Expansion:  # type: ignore[no-untyped-def]
    return expand(read_document(lowered(plan(*rules))[1]), TREE, abi, limit)


def test_siblings_are_granted_and_ancestors_never() -> None:
    found = expansion(deny(("file_read",), "/home/u/.ssh/**"))
    assert granted(found, "read_file") == {"/etc", "/home/u/notes", "/home/u/work", "/proc", "/srv"}
    assert granted(found, "refer") == {"/"}
    assert [s.path for s in found.splits] == ["/home/u", "/home", "/"]


def test_files_carry_only_the_rights_of_files() -> None:
    found = expansion(deny(("file_read",), "/home/u/.ssh/**"))
    assert next(g for g in found.grants if g.path == "/home/u/notes").rights == ("read_file",)


def test_only_rights_that_a_deny_needs_are_handled() -> None:
    assert expansion(deny(("file_delete",), "/srv/p/**")).handled == ("remove_dir", "remove_file", "refer")
    assert "truncate" not in expansion(deny(("file_write",), "/srv/p/**"), abi=2).handled


def test_a_hole_is_granted_by_itself() -> None:
    found = expansion(allow(("file_read",), "/home/u/.ssh/known_hosts"), deny(("file_read",), "/home/u/.ssh/**"))
    assert "/home/u/.ssh/known_hosts" in granted(found, "read_file")
    assert "/home/u/.ssh/id" not in granted(found, "read_file")


def test_a_missing_path_splits_its_nearest_existing_ancestor() -> None:
    found = expansion(deny(("file_delete",), "/srv/none/such/**"))
    assert {s.path for s in found.splits} == {"/", "/srv"}


def test_a_pattern_at_any_depth_splits_only_where_something_matches() -> None:
    found = expansion(deny(("file_read",), "/srv/**/.env"))
    assert granted(found, "read_file") >= {"/home", "/srv/p/q"}
    assert [m.path for m in found.matches] == ["/srv/p/.env"]


def test_the_kernels_own_trees_are_not_searched() -> None:
    tree = MemoryTree(["/proc/1/environ", "/srv/environ"])
    found = expand(read_document(lowered(plan(deny(("file_read",), "/**/environ")))[1]), tree, 7)
    assert granted(found, "read_file") == {"/proc"}


def test_a_walk_that_ends_early_says_where() -> None:
    found = expansion(deny(("file_read",), "/srv/**/f"), limit=0)
    assert found.unwalked
    made = plan(deny(("file_read",), "/srv/**/f"))
    told = expanded_findings(made, lowered(made)[0].findings, found, TREE)
    assert any("the walk ended at" in finding.reason for finding in told)


def test_nothing_to_lower_is_a_valid_plan_that_says_so() -> None:
    made = plan(allow(FILES, "/srv/**"))
    lowering, text = lowered(made)
    assert "nothing to lower" in json.loads(text)["note"]
    assert expand(read_document(text), TREE, 7) == Expansion(7)
    assert lowering.findings == ()


def test_on_this_tree_only_what_is_split_is_lost() -> None:
    made = plan(deny(("file_delete",), "/home/u/.ssh/**", "/gone/away/for/good/**"))
    lowering, text = lowered(made)
    found = expanded_findings(made, lowering.findings, expand(read_document(text), TREE, 7), TREE)
    (stricter,) = [f for f in found if f.verdict is Verdict.STRICTER]
    assert {lost.place for lost in stricter.lost} == {"/", "/home", "/home/u"}
    assert stricter.effects == {Effect.DELETE}


def test_the_text_says_all_that_the_model_says() -> None:
    made = plan(deny(FILES, "/srv/a b/*.p[!a-c]?", "**/\\*x", '/q"uo\nte/**', "/b\udcffd"), allow(FILES, "~/x"), deny(FILES))
    lowering, text = lowered(made)
    again = read_document(text)
    assert emit(again)[0].text == text
    assert (again.orders, again.network) == (lowering.model.orders, lowering.model.network)
    assert text.isascii()


def test_what_is_no_plan_is_told_so() -> None:
    for text in ("", "[]", "{}", '{"version": 99}', "[" * 100_000):
        try:
            read_document(text)
        except NotAPlan:
            continue
        raise AssertionError(text[:20])


# -- mutations: the oracle and the laws notice a text that says something else --


def mutated(change) -> list[str]:  # type: ignore[no-untyped-def]
    made = plan(deny(FILES, "/srv/app/in/**"), allow(FILES, "/srv/app/**"), deny(FILES, "/srv/**"))
    lowering, text = lowered(made)
    assert check(made, lowering, text) == []
    value = json.loads(text)
    change(value)
    return check(made, lowering, json.dumps(value))


def test_a_dropped_deny_is_noticed() -> None:
    def drop(value) -> None:  # type: ignore[no-untyped-def]
        for order in value["orders"]:
            order["entries"].remove(next(e["id"] for e in value["entries"] if e["rule"] == 0))

    assert any(found.startswith("LEAK row 0") for found in mutated(drop))


def test_a_widened_hole_is_noticed() -> None:
    def widen(value) -> None:  # type: ignore[no-untyped-def]
        next(e for e in value["entries"] if e["rule"] == 1)["pieces"] = [{"tree": "/srv"}]

    assert any(found.startswith("LEAK row 2") for found in mutated(widen))


def test_swapped_rules_are_noticed() -> None:
    def swap(value) -> None:  # type: ignore[no-untyped-def]
        for order in value["orders"]:
            order["entries"][:2] = reversed(order["entries"][:2])

    assert any(found.startswith("LEAK row 0") for found in mutated(swap))
