"""Linear models on interfaces of categories, whole and real numbers: `bayes-point` beside `margin` and the bounds.

Each run is one attack on one target, with its curve of wrong rows. Runs are kept in the folder that MEX_RUNS names,
as JSON lines, so that a run that was interrupted goes on; without it they are kept nowhere.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.active.samplers import between_rows
from mex.toolkit.bayes_point.encoding import Encoding
from mex.toolkit.bounds import query_bound
from mex.toolkit.metrics import geometric_error
from mex.types import FloatArray

REGISTRY = mex.load_registry()
FIRST_SEED = 20
"""Settings were chosen on seeds 0 to 11."""
TEST_ROWS = 20_000
MARKS = np.unique((10 * 1.15 ** np.arange(45)).astype(int))
"""After how many queries hypotheses are compared with the target."""
MARGIN = tuple(
    f"margin:sampler=uniform,batch=10,model={{use='logistic',C={C}}}" for C in ("1.0", "1000.0", "1000000.0")
)
NOISY_MARGIN = tuple(f"margin:sampler=uniform,batch=10,model={{use='logistic',C={C}}}" for C in ("0.1", "1.0"))
DISCRETE = {
    "20 bits": 500,
    "breast-cancer-wisconsin/logistic": 400,
    "vote/linear-svm": 500,
    "tic-tac-toe/logistic": 500,
    "10 groups of 5": 900,
    "mushroom/logistic": 1500,
    "adult/logistic": 1500,
}
DIGITS = {"digits/logistic": 5000}
"""All-discrete targets, and how many queries are made at most."""
MIXED = ("heart/logistic", "german-credit/logistic", "bank/logistic", "10 reals, 10 groups of 4")
FLIPPED = {"20 bits": 1200, "10 groups of 5": 1400, "tic-tac-toe/logistic": 900}

CPU = {
    "breast-cancer-wisconsin/logistic": 300,
    "heart/logistic": 400,
    "tic-tac-toe/logistic": 300,
    "20 bits": 500,
    "10 reals, 10 groups of 4": 700,
    "bank/logistic": 700,
    "german-credit/logistic": 800,
    "adult/logistic": 1000,
}
CUT = (
    "breast-cancer/logistic",
    "ionosphere/logistic",
    "heart/logistic",
    "german-credit/logistic",
    "bank/logistic",
    "vote/linear-svm",
)


@attrs.frozen
class Task:
    """A linear model behind an interface, and rows to compare on: uniform ones, and crossovers of data held out."""

    target: Any
    pool: FloatArray | None
    rows: dict[str, FloatArray]


def task(name: str, seed: int) -> Task:
    """A dataset and a model fitted to it, or a model with normal weights; one for each seed."""
    rng = np.random.default_rng([seed, 7])
    if "/" in name:
        data, model = name.split("/")
        scene = set_scene(REGISTRY, Spec.parse(model), Spec.parse(data), seed)
        near = between_rows(scene.yardstick.points["agreement"], scene.target.domain, TEST_ROWS, rng, crossover=True)
        target, pool = scene.target, scene.pool.X
        return Task(target, pool, {"uniform": target.domain.sample(TEST_ROWS, rng), "near": near})
    groups = {"10 groups of 5": (10, 5), "10 reals, 10 groups of 4": (10, 4)}.get(name, (0, 1))
    numbers = {"20 bits": 20, "10 reals, 10 groups of 4": 10}.get(name, 0)
    d = numbers + math.prod(groups)
    columns = [tuple(range(numbers + groups[1] * i, numbers + groups[1] * (i + 1))) for i in range(groups[0])]
    integer = np.full(d, name == "20 bits")
    domain = mex.Domain(np.zeros(d), np.ones(d), integer=integer, groups=columns)
    encoding = Encoding(domain)
    coef, intercept = encoding.weights(rng.standard_normal((1, encoding.d)))
    model = mex.halfspace(coef[0], float(intercept[0]))
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"), answers=("label",))
    return Task(target, None, {"uniform": domain.sample(TEST_ROWS, rng)})


def measured(name: str, attack: str, seed: int, budget: int, rho: float = 0.0, told: bool = True) -> dict[str, Any]:
    """One run: queries and the share of wrong rows at marks, how it ended, its geometric error, CPU of the learner."""
    key = {"task": name, "attack": attack, "seed": seed, "budget": budget, "rho": rho, "told": told}
    kept = Path(folder, "discrete.jsonl") if (folder := os.environ.get("MEX_RUNS")) else None
    for line in kept.read_text().splitlines() if kept and kept.exists() else []:
        found: dict[str, Any] = json.loads(line)
        if all(found[k] == v for k, v in key.items()):
            return found
    found = key | _run(task(name, seed), attack, seed, budget, rho, told)
    if kept:
        with kept.open("a") as file:
            print(json.dumps(found), file=file)
    return found


def _run(task: Task, attack: str, seed: int, budget: int, rho: float, told: bool) -> dict[str, Any]:
    target = task.target
    truth = {k: target.answer(X, "label") for k, X in task.rows.items()}
    if rho:
        noise = np.random.default_rng([seed, 1])
        target = REGISTRY.build("defense", f"bounded-noise:rho={rho}").protect(target, None, noise)
    oracle = mex.Oracle(target, answers="label", budget=budget)
    known = oracle.knowledge(pool=task.pool)
    known = known if told else attrs.evolve(known, rho=None)
    learner = REGISTRY.build("attack", attack).learner(known, np.random.default_rng([seed, 2]))
    marks, curve, spent = [m for m in MARKS.tolist() if m <= budget], [], 0.0

    def wrong() -> list[float]:
        hypothesis = learner.hypothesis()
        return [float(np.mean(hypothesis.predict(X) != truth[k])) for k, X in task.rows.items()]

    with threadpool_limits(1):
        while oracle.remaining:
            started = time.process_time()
            X = learner.ask()
            spent += time.process_time() - started
            if X is None:
                break
            answers = oracle.ask(X)
            started = time.process_time()
            learner.tell(X[: len(answers)], answers)
            spent += time.process_time() - started
            if marks and oracle.queries >= marks[0]:
                marks = [m for m in marks if m > oracle.queries]
                curve.append([oracle.queries, *wrong()])
    inner = learner.inner if hasattr(learner, "inner") else learner
    estimator, queries = getattr(task.target, "estimator", None), oracle.queries
    error = None if estimator is None else geometric_error(learner.hypothesis(), estimator, task.target.domain)
    return {
        "queries": queries,
        "checks": getattr(learner, "checked", 0),
        "done": oracle.remaining != 0,
        "note": getattr(inner, "note", ""),
        "wrong": wrong(),
        "curve": [*curve, [queries, *wrong()]],
        "majority": [float(np.unique(t, return_counts=True)[1].max() / len(t)) for t in truth.values()],
        "error": error,
        "ms": 1000 * spent / max(queries, 1),
    }


def reached(run: dict[str, Any], level: float, column: int = 1) -> float:
    """The queries from which the share of wrong rows stays below 1 - ``level``, log-interpolated; infinite if never."""
    found, before = math.inf, None
    for point in run["curve"]:
        if point[column] > 1 - level:
            found = math.inf
        elif found == math.inf:
            found = point[0]
            if before is not None and before[column] > 1 - level:
                high, low = math.log(before[column]), math.log(max(point[column], 0.5 / TEST_ROWS))
                share = (high - math.log(1 - level)) / (high - low)
                found = before[0] + share * (point[0] - before[0])
        before = point
    return found


def at(run: dict[str, Any], queries: int, column: int = 1) -> float:
    """The share of right rows at the last mark of at most so many queries."""
    return 1 - next((p[column] for p in reversed(run["curve"]) if p[0] <= queries), run["curve"][0][column])


def median(values: Iterator[float]) -> float:
    """The middle one of the values, infinite ones among them."""
    found = sorted(values)
    return found[(len(found) - 1) // 2] if found else math.nan


def bits(d: int, level: float, rho: float = 0.0) -> float:
    """The queries that a halfspace of d weights takes to an agreement on isotropic rows: those to an angle."""
    return query_bound(d, math.pi * (1 - level), rho)


def weights(name: str, seed: int) -> int:
    """How many weights a target has."""
    one = task(name, seed).target
    return (len(one.classes) - 1) * Encoding(one.domain).d
