"""Other engines, asked the same questions: run by scripts/bench_guard.py inside a virtual environment that has the engine.

`python peers.py NAME` reads `{"rules": [[action, prefix]…], "calls": [[path, allowed]…], "seconds": N}` from standard input and writes
`{"load_ms", "p50_us", "p99_us", "asked", "wrong"}`. Rules do not overlap, so the order in which an engine tries them decides nothing.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[[str], bool]
Rules = list[tuple[str, str]]


def avakill(rules: Rules) -> Ask:
    """The other product of this name, from its own environment: this interpreter has no other `avakill`."""
    from avakill import Guard

    listed = [
        {"name": f"r{at}", "tools": ["file_read"], "action": action, "conditions": {"path_match": {"path": [prefix]}}}
        for at, (action, prefix) in enumerate(rules)
    ]
    guard = Guard(policy={"version": "1.0", "default_action": "deny", "policies": listed})
    return lambda path: bool(guard.evaluate("file_read", {"path": path}).allowed)


def cedarpy(rules: Rules) -> Ask:
    import cedarpy as cedar

    text = "\n".join(
        f'{"permit" if action == "allow" else "forbid"} (principal, action, resource) when {{ context.path like "{prefix}/*" }};'
        for action, prefix in rules
    )
    made = getattr(cedar, "PolicySet", None)
    policies = made.from_str(text) if made is not None and hasattr(made, "from_str") else text
    request = {"principal": 'User::"agent"', "action": 'Action::"read"', "resource": 'File::"f"'}
    return lambda path: bool(cedar.is_authorized({**request, "context": {"path": path}}, policies, []).allowed)


def pycasbin(rules: Rules) -> Ask:
    import casbin

    model = casbin.Model()
    model.load_model_from_text(
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act, eft\n[policy_effect]\n"
        "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\n"
        "m = keyMatch(r.obj, p.obj) && r.act == p.act\n"
    )
    folder = Path(tempfile.mkdtemp())
    lines = "".join(f"p, agent, {prefix}/*, read, {action}\n" for action, prefix in rules)
    (folder / "policy.csv").write_text(lines)
    enforcer = casbin.Enforcer(model, casbin.FileAdapter(str(folder / "policy.csv")))
    return lambda path: bool(enforcer.enforce("agent", path, "read"))


def regopy(rules: Rules) -> Ask:
    """rego-cpp: a data-driven policy, as its users write it."""
    from regopy import Interpreter

    rego = Interpreter()
    rego.add_data({"allow": [p for a, p in rules if a == "allow"], "deny": [p for a, p in rules if a == "deny"]})
    rego.add_module(
        "avakill",
        'package avakill\ndenied if { some p in data.deny; startswith(input.path, concat("", [p, "/"])) }\n'
        'permitted if { some p in data.allow; startswith(input.path, concat("", [p, "/"])) }\n'
        "default allow := false\nallow if { permitted; not denied }\n",
    )

    def ask(path: str) -> bool:
        rego.set_input({"path": path})
        return '"expressions":[true]' in str(rego.query("data.avakill.allow")).replace(" ", "")

    return ask


ENGINES: dict[str, Callable[[Rules], Ask]] = {"avakill": avakill, "cedarpy": cedarpy, "pycasbin": pycasbin, "regopy": regopy}


def measure(make: Callable[[Rules], Ask], rules: Rules, calls: list[tuple[str, bool]], seconds: float) -> dict[str, Any]:
    start = time.perf_counter()
    ask = make(rules)
    ask(calls[0][0])
    load = time.perf_counter() - start
    took: list[int] = []
    wrong = 0
    end = time.monotonic() + seconds
    for path, allowed in calls:
        began = time.perf_counter_ns()
        answer = ask(path)
        took.append(time.perf_counter_ns() - began)
        wrong += answer != allowed
        if time.monotonic() > end:
            break
    took.sort()
    return {
        "load_ms": load * 1e3,
        "p50_us": took[len(took) // 2] / 1e3,
        "p99_us": took[len(took) * 99 // 100] / 1e3,
        "asked": len(took),
        "wrong": wrong,
    }


def main() -> None:
    asked = json.load(sys.stdin)
    rules = [(action, prefix) for action, prefix in asked["rules"]]
    calls = [(path, allowed) for path, allowed in asked["calls"]]
    json.dump(measure(ENGINES[sys.argv[1]], rules, calls, asked["seconds"]), sys.stdout)


if __name__ == "__main__":
    main()
