"""Watching the queries: does a detector see an attack, how soon, what is stolen by then, and whom else does it see?

``alarm`` is the query after which the alarm is raised, ``alarmed`` in how many of the seeds it is, ``refused at`` the
agreement on held-out rows of what is stolen when nothing is answered after the alarm, ``without`` that of the same
attack on an undefended model; attacks that cannot work on a dataset are left out. All attacks ask at most 500 queries.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import Scene, set_scene
from mex.defense import twin
from mex.types import stream

REGISTRY = mex.load_registry()
SEEDS = 3
BUDGET = 500

TESTS = {
    "hotelling": "test=hotelling",
    "mmd": "test=mmd",
    "prada": "test=prada",
    "prada, W < 0.9": "test=prada,delta=0.9",
}
LINEAR = ("pivot", "version-space", "passive:sampler=uniform", "passive:sampler=near", "passive", "margin:batch=5")
OTHERS = ("passive:sampler=uniform", "passive:sampler=near", "margin:sampler=near,batch=10", "margin:batch=10")
MODELS = {
    "logistic:fit_intercept=false": (
        ("breast-cancer",),
        ("pivot", "version-space", "dimension-coupling:eps=1e-2", "passive:sampler=near"),
    ),
    "logistic": (("breast-cancer", "spambase", "ionosphere", "adult", "mushroom"), LINEAR),
    "decision-tree": (("breast-cancer", "spambase"), OTHERS),
    "random-forest": (("breast-cancer", "spambase"), OTHERS),
}


def scene(model: str, dataset: str, seed: int) -> Scene:
    """A fitted model and the rows around it."""
    return set_scene(REGISTRY, REGISTRY.resolve("model", model), REGISTRY.resolve("dataset", dataset), seed)


def steal(spec: str, where: Scene, defended: mex.Target, budget: int, seed: int) -> mex.Extraction:
    """Run one attack."""
    oracle = mex.Oracle(defended, answers="label", budget=budget)
    learner = REGISTRY.build("attack", spec).learner(oracle.knowledge(pool=where.pool.X), stream(seed, "attack"))
    return mex.extract(oracle, learner, snapshots=False)


def honest(seeds: int) -> None:
    """What honest clients get: alarms in a window, of rows that nothing was calibrated on; and the cost of a row."""
    for model, (datasets, _) in MODELS.items():
        for dataset in datasets:
            for label, params in TESTS.items():
                with threadpool_limits(1):
                    runs = Parallel(n_jobs=2)(delayed(_honest)(model, dataset, params, s) for s in range(seeds))
                rate, low, high, held_out, protect, batch, single, window = np.mean(runs, axis=0)
                print(
                    f"{model:<28} {dataset:<14} {label:<16} window {window:4.0f}  false alarms {rate:5.3f}"
                    f" ({low:.3f} to {high:.3f})  on held-out rows {held_out:5.3f}  calibrated in {protect:5.2f} s"
                    f"  us/row: in one batch {batch:5.0f}, one by one {single:5.0f}",
                    flush=True,
                )


def _honest(model: str, dataset: str, params: str, seed: int) -> Sequence[float]:
    where = scene(model, dataset, seed)
    started = time.perf_counter()
    defended: Any = protect(params, where, seed)
    protected = time.perf_counter()
    alarms = defended.false_alarms()
    X = where.yardstick.points["agreement"]
    window = len(defended._calibration.bounds) * defended._calibration.every
    rng = np.random.default_rng(seed)
    clients = [twin(defended) for _ in range(100)]
    for client in clients:
        client.admit(X[rng.permutation(len(X))[:window]])
    held_out = np.mean([client.alarm is not None for client in clients])
    rows = X[np.arange(500) % len(X)]
    costs = []
    for parts in ([rows], np.split(rows, len(rows))):
        client = twin(defended)
        before = time.perf_counter()
        for part in parts:
            client.admit(part)
        costs.append(1e6 * (time.perf_counter() - before) / (client.alarm or len(rows)))
    return (alarms.rate, alarms.low, alarms.high, float(held_out), protected - started, *costs, window)


def protect(params: str, where: Scene, seed: int, action: str = "flag") -> mex.Target:
    """A watched target."""
    defense = REGISTRY.build("defense", f"query-detector:{params},action={action}")
    target: mex.Target = defense.protect(where.target, where.train, stream(seed, "defense"))
    return target


def detector(seeds: int) -> None:
    """Each test against each attack."""
    for model, (datasets, attacks) in MODELS.items():
        for dataset in datasets:
            runs = Parallel(n_jobs=2)(delayed(_against)(model, dataset, attacks, seed) for seed in range(seeds))
            for cells in zip(*runs, strict=True):
                attack, label = cells[0][:2]
                alarms = [cell[2] for cell in cells if cell[2] is not None]
                spread = (
                    f"{np.median(alarms):4.0f} ({min(alarms):3} to {max(alarms):3})" if alarms else "   -" + " " * 13
                )
                refused, without = (np.median([cell[i] for cell in cells]) for i in (3, 4))
                print(
                    f"{model:<28} {dataset:<14} {attack:<29} {label:<16} alarmed {len(alarms)}/{seeds}  alarm {spread}"
                    f"  refused at {refused:5.3f}  without {without:5.3f}",
                    flush=True,
                )


def _against(
    model: str, dataset: str, attacks: Sequence[str], seed: int
) -> list[tuple[str, str, int | None, Any, Any]]:
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(_runs(scene(model, dataset, seed), attacks, seed))


def _runs(where: Scene, attacks: Sequence[str], seed: int) -> Iterator[tuple[str, str, int | None, Any, Any]]:
    watched = {label: protect(params, where, seed, "refuse") for label, params in TESTS.items()}
    for attack in attacks:
        try:
            bare = steal(attack, where, where.target, BUDGET, seed)
        except mex.Incompatible:
            continue
        without = where.yardstick.score(bare.hypothesis)["agreement"]
        for label in TESTS:
            client = twin(watched[label])
            stolen = steal(attack, where, client, BUDGET, seed)
            yield attack, label, client.alarm, where.yardstick.score(stolen.hypothesis)["agreement"], without


PARTS: dict[str, Callable[[int], None]] = {"false-alarms": honest, "detector": detector}
