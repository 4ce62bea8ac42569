"""``relu-exact`` on networks of one hidden layer: rows a parameter, how far off, CPU; what it refuses, and when.

Features count as real numbers, as which such networks take them, but in ``relu-mixed``. *Off* is the largest difference
of scores (values, or logarithms of ratios of probabilities) as a share of the largest score, on 5,000 uniform rows and
5,000 between held-out ones. A surrogate, trained on the scores of as many rows of these kinds, is measured likewise.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from itertools import chain
from typing import Any

import attrs
import numpy as np
from nonlinear_parts.forests import REGISTRY, spread
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.active.samplers import between_rows
from mex.types import Estimator, FloatArray

POINTS = 5_000
CELLS = (  # dataset, neurons
    *(("breast-cancer", h) for h in (10, 50, 100)),
    *(("ionosphere", h) for h in (10, 50, 100)),
    *(("spambase", h) for h in (10, 50, 100)),
    *(("wine", h) for h in (10, 50)),
    *(("diabetes", h) for h in (10, 50)),
    *(("digits", h) for h in (10, 50)),
)
MIXED = (("diabetes", 10), ("diabetes", 50), ("pima-diabetes", 20), ("heart", 10), ("german-credit", 10), ("bank", 5))
DEEP = ("diabetes", "pima-diabetes", "heart", "german-credit", "bank")
NOISE = np.random.default_rng(0)
REFUSED: tuple[tuple[str, dict[str, Any], Callable[[FloatArray], FloatArray] | None], ...] = (
    ("tanh", {"activation": "tanh"}, None),
    ("logistic", {"activation": "logistic"}, None),
    ("two layers", {"hidden_layer_sizes": (50, 50)}, None),
    ("4 decimals", {}, lambda answers: answers.round(4)),
    ("float32", {}, lambda answers: answers.astype(np.float32).astype(np.float64)),
    ("noise", {}, lambda answers: answers + 1e-3 * NOISE.random(answers.shape)),
)


@attrs.frozen(eq=False)
class Scene:
    """A fitted network, its box, and rows."""

    model: Estimator
    domain: mex.Domain
    pool: FloatArray
    held_out: FloatArray

    @property
    def network(self) -> Estimator:
        """The network itself."""
        return getattr(self.model[-1], "regressor_", self.model[-1])

    def scores(self, X: FloatArray) -> FloatArray:
        """The scores behind the answers, shape (n, m)."""
        if self.model_is_regressor:
            return np.asarray(self.model.predict(X)).reshape(-1, 1)
        net, Z = self.network, self.model[0].transform(X)
        Z = np.maximum(Z @ net.coefs_[0] + net.intercepts_[0], 0) @ net.coefs_[1] + net.intercepts_[1]
        return np.asarray(Z if Z.shape[1] == 1 else Z[:, 1:] - Z[:, :1])

    @property
    def model_is_regressor(self) -> bool:
        """Whether it answers values."""
        return not hasattr(self.model, "classes_")

    def rows(self, n: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Uniform rows, and rows between held-out ones."""
        return self.domain.sample(n, rng), between_rows(self.held_out, self.domain, n, rng)


def scene_of(dataset: str, seed: int, *, real: bool = True, **parameters: Any) -> Scene:
    """A network fitted to the training rows of a dataset; without ``real`` whole numbers and levels are what they are.

    Columns of levels are not scaled, as behind an encoder.
    """
    scene = set_scene(REGISTRY, Spec.parse("decision-tree"), Spec(dataset), seed)
    X = np.concatenate([scene.train.X, scene.pool.X, scene.yardstick.points["agreement"]])
    varies = X.std(axis=0) > 0
    options = {"alpha": 0.1, "learning_rate_init": 0.01, "max_iter": 300, "random_state": seed} | parameters
    if scene.target.classes is None:
        network = TransformedTargetRegressor(MLPRegressor(**options), transformer=StandardScaler())
    else:
        network = MLPClassifier(**options)
    scaler, domain = StandardScaler(), mex.Domain(X[:, varies].min(axis=0), X[:, varies].max(axis=0))
    if not real:
        domain, varies = scene.target.domain, np.ones(len(varies), dtype=bool)
        numbers = np.setdiff1d(np.arange(domain.n_features), np.array(list(chain(*domain.groups)), dtype=int))
        scaler = ColumnTransformer([("numbers", StandardScaler(), numbers)], remainder="passthrough")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # whether it has converged is no matter
        model = make_pipeline(scaler, network).fit(scene.train.X[:, varies], scene.train.y)
    held_out = scene.yardstick.points["agreement"][:, varies]
    return Scene(model, domain, scene.pool.X[:, varies], held_out)


class Changed:
    """A model whose answers are changed on their way out."""

    def __init__(self, scene: Scene, change: Callable[[FloatArray], FloatArray]) -> None:
        self.model, self.change = scene.model, change
        if not scene.model_is_regressor:
            self.classes_ = scene.model.classes_

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """Changed probabilities."""
        p = self.change(self.model.predict_proba(X))
        whole = np.abs(p.sum(axis=1, keepdims=True) - 1) < 1e-6
        return np.asarray(np.where(whole, p, p / p.sum(axis=1, keepdims=True)))

    def predict(self, X: FloatArray) -> Any:
        """Their labels."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def steal(scene: Scene, seed: int, model: Any = None) -> tuple[mex.Extraction, float]:
    """An extraction without a budget, and its seconds of CPU."""
    target = mex.FittedTarget.wrap(model or scene.model, domain=scene.domain, family=mex.Family("neural"))
    oracle = mex.Oracle(target, answers="value" if scene.model_is_regressor else "proba")
    attack = REGISTRY.build("attack", "relu-exact")
    learner = attack.learner(oracle.knowledge(pool=scene.pool), np.random.default_rng([seed, 2]))
    started = time.process_time()
    return mex.extract(oracle, learner, snapshots=False), time.process_time() - started


def off(scene: Scene, predicted: Callable[[FloatArray], FloatArray], rng: np.random.Generator) -> FloatArray:
    """The largest difference of scores at each row, as a share of the largest score."""
    X = np.concatenate(scene.rows(POINTS, rng))
    truth = scene.scores(X)
    return np.asarray(np.abs(predicted(X).reshape(truth.shape) - truth).max(axis=1) / np.abs(truth).max())


def surrogate(scene: Scene, n: int, units: int, rng: np.random.Generator) -> float:
    """How far a network is off that was trained on the scores of ``n`` rows."""
    uniform, near = scene.rows(n // 2, rng)
    X = np.concatenate([uniform, near])
    network = MLPRegressor(hidden_layer_sizes=(units,), solver="lbfgs", alpha=1e-4, max_iter=1000, random_state=0)
    model = make_pipeline(StandardScaler(), TransformedTargetRegressor(network, transformer=StandardScaler()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, scene.scores(X))
    return float(off(scene, model.predict, rng).max())


def relu(seeds: int) -> None:
    """One hidden layer of ReLUs: rows a parameter, off as a share of the size, CPU."""
    _cells(seeds, CELLS, real=True)


def relu_mixed(seeds: int) -> None:
    """The same where whole numbers and levels are what they are; *wrong* is the share of rows that are off."""
    _cells(seeds, MIXED, real=False)


def _cells(seeds: int, cells: tuple[tuple[str, int], ...], *, real: bool) -> None:
    with threadpool_limits(1):
        for dataset, units in cells:
            rows, errors = list[float](), list[float]()
            wrong, seconds = list[float](), list[float]()
            notes = set[str]()
            for seed in range(seeds):
                scene = scene_of(dataset, seed, real=real, hidden_layer_sizes=(units,))
                stolen, spent = steal(scene, seed)
                if not hasattr(stolen.hypothesis, "scores"):
                    notes.add(f"after {stolen.queries} rows {stolen.note}")
                    continue
                groups = scene.domain.groups
                d, m = scene.domain.n_features - len(groups), scene.scores(scene.held_out[:1]).shape[1]
                rows.append(stolen.queries / ((d + 1) * units + (units + 1) * m))
                apart = off(scene, stolen.hypothesis.scores, np.random.default_rng([seed, 3]))
                errors.append(float(apart.max()))
                wrong.append(100 * float(np.mean(apart > 1e-8)))
                seconds.append(spent)
            beside = surrogate(scene, stolen.queries, units, np.random.default_rng(4))
            print(
                f"{dataset:<15}{units:<5}ended {len(rows)} of {seeds}"
                f"  rows/parameter {spread(rows or [np.nan], '.2f'):<20}"
                f" off {spread(errors or [np.nan], '.0e'):<24} wrong {max(wrong, default=np.nan):.2f} %"
                f"  surrogate off {beside:.1g}"
                f"  CPU s {spread(seconds or [np.nan], '.1f')}",
                flush=True,
            )
            for note in sorted(notes):
                print(f"    {note}", flush=True)


def relu_refused(seeds: int) -> None:
    """What relu-exact refuses: after how many rows, and with which sentence; the last lines are mixed interfaces."""
    with threadpool_limits(1):
        for what, parameters, change in REFUSED:
            for dataset in ("breast-cancer", "wine"):
                for seed in range(seeds):
                    scene = scene_of(dataset, seed, **{"hidden_layer_sizes": (20,)} | parameters)
                    stolen, _ = steal(scene, seed, None if change is None else Changed(scene, change))
                    print(f"{what:<12}{dataset:<15}after {stolen.queries} rows: {stolen.note}", flush=True)
        for dataset in DEEP:
            for seed in range(seeds):
                scene = scene_of(dataset, seed, real=False, hidden_layer_sizes=(50, 50))
                stolen, _ = steal(scene, seed)
                print(f"two layers  {dataset:<15}after {stolen.queries} rows: {stolen.note}", flush=True)


PARTS: dict[str, Callable[[int], None]] = {"relu": relu, "relu_mixed": relu_mixed, "relu_refused": relu_refused}
