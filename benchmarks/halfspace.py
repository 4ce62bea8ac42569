"""Extraction of halfspaces: queries against the bound, and a peer, all in one run.

    python benchmarks/halfspace.py                 every part, 20 targets
    python benchmarks/halfspace.py noise-free real --targets 5

Targets are uniform on the sphere, stops are honest (an attacker has them) unless a line says *peek*: then the
count is that of the first query at which the true error is at most eps. ``ratio`` is queries / bound
(mex.toolkit.bounds.query_bound), in brackets without those of the self-check, ``success`` the share of targets with
error <= eps, ``largest`` the largest error, ``us/query`` CPU of the learner alone, ``asks`` how many batches there
were.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
from halfspace_parts import interfaces
from joblib import Parallel, delayed
from parts import Part, run
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.cells import Cell, Spec
from mex.app.matrix.experiment import measure, set_scene
from mex.toolkit.bounds import query_bound

REGISTRY = mex.load_registry()
TARGETS = 20


@attrs.frozen
class Run:
    """One attack on one target."""

    queries: int
    error: float
    seconds: float
    asks: int
    checked: int  # queries of the self-check


def target(d: int, seed: int) -> mex.FittedTarget:
    """A halfspace with a normal uniform on the sphere."""
    w = np.random.default_rng([seed, d]).standard_normal(d)
    family = mex.Family("linear", {"intercept": False})
    return mex.FittedTarget.wrap(mex.halfspace(w / np.linalg.norm(w)), family=family, answers=("label",))


def error(estimator: Any, truth: mex.FittedTarget) -> float:
    """||w^ - w*|| of unit normals."""
    if not hasattr(estimator, "coef_"):
        return 2.0
    w = estimator.coef_[0]
    return float(np.linalg.norm(w / (np.linalg.norm(w) or 1.0) - truth.estimator.coef_[0]))


def attack(spec: str, d: int, seed: int, defense: str = "none", peek: float | None = None, *, told: bool = True) -> Run:
    """Run one attack to its own end, or with ``peek`` to that true error; ``told`` is whether the rate of noise is."""
    truth = target(d, seed)
    defended = REGISTRY.build("defense", defense).protect(truth, None, np.random.default_rng([seed, 1]))
    oracle = mex.Oracle(defended, budget=500_000)
    known = oracle.knowledge() if told else attrs.evolve(oracle.knowledge(), rho=None)
    learner = REGISTRY.build("attack", spec).learner(known, np.random.default_rng([seed, 2]))
    spent, asks = 0.0, 0
    with threadpool_limits(1):
        while True:
            started = time.process_time()
            X = learner.ask()
            spent += time.process_time() - started
            if X is None or oracle.remaining == 0:
                break
            answers, asks = oracle.ask(X), asks + 1
            started = time.process_time()
            learner.tell(X[: len(answers)], answers)
            spent += time.process_time() - started
            if peek is not None and error(learner.hypothesis(), truth) <= peek:
                break
    checked = getattr(learner, "checked", 0)
    return Run(oracle.queries, error(learner.hypothesis(), truth), spent, asks, checked)


def many(spec: str, d: int, targets: int, **options: Any) -> list[Run]:
    """The same on several targets, two at a time."""
    runs: list[Run] = Parallel(n_jobs=2)(delayed(attack)(spec, d, seed, **options) for seed in range(targets))
    return runs


def row(label: str, d: int, eps: float, rho: float, runs: list[Run], beside: str = "") -> None:
    """Print one line of a table."""
    queries = np.mean([r.queries for r in runs])
    errors = np.array([r.error for r in runs])
    micro = 1e6 * sum(r.seconds for r in runs) / sum(r.queries for r in runs)
    ratio = queries / query_bound(d, eps, rho)
    alone = np.mean([r.queries - r.checked for r in runs]) / query_bound(d, eps, rho)
    print(
        f"{label:<44} d={d:<5} eps={eps:<7g} rho={rho:<5g} queries {queries:9.1f}  ratio {ratio:5.3f} ({alone:5.3f})"
        f"  success {np.mean(errors <= eps):4.2f}  median error {np.median(errors):.1e}"
        f"  largest {errors.max() / eps:5.2f} eps  {micro:8.0f} us/query"
        f"  asks {np.mean([r.asks for r in runs]):7.1f}  {beside}",
        flush=True,
    )


def noise_free(targets: int) -> None:
    """Pivot on the bound, honest stop with confidence 0.9, and certified."""
    for d in (10, 50, 100, 200):
        for eps in (1e-1, 1e-2, 1e-4):
            row("pivot", d, eps, 0, many(f"pivot:eps={eps}", d, targets))
    row("pivot:stop=certified", 50, 1e-4, 0, many("pivot:eps=1e-4,stop=certified", 50, targets))
    row("pivot", 2000, 1e-4, 0, many("pivot:eps=1e-4,mode=batch", 2000, 2))
    row("pivot:mode=batch", 50, 1e-4, 0, many("pivot:eps=1e-4,mode=batch", 50, targets), "asked for: <= 25 asks")
    for d in (10, 50):
        row("dimension-coupling", d, 1e-4, 0, many("dimension-coupling:eps=1e-4", d, targets))
        row("lowd-meek", d, 1e-4, 0, many("lowd-meek:eps=1e-4", d, targets))


def noisy(targets: int) -> None:
    """Flips of a known rate, and of a rate that is not told."""
    for rho in (0.1, 0.2, 0.3, 0.4):
        for eps in (1e-1, 1e-2, 1e-4):
            for mode in ("sequential", "batch"):
                runs = many(f"pivot:eps={eps},mode={mode}", 50, targets, defense=f"bounded-noise:rho={rho}")
                row(f"pivot:mode={mode}", 50, eps, rho, runs)
    for rho in (0.0, 0.1):
        for eps in (1e-1, 1e-2):
            runs = many(f"pivot:eps={eps}", 50, targets, defense=f"bounded-noise:rho={rho}", told=False)
            row("pivot, rho not told", 50, eps, rho, runs)
    for eps in (1e-2, 1e-4):
        runs = many(f"dimension-coupling:eps={eps}", 50, targets, defense="bounded-noise:rho=0.1")
        row("dimension-coupling", 50, eps, 0.1, runs)


def sticky(targets: int) -> None:
    """Sticky flips cost pivot nothing and break the majority vote."""
    for kind in ("false", "true"):
        defense = f"bounded-noise:rho=0.1,sticky={kind}"
        row(f"pivot, sticky={kind}", 50, 1e-2, 0.1, many("pivot:eps=1e-2", 50, targets, defense=defense))
        vote = "majority-vote:inner={use='pivot',eps=1e-2},q=400,repeats=exact"
        row(f"majority-vote of pivot, sticky={kind}", 50, 1e-2, 0.1, many(vote, 50, targets, defense=defense))


def real(targets: int) -> None:
    """Logistic models as fitted: intercept, the server's own scaling, box, integers, one-hot groups."""
    for dataset in ("breast-cancer", "adult", "spambase", "ionosphere", "heart", "german-credit", "bank"):
        for spec, eps in (("pivot:eps=1e-4", 1e-4), ("pivot:eps=1e-5", 1e-5), ("dimension-coupling:eps=1e-4", 1e-4)):
            seeds = range(min(targets, 5))
            records = [r for seed in seeds for r in _real(spec, dataset, seed)]
            queries = np.median([r["queries"] for r in records])
            d = set_scene(REGISTRY, Spec("logistic"), REGISTRY.resolve("dataset", dataset), 0).target.domain.n_features
            lowest = {k: min(r[k] for r in records) for k in ("agreement", "near_agreement", "uniform_agreement")}
            ratio = queries / query_bound(d + 1, eps)
            worst = max(r["geometric_error"] for r in records)
            print(
                f"{spec:<30} {dataset:<14} d+1={d + 1:<4} queries {queries:7.0f}  ratio {ratio:.3f}  "
                + f"lowest of {len(records)} seeds: "
                + "  ".join(f"{name} {value:.5f}" for name, value in lowest.items())
                + f"  geometric error {worst:.1e}",
                flush=True,
            )


def _real(attack: str, dataset: str, seed: int) -> Iterator[dict[str, Any]]:
    names = {"attack": attack, "defense": "none", "model": "logistic", "dataset": dataset}
    parts = {kind: REGISTRY.resolve(kind, name) for kind, name in names.items()}
    record, extraction = measure(REGISTRY, Cell(**parts, seed=seed, budget=50_000))
    truth = set_scene(REGISTRY, parts["model"], parts["dataset"], seed).target
    X = truth.domain.sample(100_000, np.random.default_rng([seed, 5]))  # more points than a record is measured on
    share = float(np.mean(extraction.hypothesis.predict(X) == truth.answer(X, "label")))
    yield {**record, "uniform_agreement": share}


def peer(targets: int) -> None:
    """scikit-activeml's margin sampling on a pool, the way a user would steal a halfspace today."""
    try:
        from skactiveml.classifier import SklearnClassifier
        from skactiveml.pool import UncertaintySampling
    except ImportError:
        print("scikit-activeml is not installed: pip install scikit-activeml")
        return
    from sklearn.linear_model import LogisticRegression

    d = 30
    for n in (100, 200):
        errors = []
        started = time.process_time()
        for seed in range(min(targets, 5)):
            truth, rng = target(d, seed), np.random.default_rng([seed, 4])
            X = rng.standard_normal((5000, d))
            y = np.full(5000, np.nan)
            y[:10] = truth.answer(X[:10], "label")
            query = UncertaintySampling(method="margin_sampling", random_state=seed)
            learner = LogisticRegression(C=1000, fit_intercept=False, max_iter=2000)
            fitted = SklearnClassifier(learner, classes=[-1, 1], random_state=seed)
            while np.isfinite(y).sum() < n:
                i = query.query(X=X, y=y, clf=fitted)
                y[i] = truth.answer(X[i], "label")
            errors.append(error(fitted.fit(X, y).estimator_, truth))
        micro = 1e6 * (time.process_time() - started) / (n * len(errors))
        reached = float(np.median(errors))
        print(f"scikit-activeml margin sampling  d={d}  {n} queries  median error {reached:.3f}  {micro:.0f} us/query")
        row("pivot to that error", d, reached, 0, many(f"pivot:eps={reached}", d, targets))


PARTS: dict[str, Part] = {
    "noise-free": noise_free,
    "noisy": noisy,
    "sticky": sticky,
    "real": real,
    "peer": peer,
    "mixed": interfaces.mixed,
    "discrete": interfaces.discrete,
    "digits": interfaces.digits,
    "flipped": interfaces.flipped,
    "one-sided": interfaces.one_sided,
    "cut-short": interfaces.cut_short,
    "cpu": interfaces.cpu,
}

if __name__ == "__main__":
    run(__doc__, PARTS, "targets", TARGETS)
