"""The Tetragon backend: TracingPolicies whose BPF LSM hooks override what the policy denies."""
from __future__ import annotations

from avakill.backends.contract import Backend
from avakill.backends.tetragon.emit import emit
from avakill.backends.tetragon.lower import lower
from avakill.backends.tetragon.model import Model

BACKEND: Backend[Model] = Backend(
    name="tetragon",
    title="Tetragon TracingPolicy",
    artifacts=("tetragon.yaml",),
    system="linux",
    lower=lower,
    emit=emit,
    usage=(
        "kubectl apply --server-side -f tetragon.yaml",
        "without a cluster: tetra --timeout 300s tracingpolicy add FILE, for each object of the file",
        "choose whom it holds for with --pod-selector, --namespace or --binary",
    ),
    page="docs/backends/tetragon.md",
)
