"""What every attack on kernel machines, trees, forests and regressors costs in CPU, beside the rest of its cell.

CPU is that of the process, on one thread, not wall time. The attack's is what passes in its methods; the rest of the
cell is the target's and the framework's. Figures are medians over the seeds with the least and the most; an attack
that takes long is run with the first seed only. With ``--beside PYTHON`` each attack runs on that build too, in turn.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import numpy as np
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.experiment import set_scene
from mex.registry.spec import Spec
from mex.types import Answer, Array, FloatArray

REGISTRY = mex.load_registry()
OPTIONS = argparse.ArgumentParser(add_help=False)
OPTIONS.add_argument("--beside", metavar="PYTHON", help="cpu: the python of another build, measured in the same run")
BUDGET, DEAR_BUDGET = 2000, 1000
DEAR = ("dual-space:margin=maxmin", "dual-space:margin=ratio")
"""The rules that train sixteen machines to choose one row: half of the queries show what they cost."""
ASKED = 20.0
"""The most milliseconds per query that an attack may take without a reason in its docstring."""

KERNELS = (
    *("adaptive-retraining", "extended-adaptive-training", "margin-points", "boundary-search"),
    *("dual-space:margin=simple", *DEAR),
)
CELLS: tuple[tuple[str, str, str, Answer], ...] = (  # attack, model, dataset, answers
    *((attack, "kernel-svm", "breast-cancer", "label") for attack in KERNELS),
    *((attack, "decision-tree", "adult", "leaf") for attack in ("path-finding", "tree-structure")),
    *((attack, "decision-tree", "adult", "label") for attack in ("iwal-tree", "tree-labels", "threshold-cart")),
    ("kushilevitz-mansour", "boolean-tree", "boolean", "label"),
    *((attack, "random-forest", "breast-cancer", "label") for attack in ("flip-search", "query-by-committee")),
    ("boosted-surrogate", "random-forest", "breast-cancer", "label"),
    ("stump-scan", "boosted-trees", "diabetes", "value"),
    ("active-regression", "kernel-ridge", "diabetes", "value"),
)


class Clock:
    """CPU seconds that passed inside it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        started = time.process_time()
        try:
            yield
        finally:
            self.seconds += time.process_time() - started


class TimedLearner:
    """A learner whose CPU is counted: ``spent`` has the queries told so far and the seconds by then."""

    def __init__(self, learner: mex.Learner, clock: Clock) -> None:
        self._learner, self._clock, self.spent = learner, clock, [(0, 0.0)]

    def ask(self) -> FloatArray | None:
        with self._clock.running():
            return self._learner.ask()

    def tell(self, X: FloatArray, answers: Array) -> None:
        with self._clock.running():
            self._learner.tell(X, answers)
        self.spent.append((self.spent[-1][0] + len(X), self._clock.seconds))

    def hypothesis(self) -> Any:
        with self._clock.running():
            return self._learner.hypothesis()


@attrs.frozen
class Bill:
    """What a run cost: milliseconds of the attack per query, in all and over the last tenth, and its share."""

    queries: int
    each: float
    last: float
    share: float


def bill(attack: str, model: str, dataset: str, answers: Answer, seed: int) -> Bill:
    """Run one attack to its own end, or to that of the budget."""
    scene = set_scene(REGISTRY, Spec.parse(model), Spec.parse(dataset), seed)
    whole, own = Clock(), Clock()
    oracle = mex.Oracle(scene.target, answers=answers, budget=DEAR_BUDGET if attack in DEAR else BUDGET)
    with threadpool_limits(1), whole.running():
        with own.running():
            started = REGISTRY.build("attack", attack).learner(
                oracle.knowledge(pool=scene.pool.X), np.random.default_rng([seed, 2])
            )
        learner = TimedLearner(started, own)
        n = mex.extract(oracle, learner, snapshots=False).queries
    told, seconds = np.transpose([*learner.spent[:-1], (n, own.seconds)])
    late = own.seconds - float(np.interp(0.9 * n, told, seconds))
    return Bill(n, 1e3 * own.seconds / n, 1e3 * late / (0.1 * n), own.seconds / whole.seconds)


def bill_beside(python: str, attack: str, model: str, dataset: str, answers: Answer, seed: int) -> Bill:
    """The same by another build."""
    command = [python, __file__, attack, model, dataset, answers, str(seed)]
    return Bill(**json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def spread(values: Sequence[float], form: str) -> str:
    """Median, least and most."""
    return f"{np.median(values):{form}} [{min(values):{form}} {max(values):{form}}]"


def cpu(seeds: int) -> None:
    """CPU of every attack to 2,000 queries; asked: its share, and a reason in its docstring above 20 ms per query."""
    started = time.process_time()
    other = OPTIONS.parse_known_args()[0].beside
    for attack, model, dataset, answers in CELLS:
        bills = [bill(attack, model, dataset, answers, 0)]
        slow = bills[0].each > ASKED
        bills += [bill(attack, model, dataset, answers, seed) for seed in range(1, 1 if slow else seeds)]
        beside = "  above 20 ms" if slow else ""
        if other:
            theirs = [bill_beside(other, attack, model, dataset, answers, seed).each for seed in range(len(bills))]
            beside += f"  {np.median([b.each for b in bills]) / np.median(theirs):.2f} of the other build's"
        print(
            f"{attack:<27}{model + ' of ' + dataset:<31}{answers:<6}"
            f"queries {spread([b.queries for b in bills], '.0f'):<18}"
            f"ms/query {spread([b.each for b in bills], '.3g'):<26}"
            f"last tenth {spread([b.last for b in bills], '.3g'):<26}"
            f"share of the cell {spread([100 * b.share for b in bills], '.0f')} %{beside}",
            flush=True,
        )
    print(f"CPU of all of this: {time.process_time() - started:.0f} s", flush=True)


PARTS: dict[str, Callable[[int], None]] = {"cpu": cpu}

if __name__ == "__main__":  # for a run beside another build
    print(json.dumps(attrs.asdict(bill(*sys.argv[1:5], int(sys.argv[5])))))
