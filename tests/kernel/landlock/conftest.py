"""Kernel tests need a Linux with Landlock; elsewhere they are skipped with the reason."""

from __future__ import annotations

import pytest

from avakill.enforce import kernel


@pytest.fixture(autouse=True)
def _has_landlock() -> None:
    refusal = kernel.missing()
    if refusal is not None:
        pytest.skip(refusal.reason)
