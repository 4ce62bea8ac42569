"""Extraction of trees: queries against their bits, and path finding, all in one run.

``bits`` of a tree: for each branch, log2 of the columns plus log2 of the thresholds that its box leaves open (float32
numbers apart, whole numbers apart, 1 for a category). ``strict`` counts a threshold once however often it is tested,
at 24 bits if it is a float32 number. ``needed`` is what any certificate costs: in each leaf both ends of every feature,
and every category of every one-hot group, have to be seen. ``exact`` compares the boxes of all leaves, to the last
float32 number. Figures are medians over the seeds with the lowest and the highest behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import make_moons
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.split import split
from mex.toolkit.trees.comparison import disagreement, leaves, refines
from mex.types import Array

REGISTRY = mex.load_registry()
SEEDS = 3

LEAF_IDS = (  # dataset, how it is shown, leaves of the target (None: as CART grows it)
    ("iris", "", None),
    ("moons", "", None),
    ("breast-cancer", "", None),
    ("digits", "", None),
    ("digits", "continuous", None),
    ("digits", "continuous", 37),
    ("diabetes", "", 100),
    ("mushroom", "", None),
    ("steak-survey", "ordinal", None),
    ("steak-survey", "", None),
    ("gss-happiness", "ordinal", 200),
    ("gss-happiness", "", 200),
    ("adult", "ordinal", 200),
    ("adult", "", 200),
    ("gss-happiness", "ordinal", 1000),
    ("adult", "ordinal", 1000),
)


@attrs.frozen
class Problem:
    """A tree as a target, and what it was fitted on."""

    target: mex.FittedTarget
    split: Any

    @property
    def tree(self) -> Any:
        return self.target.estimator


def problem(name: str, shown: str, size: int | None, seed: int) -> Problem:
    """CART with at most ``size`` leaves on half of the rows."""
    if name == "moons":
        X, y = make_moons(1000, noise=0.3, random_state=seed)
        data = mex.Dataset(name, X, y, mex.Domain(X.min(axis=0), X.max(axis=0)), ("0", "1"))
    else:
        data = REGISTRY.build("dataset", name).load()
    if shown == "continuous":
        data = attrs.evolve(data, domain=mex.Domain(data.domain.lower, data.domain.upper))
    if shown == "ordinal":  # categories as numbers
        X = np.column_stack(
            [
                data.X[:, u] @ np.arange(len(u)) if len(u) > 1 else data.X[:, u[0]]
                for u in map(list, data.domain.units())
            ]
        )
        data = mex.Dataset(name, X, data.y, mex.Domain.of(X), data.class_names)
    parts = split(data, np.random.default_rng(seed))
    kind = DecisionTreeRegressor if data.task == "regression" else DecisionTreeClassifier
    fitted = kind(max_leaf_nodes=size, random_state=seed).fit(parts.train.X, parts.train.y)
    family = mex.Family("tree", learner=kind())
    usual: Any = "value" if data.task == "regression" else "label"
    return Problem(mex.FittedTarget.wrap(fitted, domain=data.domain, family=family, answers=(usual, "leaf")), parts)


def bits(tree: Any, domain: mex.Domain) -> tuple[float, float]:
    """The yardsticks ``bits`` and ``strict``."""
    found = leaves(tree, domain)
    lower, upper, seen = {}, {}, set()
    for node, low, high in zip(found.node, found.lower, found.upper, strict=True):
        lower[int(node)], upper[int(node)] = low, high
    full = strict = 0.0
    nodes = tree.tree_
    for node in range(nodes.node_count - 1, -1, -1):  # children have the greater numbers
        if nodes.children_left[node] < 0:
            continue
        sides = [int(c) for c in (nodes.children_left[node], nodes.children_right[node]) if int(c) in lower]
        if not sides:
            continue
        lower[node] = np.min([lower[c] for c in sides], axis=0)
        upper[node] = np.max([upper[c] for c in sides], axis=0)
        if len(sides) < 2:  # no row of the domain goes the other way
            continue
        j, threshold = int(nodes.feature[node]), float(nodes.threshold[node])
        discrete = bool(domain.discrete[j])
        ends = np.array([lower[node][j], upper[node][j]])
        options = np.diff(np.floor(ends) if discrete else _ranks(ends))[0] - 1
        full += np.log2(max(options, 1)) + np.log2(domain.n_features)
        if (j, threshold) not in seen:
            strict += np.log2(max(options, 1)) if discrete else 24
        strict += np.log2(domain.n_features)
        seen.add((j, threshold))
    return full, strict


def _ranks(values: Array) -> Array:
    """The places of float32 numbers among all of them."""
    raw = values.astype(np.float32).view(np.int32).astype(np.int64)
    return np.where(raw < 0, -(raw & 0x7FFFFFFF), raw)


def needed(tree: Any, domain: mex.Domain) -> int:
    """The fewest rows that show each leaf's ends and categories."""
    found = leaves(tree, domain)
    rows = np.ones(len(found.node), dtype=int)
    for unit in map(list, domain.units()):
        if len(unit) > 1:
            held = (found.lower[:, unit] < 1) & (found.upper[:, unit] >= 1)
            alone = found.lower[:, unit] >= 0  # a category that the leaf asks for
            count = np.where(alone.any(axis=1), 1, held.sum(axis=1))
        elif domain.discrete[unit[0]]:
            count = np.minimum(np.floor(found.upper[:, unit[0]]) - np.floor(found.lower[:, unit[0]]), 2)
        else:
            count = np.full(len(rows), 2)
        rows = np.maximum(rows, count.astype(int))
    return int(rows.sum())


@attrs.frozen
class Run:
    """One attack on one tree."""

    queries: int
    exact: bool
    wrong: float
    leaves: int
    asks: int
    seconds: float
    hypothesis: Any


def run(spec: str, case: Problem, seed: int, answers: str = "leaf") -> Run:
    """Let an attack run to its own end; ``seconds`` is its CPU time."""
    oracle = mex.Oracle(case.target, answers=answers)
    learner = REGISTRY.build("attack", spec).learner(oracle.knowledge(), np.random.default_rng([seed, 2]))
    spent, asks = 0.0, 0
    with threadpool_limits(1):
        while True:
            started = time.process_time()
            X = learner.ask()
            spent += time.process_time() - started
            if X is None:
                break
            told, asks = oracle.ask(X), asks + 1
            started = time.process_time()
            learner.tell(X, told)
            spent += time.process_time() - started
    found, domain = learner.hypothesis(), case.target.domain
    wrong = disagreement(found, case.tree, domain)
    return Run(oracle.queries, refines(found, case.tree, domain), wrong, found.get_n_leaves(), asks, spent, found)


def spread(values: Any, form: str = "{:.0f}") -> str:
    """The median with the range behind."""
    values = np.asarray(values, dtype=float)
    return f"{form} [{form}, {form}]".format(np.median(values), values.min(), values.max())


def leaf_ids(seeds: int) -> None:
    """tree-structure, exact to float32, beside path finding with epsilon 1e-3."""
    for name, shown, size in LEAF_IDS:
        records = Parallel(n_jobs=2)(delayed(_leaf_ids)(name, shown, size, seed) for seed in range(seeds))
        label = f"{name} {shown}".strip() + (f", {size} leaves" if size else "")
        column = {key: np.array([record[key] for record in records], dtype=float) for key in records[0]}
        print(
            f"{label:<34} d={column['d'][0]:<3.0f} leaves {spread(column['leaves']):<18}"
            f" found {spread(column['found']):<18} bits {spread(column['bits']):<22}"
            f" needed {spread(column['needed']):<22} queries {spread(column['queries']):<22}"
            f" ratio {spread(column['queries'] / column['bits'], '{:.2f}'):<18}"
            f" strict {spread(column['queries'] / column['strict'], '{:.2f}'):<18}"
            f" exact {column['exact'].sum():.0f}/{seeds}  asks {np.median(column['asks']):.0f}"
            f"  {np.median(1e6 * column['seconds'] / column['queries']):.0f} us/query"
            f"  path finding {spread(column['paths'])}, {np.median(column['paths'] / column['queries']):.1f} x,"
            f" {np.median(column['paths'] / column['coarse']):.1f} x at its resolution",
            flush=True,
        )


def _leaf_ids(name: str, shown: str, size: int | None, seed: int) -> dict[str, float]:
    case = problem(name, shown, size, seed)
    domain = case.target.domain
    full, strict = bits(case.tree, domain)
    ours, paths = run("tree-structure", case, seed), run("path-finding", case, seed)
    coarse = run("tree-structure:resolution=0.001", case, seed)
    return {
        "d": domain.n_features,
        "leaves": len(leaves(case.tree, domain).node),
        "found": ours.leaves,
        "bits": full,
        "strict": strict,
        "needed": needed(case.tree, domain),
        "queries": ours.queries,
        "exact": ours.exact,
        "asks": ours.asks,
        "seconds": ours.seconds,
        "paths": paths.queries,
        "coarse": coarse.queries,
    }


PARTS: dict[str, Callable[[int], None]] = {"leaf_ids": leaf_ids}
