"""Small datasets and targets that the conformance tests, and yours, try things on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mex.answers import given_kinds
from mex.dataset import Dataset
from mex.domain import Domain
from mex.fitted import FittedTarget
from mex.knowledge import Family
from mex.types import Answer, Estimator


def example_dataset(task: str = "binary", n: int = 240, d: int = 4, *, bits: bool = False) -> Dataset:
    """A small dataset with a linear truth and some noise.

    Args:
        task: as in :attr:`mex.Dataset.task`.
        n, d: how many rows, and of how many features.
        bits: whether features are 0 or 1, instead of numbers between -1 and 1.
    """
    rng = np.random.default_rng(7)
    X = rng.uniform(-1, 1, size=(n, d)).round(6)
    X = (X > 0).astype(float) if bits else X
    score = X @ rng.standard_normal(d) + 0.1 * rng.standard_normal(n)
    domain = Domain(np.zeros(d) if bits else np.full(d, -1.0), np.ones(d), integer=np.full(d, bits))
    if task == "regression":
        return Dataset("example", X, score, domain)
    k = 2 if task == "binary" else 3
    y = np.searchsorted(np.quantile(score, np.arange(1, k) / k), score)
    return Dataset("example", X, y, domain, tuple("abc"[:k]))


def example_target(
    task: str = "binary", *, family: str = "linear", homogeneous: bool = False, bits: bool = False
) -> FittedTarget:
    """A target of one of the families that attacks know, fitted to :func:`example_dataset`.

    ``homogeneous``, of the linear family, means a halfspace on all of R^d.
    """
    data = example_dataset(task, bits=bits)
    estimator, public, answers = _example(family, task == "regression", not homogeneous)
    fitted = type(estimator)(**estimator.get_params()).fit(data.X, data.y)
    return FittedTarget.wrap(
        fitted,
        domain=Domain.reals(4) if homogeneous else data.domain,
        family=Family(family, public, estimator),
        answers=(*answers, *given_kinds(fitted)),
    )


def example_targets() -> Iterator[list[FittedTarget]]:
    """Targets of one family after the other, in the order in which :func:`mex.testing.check_attack` tries them."""
    yield [example_target(), example_target(homogeneous=True), example_target("regression")]
    yield [example_target(family="polynomial")]
    for family in ("kernel", "tree", "forest", "boosted", "neural"):
        yield [example_target(task, family=family) for task in ("binary", "regression")]
    yield [example_target(family="tree", bits=True)]


def _example(family: str, values: bool, intercept: bool) -> tuple[Estimator, dict[str, Any], tuple[Answer, ...]]:
    """An unfitted estimator of a family, what is public of it, and the answers it gives."""
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    usual: tuple[Answer, ...] = ("value",) if values else ("label", "proba")
    if family == "linear":
        public = {"intercept": intercept, "link": "identity" if values else "logit"}
        return (LinearRegression() if values else LogisticRegression(fit_intercept=intercept)), public, usual
    if family == "polynomial":
        return GaussianNB(), {"degree": 2, "cross": False, "link": "logit"}, usual
    if family == "kernel":
        machine = KernelRidge(kernel="rbf", gamma=0.5) if values else SVC(gamma=0.5)
        return machine, {"kernel": "rbf", "gamma": 0.5}, ("value",) if values else ("label",)
    if family == "tree":
        tree = (DecisionTreeRegressor if values else DecisionTreeClassifier)(max_depth=3, random_state=0)
        return tree, {"max_depth": 3}, (*usual, "leaf")
    if family == "forest":
        return (RandomForestRegressor if values else RandomForestClassifier)(9, random_state=0), {}, usual
    if family == "neural":
        network = MLPRegressor if values else MLPClassifier
        net = network(hidden_layer_sizes=(4,), solver="lbfgs", alpha=1.0, tol=0.01, max_iter=1000, random_state=0)
        return net, {"activation": "relu"}, usual
    stumps = GradientBoostingRegressor if values else GradientBoostingClassifier
    return stumps(max_depth=1, n_estimators=9, random_state=0), {"max_depth": 1}, usual
