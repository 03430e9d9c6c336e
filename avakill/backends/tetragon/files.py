"""Opens, changes, new and removed names, programs: one hook call each."""
from __future__ import annotations

from collections.abc import Mapping

from avakill.backends.tetragon import hooks
from avakill.backends.tetragon.groups import Grouping
from avakill.backends.tetragon.hooks import Draft, bind, mask
from avakill.backends.tetragon.model import Arg
from avakill.backends.tetragon.terms import name_terms, path_terms
from avakill.ir.effect import Effect


def add_files(groupings: Mapping[Effect, Grouping], draft: Draft) -> None:
    reads, writes = groupings[Effect.READ], groupings[Effect.WRITE]
    if reads is writes:
        _add_opens(reads, str(hooks.READ_BIT | hooks.WRITE_BIT), frozenset({Effect.READ, Effect.WRITE}), draft)
    else:
        _add_opens(reads, str(hooks.READ_BIT), frozenset({Effect.READ}), draft)
        _add_opens(writes, str(hooks.WRITE_BIT), frozenset({Effect.WRITE}), draft)
    _add_paths(writes, ("path_truncate",), hooks.PATH, Effect.WRITE, draft)
    _add_paths(writes, ("file_truncate",), hooks.FILE, Effect.WRITE, draft)
    _add_paths(groupings[Effect.ATTR], hooks.CHANGES, hooks.PATH, Effect.ATTR, draft)
    _add_paths(groupings[Effect.EXEC], ("bprm_check_security",), hooks.PROGRAM, Effect.EXEC, draft)
    _add_names(groupings[Effect.CREATE], hooks.CREATES, Effect.CREATE, draft)
    _add_names(groupings[Effect.DELETE], hooks.DELETES, Effect.DELETE, draft)


def _add_opens(grouping: Grouping, bits: str, effects: frozenset[Effect], draft: Draft) -> None:
    for group in grouping.groups:
        for term in path_terms(group).terms:
            draft.add("file_open", (*bind(term, hooks.FILE), mask(hooks.FILE["mode"], bits)), effects, group.told)


def _add_paths(grouping: Grouping, names: tuple[str, ...], args: Mapping[str, Arg], effect: Effect, draft: Draft) -> None:
    for group in grouping.groups:
        for term in path_terms(group).terms:
            for name in names:
                draft.add(name, bind(term, args), frozenset({effect}), group.told)


def _add_names(grouping: Grouping, names: tuple[str, ...], effect: Effect, draft: Draft) -> None:
    for group in grouping.groups:
        for term in name_terms(group).terms:
            for name in names:
                draft.add(name, bind(term, hooks.ENTRY), frozenset({effect}), group.told)
