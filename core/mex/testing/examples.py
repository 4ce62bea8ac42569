"""Small datasets and targets that the conformance tests, and yours, try things on."""

from __future__ import annotations

import numpy as np

from mex.dataset import Dataset
from mex.domain import Domain
from mex.fitted import FittedTarget
from mex.knowledge import Family


def example_dataset(task: str = "binary", n: int = 240, d: int = 4) -> Dataset:
    """A small dataset with a linear truth and some noise; ``task`` as in :attr:`mex.Dataset.task`."""
    rng = np.random.default_rng(7)
    X = rng.uniform(-1, 1, size=(n, d)).round(6)
    score = X @ rng.standard_normal(d) + 0.1 * rng.standard_normal(n)
    domain = Domain(np.full(d, -1.0), np.full(d, 1.0))
    if task == "regression":
        return Dataset("example", X, score, domain)
    k = 2 if task == "binary" else 3
    y = np.searchsorted(np.quantile(score, np.arange(1, k) / k), score)
    return Dataset("example", X, y, domain, tuple("abc"[:k]))


def example_target(task: str = "binary", *, homogeneous: bool = False) -> FittedTarget:
    """A target of the linear family on :func:`example_dataset`; homogeneous means a halfspace on all of R^d."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    data = example_dataset(task)
    learner = LinearRegression() if task == "regression" else LogisticRegression(fit_intercept=not homogeneous)
    link = "identity" if task == "regression" else "logit"
    family = Family("linear", {"intercept": not homogeneous, "link": link}, learner)
    domain = Domain.reals(4) if homogeneous else data.domain
    return FittedTarget.wrap(type(learner)(**learner.get_params()).fit(data.X, data.y), domain=domain, family=family)
