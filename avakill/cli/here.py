"""A build as its Landlock part comes out on this machine."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from avakill.cli.common import Reporter, error
from avakill.source import codes

if TYPE_CHECKING:
    from avakill.enforce.landlock import DryRun
    from avakill.pipeline import Build


def as_expanded(made: Build, reporter: Reporter, status: int) -> tuple[Build, DryRun]:
    """The build with the findings of Landlock as they are here, and what it would restrict; ends with `status` where the
    kernel cannot."""
    from avakill.enforce.kernel import Refusal
    from avakill.enforce.landlock import dry_run
    from avakill.pipeline import row_verdicts

    abstract = next(emission for emission in made.emissions if emission.backend.name == "landlock")
    dry = dry_run(made.plan, abstract.lowering)
    if isinstance(dry, Refusal):
        reporter.show([error(codes.NOT_AVAILABLE, dry.reason, dry.help)])
        sys.exit(status)
    here = replace(abstract, lowering=dry.lowering, rows=row_verdicts(made.plan, dry.lowering))
    return replace(made, emissions=tuple(here if emission is abstract else emission for emission in made.emissions)), dry
