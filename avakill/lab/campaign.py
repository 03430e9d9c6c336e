"""One policy put to every kernel and layer that was asked for, and what could not be had."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avakill.backends.contract import Backend, Settings
from avakill.backends.plan import make_plan
from avakill.enforce import kernel as here
from avakill.ir.policy import Policy
from avakill.lab.cases import Choice, lab_target, prepare
from avakill.lab.compare import compare
from avakill.lab.report import Column, NotRun
from avakill.lab.tracing import complaints_of
from avakill.lab.words import LabFault, Progress, Runner

HOST = "host"
KERNELS = {"6.12": 6, "6.1": 2}
"""Debian's kernels that a guest boots, with their Landlock ABI."""

LAYERS = ("landlock", "seccomp", "apparmor", "selinux", "tetragon")
OF_THE_HOST = ("landlock", "seccomp")


@dataclass(frozen=True, slots=True)
class Asked:
    """What to try: every layer on every kernel. `tetragon` is the folder with Tetragon's own binaries, if anyone has it."""

    kernels: tuple[str, ...]
    layers: tuple[str, ...]
    choice: Choice
    tetragon: Path | None = None


def campaign(policy: Policy, backends: Iterable[Backend[Any]], asked: Asked, progress: Progress) -> Iterator[Column | NotRun]:
    """A column for each layer and kernel, or why there is none."""
    for backend in backends:
        if backend.name == "tetragon":
            yield tetragon(policy, backend, asked)
            continue
        for kernel in asked.kernels:
            try:
                yield column(policy, backend, kernel, asked.choice, progress)
            except LabFault as fault:
                yield NotRun(backend.name, kernel, fault.reason, fault.help)


def column(policy: Policy, backend: Backend[Any], kernel: str, choice: Choice, progress: Progress) -> Column:
    """Raises LabFault where the kernel or the layer cannot be had."""
    runner = runner_of(kernel, backend.name)
    start = time.monotonic()
    abi = here.abi() if kernel == HOST else KERNELS[kernel]
    release = platform.release() if kernel == HOST else kernel
    made = prepare(f"{backend.name}@{kernel}", policy, lab_target(policy, release, abi), backend, choice)
    found = [compare(made.claims, case.world, case.trials, outcomes) for case, outcomes in runner.run((made.case,), progress)]
    if not found:
        raise LabFault("the runner gave no answer")
    return Column(backend.name, kernel, release, made.claims, found[0], made.case.material, time.monotonic() - start)


def runner_of(kernel: str, layer: str) -> Runner:
    """Raises LabFault."""
    if kernel == HOST:
        if layer not in OF_THE_HOST:
            raise LabFault("it is put on in a guest only, never on this machine", "--kernel 6.12")
        from avakill.lab.host import this_machine

        return this_machine()
    from avakill.lab.guest import Guest

    return Guest(kernel, layer)


def tetragon(policy: Policy, backend: Backend[Any], asked: Asked) -> NotRun:
    """The TracingPolicy held against the schema and the limits of loading: no kernel of ours loads it."""
    plan = make_plan(policy, lab_target(policy, asked.kernels[0], KERNELS["6.12"]), asked.choice.options)
    settings = Settings(pod_labels=(("app", "agent"),))
    text = "".join(artifact.text for artifact in backend.emit(backend.lower(plan, settings).model))
    wrong = tuple(complaints_of(text))
    if wrong:
        return NotRun("tetragon", "", f"Tetragon would not take the policy: {wrong[0]}", is_wrong=True)
    checked = "schema and limits hold"
    if asked.tetragon is None:
        return NotRun("tetragon", "", f"{checked}; Tetragon itself was not given", "--tetragon DIR with its binaries and BPF objects")
    return NotRun("tetragon", "", f"{checked}; this version cannot start Tetragon in a guest yet")
