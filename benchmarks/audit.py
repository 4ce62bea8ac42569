"""Audits against full matrices: does the race find the attack that all attacks with the whole budget would?

python benchmarks/audit.py                         every part, at quick depth
python benchmarks/audit.py tree --seeds 2

A part audits a model, then runs every attack that applies with the budget and the seeds of the judging, and prints the
queries of the best attack of each, and their ratio. Ratios count queries: they do not depend on the machine.
"""

from __future__ import annotations

import math
import os
import sys
import tempfile
from pathlib import Path

import attrs
from parts import Part, run

import mex
from mex.app.audit.depth import depth_called
from mex.app.audit.running import Audit
from mex.app.audit.subject import open_subject
from mex.app.audit.thieves import strongest
from mex.app.matrix.engine import Workers

LEVELS = (0.95, 0.99)
MODELS = {
    "linear": ("logistic", "breast-cancer"),
    "tree": ("decision-tree:max_depth=5", "heart"),
    "forest": ("random-forest", "heart"),
    "boosted": ("boosted-trees", "breast-cancer"),
    "regression": ("linear-regression", "diabetes"),
}


def part(model: str, data: str) -> Part:
    """A part that audits one model."""

    def compare(seeds: int) -> None:
        depth = attrs.evolve(depth_called("quick"), seeds=seeds)
        subject = open_subject(mex.load_registry(), model, data)
        workers = Workers(os.cpu_count(), fork=sys.platform == "linux")
        with tempfile.TemporaryDirectory() as place:
            audit = Audit(subject, depth, Path(place), workers, 1e-4, shields=())
            audited = audit.run(lambda name, run: None, lambda sentence: None)
            everything = attrs.evolve(depth, keep=1000)  # nothing leaves the race
            every = attrs.evolve(audit, depth=everything, choices=audit.applying)
            matrix = every.run(lambda name, run: None, lambda sentence: None)
        print(f"{len(audit.applying)} attacks apply, {len(audited.stay)} stay, {len(matrix.stay)} in the matrix")
        for shown in subject.kinds:
            for level in LEVELS:
                found = [strongest(outcome, shown).best(level) for outcome in (audited, matrix)]
                told = [f"{best[1].value:,.0f} by {best[0].choice.label}" if best else "nothing" for best in found]
                values = [best[1].value if best else math.inf for best in found]
                ratio = values[0] / values[1] if math.isfinite(values[1]) else 1.0
                print(f"{shown} to {level:g}: audit {told[0]}; matrix {told[1]}; ratio {ratio:.2f}", flush=True)

    compare.__doc__ = f"{model} on {data}: the audit's best attack against that of the full matrix"
    return compare


if __name__ == "__main__":
    run(__doc__, {name: part(*given) for name, given in MODELS.items()}, "seeds", 2)
