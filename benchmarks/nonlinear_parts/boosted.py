"""``boosted-exact`` on ensembles of several libraries: rows, trips, CPU, and what is wrong of 200,000 rows.

Rows include all checks; *a threshold* is what they are without the last 3,000, for each threshold found. *Wrong* counts
the rows, half of them uniform on the domain and half between held-out rows, on which an answer is off by more than
1e-8, or for float32 answers 1e-5, as a share of the largest. *K bits + leaves* is 24 bits for each threshold found (the
logarithm of the range for whole numbers) and a row for each leaf.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import numpy as np
from nonlinear_parts.forests import REGISTRY, spread
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.active.boosting import Boosting
from mex.toolkit.active.samplers import between_rows
from mex.types import Estimator, FloatArray

POINTS = 200_000
LIMIT = 400_000
CHECKS = 3000
CELLS = (  # library, dataset, depth, trees
    *(("gradient-boosting", data, depth, 100) for data in ("breast-cancer", "diabetes") for depth in (1, 2, 3)),
    *(("gradient-boosting", data, 3, 100) for data in ("pima-diabetes", "spambase")),
    ("gradient-boosting", "wine", 3, 50),
    *((library, "pima-diabetes", 3, 100) for library in ("hist", "lightgbm", "xgboost", "catboost", "forest")),
    *(("gradient-boosting", data, 4, 100) for data in ("breast-cancer", "diabetes")),
)
DEEP = (
    *(("forest", data, 6, 50) for data in ("breast-cancer", "heart")),
    ("gradient-boosting", "diabetes", 6, 100),
)
SURROGATE = (10_000, 50_000, 200_000)
COMPARED = ("diabetes", 3)
"""The cells beside which the surrogate is measured."""


def estimator(library: str, values: bool, depth: int, trees: int, seed: int) -> Estimator:
    """An unfitted ensemble."""
    if library == "gradient-boosting":
        kind = GradientBoostingRegressor if values else GradientBoostingClassifier
        return kind(n_estimators=trees, max_depth=depth, random_state=seed)
    if library == "hist":
        kind = HistGradientBoostingRegressor if values else HistGradientBoostingClassifier
        return kind(max_iter=trees, max_depth=depth, early_stopping=False, random_state=seed)
    if library == "forest":
        kind = RandomForestRegressor if values else RandomForestClassifier
        return kind(trees, max_depth=depth, random_state=seed)
    public: dict[str, Any] = {"n_estimators": trees, "learning_rate": 0.1, "random_state": seed}
    if library == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMRegressor if values else lightgbm.LGBMClassifier
        return kind(max_depth=depth, num_leaves=2**depth, n_jobs=1, verbose=-1, **public)
    if library == "xgboost":
        import xgboost

        kind = xgboost.XGBRegressor if values else xgboost.XGBClassifier
        return kind(max_depth=depth, n_jobs=1, **public)
    import catboost

    kind = catboost.CatBoostRegressor if values else catboost.CatBoostClassifier
    return kind(depth=depth, thread_count=1, verbose=False, allow_writing_files=False, **public)


@attrs.frozen(eq=False)
class Run:
    """One extraction and how it ended."""

    rows: int
    trips: int
    microseconds: float
    terms: int
    thresholds: int
    line: float
    wrong: int
    largest: float
    exact: bool
    note: str


class Trips:
    """A learner whose batches are counted."""

    def __init__(self, learner: mex.Learner) -> None:
        self._learner, self.count = learner, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._learner, name)

    def tell(self, X: FloatArray, answers: Any) -> None:
        self.count += 1
        self._learner.tell(X, answers)


def answers_of(model: Any, X: FloatArray, values: bool) -> FloatArray:
    """Values or probabilities."""
    return np.asarray(model.predict(X) if values else model.predict_proba(X))


def steal(library: str, dataset: str, depth: int, trees: int, seed: int) -> Run:
    """Run one cell to its end."""
    scene = set_scene(REGISTRY, Spec.parse("boosted-trees:trees=1"), Spec(dataset), seed)
    train, domain, values = scene.train, scene.target.domain, scene.target.classes is None
    held_out = scene.yardstick.points["agreement"]
    with threadpool_limits(1):
        model = estimator(library, values, depth, trees, seed).fit(train.X, train.y)
        target = mex.FittedTarget.wrap(model, domain=domain)
        oracle = mex.Oracle(target, answers="value" if values else "proba")
        attack = REGISTRY.build("attack", f"boosted-exact:limit={LIMIT},checks={CHECKS}")
        learner = Trips(attack.learner(oracle.knowledge(pool=scene.pool.X), np.random.default_rng([seed, 2])))
        started = time.process_time()
        stolen = mex.extract(oracle, learner, snapshots=False)
        spent = time.process_time() - started
        rng = np.random.default_rng([seed, 3])
        near = between_rows(held_out, domain, POINTS // 2, rng, crossover=True)
        X = np.concatenate([domain.sample(POINTS // 2, rng), near])
        truth = answers_of(model, X, values)
        off = np.abs(answers_of(stolen.hypothesis, X, values) - truth).reshape(len(X), -1).max(axis=1)
    tolerance = (1e-5 if truth.dtype == np.float32 else 1e-8) * np.abs(truth).max()
    exact = stolen.note.startswith("exact")
    found = stolen.hypothesis if exact else None
    return Run(
        stolen.queries,
        learner.count,
        1e6 * spent / stolen.queries,
        len(found.coefficients) if found else 0,
        sum(map(len, found.thresholds_.values())) if found else 0,
        information(found, library, model) if found else np.nan,
        int((off > tolerance).sum()),
        float(off.max()),
        exact,
        stolen.note,
    )


def information(found: Any, library: str, model: Any) -> float:
    """K bits + leaves."""
    domain, bits = found.domain, 0.0
    names = list(domain.names) or [str(i) for i in range(domain.n_features)]
    for name, places in found.thresholds_.items():
        i = names.index(name)
        bits += len(places) * (np.log2(domain.upper[i] - domain.lower[i] + 1) if domain.integer[i] else 24)
    return bits + leaves(library, model)


def leaves(library: str, model: Any) -> int:
    """How many leaves an ensemble has."""
    if library == "hist":
        return sum(int(tree.get_n_leaf_nodes()) for stage in model._predictors for tree in stage)
    if library == "lightgbm":
        return sum(tree["num_leaves"] for tree in model.booster_.dump_model()["tree_info"])
    if library == "xgboost":
        return sum(tree.count("leaf=") for tree in model.get_booster().get_dump())
    if library == "catboost":
        return int(sum(model.get_tree_leaf_counts()))
    return sum(int(tree.tree_.n_leaves) for tree in np.ravel(model.estimators_))


def surrogate(dataset: str, depth: int, trees: int, n: int) -> str:
    """R^2 and the largest error of ``boosted-surrogate``'s model, fitted to as many rows, half uniform, half near."""
    scene = set_scene(REGISTRY, Spec.parse("boosted-trees:trees=1"), Spec(dataset), 0)
    train, domain, rng = scene.train, scene.target.domain, np.random.default_rng(0)
    model = estimator("gradient-boosting", True, depth, trees, 0).fit(train.X, train.y)
    X = np.concatenate(
        [domain.sample(n // 2, rng), between_rows(scene.pool.X, domain, n - n // 2, rng, crossover=True)]
    )
    known = mex.Oracle(mex.FittedTarget.wrap(model, domain=domain)).knowledge()
    fitted = Boosting().estimator(known, 0).fit(X, model.predict(X))
    near = between_rows(scene.yardstick.points["agreement"], domain, 20_000, rng, crossover=True)
    truth = model.predict(near)
    off = fitted.predict(near) - truth
    return f"{n} rows: R^2 {1 - (off**2).mean() / truth.var():.4f}, off by up to {np.abs(off).max():.3g}"


def boosted(seeds: int) -> None:
    """Exact extraction: rows, terms, K bits + leaves, trips, CPU with the target's, wrong of 200,000."""
    measure(CELLS, seeds)


def deep(seeds: int) -> None:
    """The same of forests and boosted trees of depth 6."""
    measure(DEEP, seeds)


def measure(cells: Iterable[tuple[str, str, int, int]], seeds: int) -> None:
    """Run cells, and print a line for each."""
    for library, dataset, depth, trees in cells:
        runs = [steal(library, dataset, depth, trees, seed) for seed in range(seeds)]
        print(
            f"{library:<18}{dataset:<15}{depth} x {trees:<4} exact {sum(r.exact for r in runs)} of {len(runs)}"
            f"  rows {spread([r.rows for r in runs], '.0f'):<22} terms {spread([r.terms for r in runs], '.0f'):<16}"
            f" a threshold {spread([(r.rows - CHECKS) / max(r.thresholds, 1) for r in runs], '.0f'):<12}"
            f" K bits + leaves {spread([r.line for r in runs], '.0f'):<20}"
            f" rows/trip {spread([r.rows / r.trips for r in runs], '.0f'):<12}"
            f" us/row {spread([r.microseconds for r in runs], '.0f'):<16} wrong {max(r.wrong for r in runs)}"
            f" off by up to {max(r.largest for r in runs):.1g}",
            flush=True,
        )
        for note in sorted({r.note for r in runs if not r.exact}):
            print(f"    {note}", flush=True)
        if library == "gradient-boosting" and (dataset, depth) == COMPARED:
            for n in SURROGATE:
                print(f"    surrogate, {surrogate(dataset, depth, trees, n)}", flush=True)


PARTS: dict[str, Callable[[int], None]] = {"boosted": boosted, "boosted_deep": deep}
