"""A compiled policy comes back as it was, or not at all."""

from __future__ import annotations

import hashlib
import hmac
import marshal
import os
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from avakill.compiler.compile import Compiled, compile_policy, read_source
from avakill.ir import condition as ir_condition
from avakill.ir import policy as ir_policy
from avakill.ir.condition import And, Condition, Equals, Field, Not, Or
from avakill.ir.policy import Action, Policy, Rule
from avakill.paths import glob
from avakill.signing import cache as cached
from avakill.signing import packing
from avakill.signing.cache import Cache, compile_cached, own_key
from avakill.signing.packing import pack, unpack
from avakill.source.diagnostic import Diagnostic
from avakill.source.file import SourceFile
from tests.contract import generate
from tests.evaluator import test_agrees_with_the_reference as drawn
from tests.signing.signing import MAC, OLD, OTHER_MAC

MANY = settings(max_examples=int(os.environ.get("AVAKILL_EXAMPLES", "300")))
STARTERS = sorted(Path(cached.__file__).parents[1].glob("templates/policies/*.yaml"))
RICH = b"""version: "1.0"
default_action: allow
tool_effects: {export_csv: [write, create], peek: [read]}
policies:
  - name: one
    tools: ["file_*", "content_search"]
    action: deny
    when: 'path glob ["~/.ssh/**", "**/*.pem", "[a-c]?/x{1,2}"] and not (port > 80 or host host "*.example.org")'
  - name: two
    tools: ["*"]
    action: allow
    rate_limit: {max_calls: 3, window: 5m}
    enforcement: soft
    conditions: {content_scan: [secrets], command_allowlist: [git, ls], shell_safe: true}
    require: "safe:all"
  - name: three
    tools: ["web_fetch"]
    action: require_approval
    message: "ask \\u2028 first"
    when: 'host cidr ["10.0.0.0/8", "fe80::/10"] or args.query matches "^a" or agent == "x" or url startswith "https://"'
"""


def compiled(data: bytes, path: str = "p.yaml") -> Policy:
    source = read_source(data, path)
    assert isinstance(source, SourceFile)
    found = compile_policy(source, os.environ)
    assert found.policy is not None, found.diagnostics
    return found.policy


def places(policy: Policy) -> list[object]:
    """The spans, which equality leaves out."""
    rules = [(rule.span, rule.tools_span, rule.rate_limit and rule.rate_limit.span) for rule in policy.rules]
    tests = [_places(rule.condition) for rule in policy.rules]
    return [*rules, *tests, policy.default_span, [effect.span for effect in policy.tool_effects]]


def _places(condition: Condition) -> list[object]:
    match condition:
        case Not(inner):
            return _places(inner)
        case And(parts) | Or(parts):
            return [_places(part) for part in parts]
        case other:
            return [getattr(other, "span", None), type(other)]


def told(policy: Policy) -> str:
    """As `repr`, with the members of sets in one order."""
    return re.sub(r"frozenset\(\{([^}]*)\}\)", lambda found: ", ".join(sorted(found[1].split(", "))), repr(policy))


@pytest.mark.parametrize("data", [*(path.read_bytes() for path in STARTERS), RICH], ids=[*(path.stem for path in STARTERS), "rich"])
def test_a_policy_comes_back_with_every_place(data: bytes) -> None:
    made = compiled(data)
    again = unpack(pack(made))
    assert again == made
    assert places(again) == places(made)
    assert [hash(rule) for rule in again.rules] == [hash(rule) for rule in made.rules]
    assert told(again) == told(made)


@MANY
@given(drawn.policies)
def test_any_policy_comes_back(policy: Policy) -> None:
    assert told(unpack(pack(policy))) == told(policy)


@MANY
@given(generate.policies())
def test_any_policy_of_paths_comes_back(policy: Policy) -> None:
    assert told(unpack(pack(policy))) == told(policy)


def test_every_class_of_a_policy_is_packed_with_every_field() -> None:
    """A class or a field added to the language is added to the cache too."""
    found = {
        klass
        for module in (ir_policy, ir_condition, glob)
        for klass in vars(module).values()
        if isinstance(klass, type) and is_dataclass(klass) and klass.__module__ == module.__name__
        if not klass.__name__.startswith("_")
    }
    assert found <= set(packing.CLASSES)
    for klass, names in zip(packing.CLASSES, packing.FIELDS, strict=True):
        if is_dataclass(klass):
            assert names == tuple(one.name for one in fields(klass)), klass


def test_values_that_compare_as_equal_stay_apart() -> None:
    def policy(*values: str | int | float) -> Policy:
        rules = (Rule(at, "r", ("*",), Action.DENY, Equals(Field("v"), (value,))) for at, value in enumerate(values))
        return Policy(tuple(rules))

    made = policy(1, True, 1.0, 0.0, -0.0, "1")
    assert repr(unpack(pack(made))) == repr(made)


def test_a_rule_from_the_cache_cannot_be_changed_either() -> None:
    (rule,) = unpack(pack(compiled(OLD))).rules
    with pytest.raises(AttributeError):
        rule.name = "x"  # type: ignore[misc]
    assert replace(rule, name="x").name == "x"


# -- the files --


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", MAC)


def kept(cache: Cache, data: bytes = OLD) -> Path:
    """The entry of a policy that was just compiled."""
    assert isinstance(compile_cached(data, "p.yaml", {}, cache), Compiled)
    (entry,) = cache.folder.glob("*.compiled")
    assert cache.find(data, "p.yaml", {}) == compiled(data)
    return entry


def test_what_was_compiled_is_found(cache: Cache) -> None:
    kept(cache)
    found = cache.find(OLD, "p.yaml", {})
    assert found is not None
    assert places(found) == places(compiled(OLD))
    assert (cache.find(OLD + b"\n", "p.yaml", {}), cache.find(OLD, "q.yaml", {})) == (None, None)


def test_a_policy_with_errors_is_not_kept(cache: Cache) -> None:
    answer = compile_cached(b"policies: 3", "p.yaml", {}, cache)
    assert isinstance(answer, Compiled)
    assert answer.policy is None
    assert isinstance(compile_cached(b"\xff", "p.yaml", {}, cache), Diagnostic)
    assert not cache.folder.exists()


def _flip_each(entry: Path) -> None:
    data = entry.read_bytes()
    middle = len(data) // 2
    entry.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def _forge(entry: Path) -> None:
    """Another policy, in the right form, under a MAC of another key."""
    payload = entry.read_bytes()[32:]
    entry.write_bytes(hmac.digest(OTHER_MAC, payload, "sha256") + payload)


def _link(entry: Path) -> None:
    aside = entry.rename(entry.with_name("aside"))
    entry.symlink_to(aside)


TAMPERS: dict[str, Callable[[Path], object]] = {
    "one bit": _flip_each,
    "cut": lambda entry: os.truncate(entry, 40),
    "empty": lambda entry: os.truncate(entry, 0),
    "forged": _forge,
    "with something appended": lambda entry: entry.write_bytes(entry.read_bytes() + b"x"),
    "a link": _link,
    "deleted": lambda entry: entry.unlink(),
    "writable by all": lambda entry: entry.chmod(0o666),
    "in a folder writable by all": lambda entry: entry.parent.chmod(0o777),
}


@pytest.mark.parametrize("tamper", TAMPERS.values(), ids=TAMPERS.keys())
def test_an_entry_that_was_tampered_with_is_compiled_again(cache: Cache, tamper: Callable[[Path], object]) -> None:
    tamper(kept(cache))
    assert cache.find(OLD, "p.yaml", {}) is None
    again = compile_cached(OLD, "p.yaml", {}, cache)
    assert isinstance(again, Compiled)
    assert again.policy == compiled(OLD)


def test_nothing_is_read_of_what_does_not_verify(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = kept(cache)
    entry.write_bytes(bytes(32) + entry.read_bytes()[32:])

    def refuse(*_: object) -> object:
        raise AssertionError("read before it was verified")

    monkeypatch.setattr(marshal, "loads", refuse)
    assert cache.find(OLD, "p.yaml", {}) is None


def test_an_entry_of_another_policy_is_not_taken_for_this_one(cache: Cache) -> None:
    """Validly kept, under this policy's name."""
    other = OLD.replace(b"deny", b"allow")
    entry = kept(cache)
    name = entry.name
    entry.unlink()
    kept(cache, other).rename(cache.folder / name)
    assert cache.find(OLD, "p.yaml", {}) is None


@pytest.mark.parametrize("what", ["__version__", "LAYOUT"])
def test_an_entry_of_another_version_is_not_taken(cache: Cache, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    entry = kept(cache)
    monkeypatch.setattr(cached, what, "another")
    identity = hashlib.sha256(cached._identity(OLD, "p.yaml")).hexdigest()[:40]
    entry.rename(cache.folder / f"{identity}.compiled")
    assert cache.find(OLD, "p.yaml", {}) is None


def test_an_entry_holds_for_the_environment_that_it_read(cache: Cache) -> None:
    data = OLD.replace(b"}", b', conditions: {path_match: {path: ["${PLACE}/x"]}}}')
    compile_cached(data, "p.yaml", {"PLACE": "/srv", "OTHER": "1"}, cache)
    assert cache.find(data, "p.yaml", {"PLACE": "/srv"}) is not None
    assert cache.find(data, "p.yaml", {"PLACE": "/tmp"}) is None
    assert cache.find(data, "p.yaml", {}) is None
    (entry,) = cache.folder.glob("*.compiled")
    assert b"/srv" not in entry.read_bytes()[:200]


def test_the_users_own_key_is_theirs_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    key = own_key(state)
    assert key is not None
    assert len(key) == 32
    assert (state / "cache.key").stat().st_mode & 0o777 == 0o600
    assert own_key(state) == key
    (state / "cache.key").chmod(0o644)
    assert own_key(state) is None
    (state / "cache.key").chmod(0o600)
    state.chmod(0o777)
    assert own_key(state) is None


def test_old_entries_make_room(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "MAX_ENTRIES", 3)
    for at in range(6):
        compile_cached(OLD + b"#" * at, "p.yaml", {}, cache)
    assert len(list(cache.folder.iterdir())) == 3
    assert cache.find(OLD + b"#####", "p.yaml", {}) is not None
