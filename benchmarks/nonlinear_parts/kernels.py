"""Extraction of kernel machines: queries to an agreement, and what a query costs.

*Near* points are between held-out rows. An agreement counts as reached at the first number of queries from which on
it is held. Figures are medians over seeds, with the lowest and highest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from typing import Any, TypeAlias

import attrs
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_circles, make_moons
from sklearn.ensemble import BaggingClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

import mex
from mex.toolkit.active.samplers import between_rows
from mex.types import FloatArray

REGISTRY = mex.load_registry()
POINTS = 5000
SEEDS = 3
DATA = {"moons": 300, "circles": 300, "iris-binary": 400, "breast-cancer": 1000, "digits": 2500}
"""The datasets of the part rbf, with the budget of each."""
MORE = 4
"""Times more seeds in the part rbf, the peer's strategies apart: where five points of 5,000 decide, three runs say
little. Digits has one."""
ATTACKS = {
    "margin-points (variance)": "margin-points",
    "margin-points (diversity)": "margin-points:choice=diversity",
    "adaptive-retraining, rounds of 10": "adaptive-retraining:seed=uniform,rounds={rounds}",
    "extended-adaptive-training": "extended-adaptive-training",
    "dual-space (simple)": "dual-space:batch=5",
    "boundary-search": "boundary-search",
    "passive": "adaptive-retraining:strategy=uniform,rounds={rounds}",
}


Curve: TypeAlias = tuple[list[tuple[int, list[float]]], float]
"""(Queries, agreements) on the way, and CPU per query in milliseconds."""


@attrs.frozen
class Problem:
    """A target, the attacker's pool, and what agreement is measured on."""

    target: mex.FittedTarget
    pool: FloatArray
    points: dict[str, FloatArray]

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Near-data points of the attacker's own."""
        return between_rows(self.pool, self.target.domain, n, rng)

    def majorities(self) -> list[float]:
        """The share of the target's most common label on held-out, near and uniform points."""
        means = [
            float(np.mean(self.target.estimator.predict(X) == self.target.classes[1])) for X in self.points.values()
        ]
        return [max(mean, 1 - mean) for mean in means]

    def agreements(self, stolen: Any) -> list[float]:
        """Agreement on held-out, near and uniform points."""
        truth = self.target.estimator
        return [float(np.mean(stolen.predict(X) == truth.predict(X))) for X in self.points.values()]


def problem(X: FloatArray, y: Any, svc: SVC, domain: mex.Domain, seed: int) -> Problem:
    """Half of the rows train the target, a quarter is the pool, a quarter is held out."""
    order = np.random.default_rng([seed, 17]).permutation(len(X))
    train, pool, held_out = np.split(order, [len(X) // 2, len(X) * 3 // 4])
    family = mex.Family("kernel", svc.get_params(), svc)
    fitted = SVC(**svc.get_params()).fit(X[train], y[train])
    target = mex.FittedTarget.wrap(fitted, domain=domain, family=family, answers=("label",))
    rng = np.random.default_rng([seed, 5])
    near, uniform = between_rows(X[held_out], domain, POINTS, rng), domain.sample(POINTS, rng)
    return Problem(target, X[pool], {"held-out": X[held_out][:2000], "near": near, "uniform": uniform})


def rbf_problem(name: str, seed: int) -> Problem:
    """An RBF target with C = 10 on features scaled to [-1, 1]; gamma is 4 in the plane, else 2 / d."""
    if name in ("moons", "circles"):
        noisy = {"moons": make_moons, "circles": make_circles}[name]
        shape = {"noise": 0.2} if name == "moons" else {"noise": 0.12, "factor": 0.5}
        X, y = noisy(1000, random_state=seed, **shape)
    else:
        load = {"iris-binary": load_iris, "breast-cancer": load_breast_cancer, "digits": load_digits}[name]
        X, y = load(return_X_y=True)
        y = {"iris-binary": y == 1, "breast-cancer": y == 1, "digits": y >= 5}[name]
    low, high = X.min(axis=0), X.max(axis=0)
    X = 2 * (X - low) / np.where(high > low, high - low, 1) - 1
    d = X.shape[1]
    svc = SVC(C=10.0, gamma=4.0 if d == 2 else 2 / d)
    return problem(X, y.astype(int), svc, mex.Domain(-np.ones(d), np.ones(d)), seed)


def extract(case: Problem, spec: str, budget: int, seed: int) -> Curve:
    """The learning curve of an attack."""
    oracle = mex.Oracle(case.target, budget=budget)
    known = oracle.knowledge(pool=case.pool)
    curve, spent, due = [], 0.0, 10.0
    with threadpool_limits(1):
        started = time.process_time()
        learner = REGISTRY.build("attack", spec).learner(known, np.random.default_rng([seed, 2]))
        while (X := learner.ask()) is not None and oracle.remaining:
            spent += time.process_time() - started
            answers = oracle.ask(X)
            started = time.process_time()
            learner.tell(X[: len(answers)], answers)
            if oracle.queries >= due or not oracle.remaining:
                spent += time.process_time() - started
                curve.append((oracle.queries, case.agreements(learner.hypothesis())))
                due = max(oracle.queries + 1, 1.04 * oracle.queries)
                started = time.process_time()
    return curve, 1e3 * spent / oracle.queries


class Svc(SVC):  # type: ignore[misc]
    """With probabilities that keep the order of the decision values, which is all that margin sampling uses."""

    def predict_proba(self, X: FloatArray) -> FloatArray:
        """A logistic curve through the decision values."""
        p = (1 + np.tanh(self.decision_function(X) / 2)) / 2
        return np.stack([1 - p, p], axis=1)


def peer(case: Problem, strategy: str, budget: int, seed: int) -> Curve:
    """The same of a strategy of scikit-activeml on fresh near-data candidates, five queries between two fits."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import QueryByCommittee, UncertaintySampling

    def learner(C: float) -> Any:
        return Svc(C=C, gamma=case.target.family.public["gamma"])

    rng = np.random.default_rng([seed, 2])
    fitted = SklearnClassifier(learner(1e5), classes=[0, 1])
    committee = SklearnClassifier(BaggingClassifier(learner(1e3), 5, random_state=seed), classes=[0, 1])
    margin = UncertaintySampling(method="margin_sampling", random_state=seed)
    by_committee = QueryByCommittee(method="vote_entropy", random_state=seed)
    X = case.sample(20, rng)
    y = case.target.answer(X, "label")
    curve, spent, due = [], 0.0, 10.0
    while True:
        started = time.process_time()
        fitted.fit(X, y)
        candidates = case.sample(300, rng)
        if strategy == "margin":
            chosen = margin.query(X, y, fitted, candidates=candidates, batch_size=5, fit_clf=False)
        else:
            chosen = by_committee.query(X, y, committee, candidates=candidates, batch_size=5)
        spent += time.process_time() - started
        if len(X) >= min(due, budget):
            curve.append((len(X), case.agreements(fitted)))
            due = max(len(X) + 1, 1.04 * len(X))
        if len(X) >= budget:
            return curve, 1e3 * spent / len(X)
        X = np.concatenate([X, candidates[chosen] if chosen.ndim == 1 else chosen])
        y = case.target.answer(X, "label")


def reached(curve: list[tuple[int, list[float]]], which: int, level: float) -> float:
    """The number of queries from which on an agreement is held, infinite if it is not."""
    low = [i for i, (_, agreements) in enumerate(curve) if agreements[which] < level]
    first = low[-1] + 1 if low else 0
    return curve[first][0] if first < len(curve) else np.inf


def spread(values: list[float]) -> str:
    """Median, lowest and highest."""

    def text(value: float) -> str:
        return "-" if np.isinf(value) else f"{value:.0f}"

    return f"{text(float(np.median(values))):>5} ({text(min(values))} to {text(max(values))})"


def rbf(seeds: int = SEEDS, names: Iterable[str] = DATA) -> None:
    """Queries to an agreement of 0.99 and 0.999 near the data, RBF targets of known kernel."""
    for name in names:
        budget = DATA[name]
        count = 1 if name == "digits" else MORE * seeds
        cases = [rbf_problem(name, seed) for seed in range(count)]
        print(f"\n{name}, {count} seeds, at most {budget} queries (passive {4 * budget})", flush=True)
        specs = {label: (extract, spec.format(rounds=budget // 10)) for label, spec in ATTACKS.items()}
        if find_spec("skactiveml"):
            specs["scikit-activeml margin sampling"] = (peer, "margin")
            if name != "digits":
                specs["scikit-activeml query by committee"] = (peer, "committee")
        for label, (run, spec) in specs.items():
            n = 4 * budget if label == "passive" else min(budget, 600) if run is peer else budget
            jobs = (
                delayed(run)(case, spec, n, seed) for seed, case in enumerate(cases[:seeds] if run is peer else cases)
            )
            curves, costs = zip(*Parallel(n_jobs=2)(jobs), strict=True)
            to = {level: spread([reached(c, 1, level) for c in curves]) for level in (0.99, 0.999)}
            held_out = spread([reached(c, 0, 0.99) for c in curves])
            last = np.median([c[-1][1][1] for c in curves])
            print(
                f"  {label:<36} near .99 {to[0.99]:<22} near .999 {to[0.999]:<22} held-out .99 {held_out:<22}"
                f" near at {n}: {last:.4f}  {np.median(costs):6.2f} ms/query",
                flush=True,
            )


def cost(seeds: int = SEEDS, names: Iterable[str] = ("moons", "breast-cancer", "digits")) -> None:
    """CPU of one EAT query, choice and refit, at 600 labels: warm, and with an SVC fitted anew."""
    for name in names:
        runs = [_cost(rbf_problem(name, seed), seed) for seed in range(1 if name == "digits" else seeds)]
        warm, cold, gap = np.median(runs, axis=0)
        print(
            f"{name:<14} warm {1e3 * warm:6.2f} ms  SVC {1e3 * cold:7.2f} ms"
            f"  ratio {spread([cold / warm for warm, cold, _ in runs])}  near agreement {gap:+.4f}",
            flush=True,
        )


def _cost(case: Problem, seed: int) -> tuple[float, float, float]:
    """Seconds of a warm query and of one with an SVC, and how much better the warm machine agrees."""
    clock, warm, cold = time.process_time, [], []
    oracle = mex.Oracle(case.target, budget=700)
    attack = REGISTRY.build("attack", "extended-adaptive-training")
    learner = attack.learner(oracle.knowledge(pool=case.pool), np.random.default_rng([seed, 2]))
    rng = np.random.default_rng([seed, 6])
    svc = SVC(C=1e5, gamma=case.target.family.public["gamma"], cache_size=500)
    with threadpool_limits(1):
        while oracle.queries < 650:
            X = learner.ask()
            answers = oracle.ask(X)
            started = clock()
            learner.tell(X, answers)  # learns, and chooses the next query
            if oracle.queries > 600:
                warm.append(clock() - started)
        X, y = oracle.transcript.X, oracle.transcript.answers
        for _ in range(5):
            started = clock()
            np.argmin(np.abs(svc.fit(X, y).decision_function(case.sample(59, rng))))
            cold.append(clock() - started)
    gap = case.agreements(learner.hypothesis())[1] - case.agreements(svc)[1]
    return float(np.mean(warm)), float(np.mean(cold)), gap


PARTS: dict[str, Callable[..., None]] = {"rbf": rbf, "cost": cost}
