"""Trees from labels alone, and Boolean trees: what tree-labels, threshold-cart and kushilevitz-mansour reach.

Each line is one target: the median over the seeds, and in brackets the least and the most. ``wrong volume`` is exact:
the boxes of the two trees are intersected, nothing is sampled. ``ms/query`` is CPU of the learner alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

import attrs
import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from sklearn.datasets import load_digits, make_classification
from threadpoolctl import threadpool_limits

import mex
from mex.app.analysis.statistics import queries_to
from mex.app.matrix.cells import Cell
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.experiment import measure, set_scene
from mex.app.matrix.split import split
from mex.app.matrix.units import Point
from mex.fitted import FittedTarget
from mex.registry.spec import Spec
from mex.toolkit.trees.comparison import disagreement
from mex.types import BoolArray, Estimator, FloatArray

REGISTRY = mex.load_registry()
SEEDS = 3


@attrs.frozen(eq=False)
class Stolen:
    """What an attack got; CPU time in milliseconds per query, and in seconds for the hypothesis at the end."""

    hypothesis: Estimator
    queries: int
    asks: int
    milliseconds: float
    last: float


def steal(spec: str, target: mex.Target, seed: int, *, pool: FloatArray | None = None, budget: int | None) -> Stolen:
    """Run one attack to its end, or to the end of its budget."""
    oracle = mex.Oracle(target, budget=budget)
    learner = REGISTRY.build("attack", spec).learner(oracle.knowledge(pool=pool), np.random.default_rng([seed, 2]))
    asks, spent = 0, 0.0
    with threadpool_limits(1):
        while oracle.remaining != 0 and (X := learner.ask()) is not None:
            answers, asks = oracle.ask(X), asks + 1
            started = time.process_time()
            learner.tell(X[: len(answers)], answers)
            spent += time.process_time() - started
        started = time.process_time()
        hypothesis = learner.hypothesis()
        last = time.process_time() - started
    return Stolen(hypothesis, oracle.queries, asks, 1000 * (spent + last) / oracle.queries, last)


def spread(values: Sequence[float], form: str = "g") -> str:
    """The median, and the least and the most."""
    return f"{np.median(values):{form}} [{min(values):{form}} {max(values):{form}}]"


def digits_above_4(depth: int, seed: int, *, whole: bool) -> tuple[FittedTarget, FloatArray]:
    """Digits of 5 and more against the others, 64 features: pixels of 0 to 16, or scaled to [-1, 1] and continuous."""
    X, y = load_digits(return_X_y=True)
    X = X if whole else X / 8 - 1
    bounds = (0.0, 16.0) if whole else (-1.0, 1.0)
    domain = mex.Domain(*(np.full(64, bound) for bound in bounds), integer=np.full(64, whole))
    data = mex.Dataset("digits", X, (y >= 5).astype(int), domain, ("below 5", "5 and more"))
    parts = split(data, np.random.default_rng([seed, 0]))
    model = REGISTRY.build("model", f"decision-tree:max_depth={depth}")
    return model.fit(data, parts.train, np.random.default_rng([seed, 1])), parts.pool.X


def fitted(model: str, dataset: str, seed: int) -> tuple[FittedTarget, FloatArray, Yardstick]:
    """The target, the attacker's pool and the measure of an ordinary cell."""
    scene = set_scene(REGISTRY, Spec.parse(model), Spec.parse(dataset), seed)
    return scene.target, scene.pool.X, scene.yardstick


def bits(target: FittedTarget) -> float:
    """24 bits per distinct threshold, 4 or 0 if the feature is whole or a category, and log2 d per branch."""
    tree, domain = target.estimator.tree_, target.domain
    per_feature = np.where(domain.discrete, np.log2(np.maximum(domain.upper - domain.lower, 1)), 24)
    thresholds = {(f, t) for f, t in zip(tree.feature, tree.threshold, strict=True) if f >= 0}
    return float(sum(per_feature[f] for f, _ in thresholds) + (tree.n_leaves - 1) * math.log2(domain.n_features))


def labels_exact(seeds: int) -> None:
    """tree-labels. Asked: no wrong volume, 20 leaves in at most 4,000 queries, 37 leaves of d=64 in at most 8,000."""
    targets: list[tuple[str, bool, Callable[[int], tuple[FittedTarget, FloatArray]]]] = [
        ("iris", True, lambda seed: fitted("decision-tree", "iris", seed)[:2]),
        ("breast-cancer", True, lambda seed: fitted("decision-tree", "breast-cancer", seed)[:2]),
        ("breast-cancer", False, lambda seed: fitted("decision-tree", "breast-cancer", seed)[:2]),
        ("mushroom, one-hot", True, lambda seed: fitted("decision-tree", "mushroom", seed)[:2]),
        ("digits, depth 4", False, lambda seed: digits_above_4(4, seed, whole=False)),
        ("digits, depth 6", False, lambda seed: digits_above_4(6, seed, whole=False)),
        ("digits, depth 6, whole", False, lambda seed: digits_above_4(6, seed, whole=True)),
    ]
    for name, granted, make in targets:
        runs = []
        for seed in range(seeds):
            target, pool = make(seed)
            stolen = steal("tree-labels", target, seed, pool=pool if granted else None, budget=20_000)
            runs.append((target, stolen, disagreement(stolen.hypothesis, target.estimator, target.domain)))
        print(
            f"{name:<24}{'pool' if granted else 'no pool':<9}"
            f"leaves {spread([t.estimator.get_n_leaves() for t, _, _ in runs]):<14}"
            f"queries {spread([s.queries for _, s, _ in runs]):<22}"
            f"x bits {spread([s.queries / bits(t) for t, s, _ in runs], '.1f'):<16}"
            f"leaves found {spread([s.hypothesis.get_n_leaves() for _, s, _ in runs]):<14}"
            f"wrong volume {spread([w for _, _, w in runs], '.1e'):<28}"
            f"asks {np.median([s.asks for _, s, _ in runs]):.0f}  "
            f"ms/query {np.median([s.milliseconds for _, s, _ in runs]):.1f}",
            flush=True,
        )


def labels_data(seeds: int) -> None:
    """threshold-cart beside passive CART and a passive forest: near-data and held-out agreement, CPU per query.

    Asked: breast-cancer 0.99 near at 500, adult, gss and steak ahead of passive CART at 4,000. ``s at the end`` is the
    CPU time of the last hypothesis, which is in ``ms/query`` too; without lookahead (look=1) for comparison. Targets
    of a few leaves vary most from seed to seed: breast-cancer is run on three times as many.
    """
    cells = [
        ("breast-cancer", "decision-tree", (250, 500, 1000)),
        ("steak-survey", "decision-tree", (1000, 4000)),
        ("adult", "decision-tree:max_depth=8", (4000,)),
        ("gss-happiness", "decision-tree:max_depth=8", (4000,)),
        ("adult", "decision-tree", (4000,)),
        ("gss-happiness", "decision-tree", (4000,)),
    ]
    attacks = (
        "threshold-cart",
        "threshold-cart:look=1",
        "passive:sampler=near",
        "passive:sampler=near,model=random-forest",
    )
    for dataset, model, budgets in cells:
        runs = 3 * seeds if dataset == "breast-cancer" else seeds
        for budget in budgets:
            for attack in attacks:
                records = Parallel(n_jobs=2)(
                    delayed(_labels_data)(dataset, model, budget, attack, seed) for seed in range(runs)
                )
                near, held_out, leaves, cpu, last = zip(*records, strict=True)
                print(
                    f"{dataset:<15}{model:<27}leaves {np.median(leaves):<6.0f}{budget:>5} queries  {attack:<42}"
                    f"near {spread(near, '.4f'):<25}held out {spread(held_out, '.4f'):<25}"
                    f"ms/query {np.median(cpu):<6.1f}s at the end {np.median(last):.1f}",
                    flush=True,
                )


COUNTS = (50, 100, 200, 500, 1000)
"""The budgets of ``labels_passive``."""
DEEP = ("spambase", "german-credit", "adult", "bank", "pima-diabetes", "mammographic")
"""Datasets of which trees of depth 8 have many leaves."""
DEPTH_8, DEPTH_4 = "decision-tree:max_depth=8", "decision-tree:max_depth=4"


def labels_passive(seeds: int) -> None:
    """threshold-cart and tree-labels beside passive CART with as many queries: by how much ahead. Asked: never behind.

    Each cell is the mean near agreement, by how much it is more than passive's of the same seed with a 95 % interval of
    that, and the same of agreement on uniform rows. Several budgets of threshold-cart are one run, as it asks the same
    whatever the budget; of tree-labels each is a run.
    """
    behind = []
    for model, attack in ((DEPTH_8, "threshold-cart"), (DEPTH_8, "tree-labels"), (DEPTH_4, "tree-labels")):
        for dataset in (*DEEP, "magic-like", "heart"):
            line, cells = beside_passive(dataset, model, attack, seeds)
            behind.append(cells)
            print(line, flush=True)
    near, uniform = np.sum(behind, axis=(0, 1))
    count = len(behind) * len(COUNTS)
    print(f"behind by more than its interval: near {near}, uniform {uniform}, each of {count} cells")


def beside_passive(dataset: str, model: str, attack: str, seeds: int) -> tuple[str, BoolArray]:
    """A line of ``labels_passive``, and which of its cells are behind by more than their intervals."""
    runs = np.array(Parallel(n_jobs=2)(delayed(_labels_passive)(dataset, model, attack, seed) for seed in range(seeds)))
    ahead = runs[:, 0] - runs[:, 1]  # shape (seeds, counts, near and uniform)
    error = stats.t.ppf(0.975, seeds - 1) * ahead.std(axis=0, ddof=1) / math.sqrt(seeds)
    values = np.stack([runs[:, 0].mean(axis=0), ahead.mean(axis=0), error], axis=-1)
    cells = [" ".join("{:.3f} {:+.3f}±{:.3f}".format(*cell) for cell in row) for row in values]
    after = "  ".join(f"{n}: {cell}" for n, cell in zip(COUNTS, cells, strict=True))
    return f"{model:<27}{attack:<15}{dataset:<15}{after}", ahead.mean(axis=0) + error < 0


def _labels_passive(dataset: str, model: str, attack: str, seed: int) -> FloatArray:
    """Agreement near the data and on uniform rows after each count, shape (attack and passive, counts, 2)."""
    target, pool, yardstick = fitted(model, dataset, seed) if dataset != "magic-like" else magic_like(model, seed)

    def curve(spec: str, counts: Sequence[int]) -> list[list[float]]:
        oracle = mex.Oracle(target, budget=counts[-1])
        learner = REGISTRY.build("attack", spec).learner(oracle.knowledge(pool=pool), np.random.default_rng([seed, 2]))
        with threadpool_limits(1):
            stolen = mex.extract(oracle, learner, snapshots=len(counts) > 1)
        scores = {n: yardstick.score(h) for n, h in stolen.snapshots}
        after = [scores[max(k for k in scores if k <= n)] for n in counts]
        return [[score["near_agreement"] or 0.0, score["uniform_agreement"] or 0.0] for score in after]

    ours = [curve(attack, [n])[0] for n in COUNTS] if attack == "tree-labels" else curve(attack, COUNTS)
    return np.array([ours, curve("passive:sampler=near", COUNTS)])


def magic_like(model: str, seed: int) -> tuple[FittedTarget, FloatArray, Yardstick]:
    """As :func:`fitted`, of 6,000 points of ten features whose classes overlap, as those of the MAGIC telescope do."""
    X, y = make_classification(
        6000, 10, n_informative=7, n_clusters_per_class=3, class_sep=0.9, flip_y=0.1, random_state=seed + 77
    )
    parts = split(mex.Dataset("magic-like", X, y, mex.Domain.of(X), ("0", "1")), np.random.default_rng([seed, 0]))
    target = REGISTRY.build("model", model).fit(parts.dataset, parts.train, np.random.default_rng([seed, 1]))
    return target, parts.pool.X, Yardstick.of(target, parts.held_out, np.random.default_rng([seed, 3]))


def labels_queries(seeds: int) -> None:
    """Queries to a near-agreement of 0.95 with trees of depth 8, at most 6,400; and after some numbers of queries.

    Asked: half of those of passive CART. Chosen on spambase and german-credit, the others are fresh.
    """
    for dataset in DEEP:
        for attack in ("threshold-cart", "passive:sampler=near"):
            runs = Parallel(n_jobs=2)(delayed(_labels_queries)(dataset, attack, seed) for seed in range(seeds))
            reached, curves, cpu = zip(*runs, strict=True)
            means = "  ".join(f"{n}: {np.mean([c[i] for c in curves]):.3f}" for i, n in enumerate(AFTER))
            print(
                f"{dataset:<15}{attack:<24}to 0.95 {spread(reached, '.0f'):<20} ms/query {np.median(cpu):<6.2f}{means}",
                flush=True,
            )


AFTER = (100, 200, 400, 800, 1600, 3200)
"""After how many queries ``labels_queries`` prints the agreement."""


def _labels_queries(dataset: str, attack: str, seed: int) -> tuple[float, list[float], float]:
    names = {"attack": attack, "defense": "none", "model": "decision-tree:max_depth=8", "dataset": dataset}
    parts = {kind: REGISTRY.resolve(kind, name) for kind, name in names.items()}
    started = time.process_time()
    record, _ = measure(REGISTRY, Cell(**parts, seed=seed, budget=2 * AFTER[-1]))
    cpu = 1000 * (time.process_time() - started) / AFTER[-1] / 2
    curve = [{**point, "agreement": point["near_agreement"] or 0.0} for point in record["curve"] or []]
    after = [[point["agreement"] for point in curve if point["queries"] <= n][-1] for n in AFTER]
    return queries_to(cast("list[Point]", curve), 0.95), after, cpu


def _labels_data(dataset: str, model: str, budget: int, attack: str, seed: int) -> tuple[float, ...]:
    target, pool, yardstick = fitted(model, dataset, seed)
    stolen = steal(attack, target, seed, pool=pool, budget=budget)
    score = yardstick.score(stolen.hypothesis)
    near, held_out = score["near_agreement"] or 0.0, score["agreement"] or 0.0
    return near, held_out, target.estimator.get_n_leaves(), stolen.milliseconds, stolen.last


def boolean(seeds: int) -> None:
    """kushilevitz-mansour on boolean-tree: uniform error. Asked: a parity tree of depth 4 over 16 bits to 0.02."""
    cells: list[tuple[str, str, float, dict[str, Any]]] = [
        ("kushilevitz-mansour", "tree", 0.0, {"n": 16, "depth": 4}),
        ("kushilevitz-mansour", "tree", 0.1, {"n": 16, "depth": 4}),
        ("kushilevitz-mansour", "tree", 0.3, {"n": 16, "depth": 4}),
        ("kushilevitz-mansour:theta=0.2", "tree", 0.1, {"n": 64, "depth": 3}),
        ("kushilevitz-mansour:theta=0.24,search=prefix", "tree", 0.1, {"n": 16, "depth": 3}),
        ("kushilevitz-mansour", "junta", 0.0, {"n": 64, "depth": 5}),
    ]
    for attack, shape, rho, shared in cells:
        errors, queries, cpu = [], [], []
        for seed in range(seeds):
            text = ",".join(f"{key}={value}" for key, value in {**shared, "shape": shape, "seed": seed}.items())
            target, _, _ = fitted(f"boolean-tree:depth={shared['depth']},shape={shape}", f"boolean:{text}", seed)
            defense = REGISTRY.build("defense", f"bounded-noise:rho={rho}" if rho else "none")
            defended = defense.protect(target, None, np.random.default_rng([seed, 1]))
            stolen = steal(attack, defended, seed, budget=5_000_000)
            X = target.domain.sample(20_000, np.random.default_rng([seed, 3]))
            errors.append(float(np.mean(stolen.hypothesis.predict(X) != target.answer(X, "label"))))
            queries.append(stolen.queries)
            cpu.append(stolen.milliseconds)
        print(
            f"{attack:<46}{shape:<7}n={shared['n']:<4}depth={shared['depth']}  rho={rho:<5g}"
            f"queries {spread(queries):<30}uniform error {spread(errors, '.4f'):<24}"
            f"ms/query {np.median(cpu):.3f}",
            flush=True,
        )


PARTS: dict[str, Callable[[int], None]] = {
    "labels_exact": labels_exact,
    "labels_data": labels_data,
    "labels_passive": labels_passive,
    "labels_queries": labels_queries,
    "boolean": boolean,
}
