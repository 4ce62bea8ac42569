"""CPU of cells, and of what they are for, in the build whose python runs this: one JSON line per cell.

python benchmarks/matrix_parts/share.py TIMES

It stands alone, and knows where an older build had what it needs, so that two builds can be measured in one run.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from threadpoolctl import threadpool_limits

import mex
from mex.defense import twin

try:
    from mex.app.matrix.experiment import run_cell
    from mex.app.matrix.plan import Plan
    from mex.app.matrix.scenarios import deploy, set_scene
except ImportError:
    from mex.runs.experiment import run_cell
    from mex.runs.plan import Plan
    from mex.runs.scenes import deploy, set_scene
try:
    from mex.types import stream
except ImportError:
    from mex.runs.cells import stream

REGISTRY = mex.load_registry()
CELLS = (
    ("passive", "logistic", "breast-cancer", 1000),
    ("margin", "logistic", "breast-cancer", 200),
    ("version-space", "logistic", "breast-cancer", 700),
    ("pivot", "logistic", "spambase", 1500),
    ("passive", "random-forest", "breast-cancer", 1000),
)


def comparable(attack: str) -> str:
    """The attack with the public regularisation, where a build can choose another: the same work in both builds."""
    chosen = f"{attack}:regularisation=public"
    try:
        REGISTRY.build("attack", chosen)
    except mex.MexError:
        return attack
    return chosen


def bare(cell: Any) -> float:
    """CPU seconds of the same learner asking the same target in a plain loop, and of its hypotheses' predictions."""
    with threadpool_limits(1):
        scene = set_scene(REGISTRY, cell.model, cell.dataset, cell.seed)
        target = twin(deploy(REGISTRY, cell).target)
        known = mex.Oracle(target, budget=cell.budget).knowledge(pool=scene.pool.X)
        learner = REGISTRY.build("attack", cell.attack).learner(known, stream(cell.seed, "attack"))
        started = time.process_time()
        asked, level = 0, 8.0
        kept = []
        while asked < cell.budget and (X := learner.ask()) is not None:
            X = X[: cell.budget - asked]
            learner.tell(X, target.answer(X, known.answers))
            asked += len(X)
            if asked >= level:
                kept.append(learner.hypothesis())
                while level <= asked:
                    level *= 2**0.5
        kept.append(learner.hypothesis())
        for hypothesis in kept:
            for X in scene.yardstick.points.values():
                hypothesis.predict(X)
        return time.process_time() - started


def whole(cell: Any) -> float:
    """CPU seconds of the cell."""
    started = time.process_time()
    run_cell(REGISTRY, cell)
    return time.process_time() - started


if __name__ == "__main__":
    for attack, model, data, budget in CELLS:
        tables = {
            "attacks": [comparable(attack)],
            "defenses": ["none"],
            "models": [model],
            "datasets": [data],
            "budget": budget,
        }
        cell = Plan.of(tables).resolve(REGISTRY).cells()[0]
        run_cell(REGISTRY, cell)  # the model is fitted from here on
        pairs = [(whole(cell), bare(cell)) for _ in range(int(sys.argv[1]))]
        fastest = [min(times) for times in zip(*pairs, strict=True)]
        print(json.dumps({"cell": f"{attack} {model} {data}", "whole": fastest[0], "bare": fastest[1]}), flush=True)
