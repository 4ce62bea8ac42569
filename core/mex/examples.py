"""Small datasets, targets and learners that the conformance tests, and yours, try things on."""

from __future__ import annotations

import numpy as np

from mex.dataset import Dataset
from mex.domain import Domain
from mex.families import Family
from mex.target import FittedTarget
from mex.types import FloatArray


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


class RatioBisection:
    """A plain learner of directions for tests of charts: noise-free bisection of each ratio to the first weight."""

    def __init__(self, d: int, rng: np.random.Generator, bits: int = 40) -> None:
        self._axes, self._bits = np.eye(d), bits
        self._low, self._high = np.full(d, -1e4), np.full(d, 1e4)
        self._sign = 0.0

    def ask(self) -> FloatArray | None:
        """The first axis, then all ratios at once."""
        if self._sign == 0:
            return self._axes[:1]
        if self._bits == 0 or len(self._axes) == 1:
            return None
        t = (self._low + self._high) / 2
        V: FloatArray = self._axes - t[:, None] * self._axes[0] * self._sign
        return V[1:]

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Halve every interval."""
        if self._sign == 0:
            self._sign = float(signs[0])
            return
        t, above = (self._low + self._high) / 2, np.append(True, signs > 0)
        self._low, self._high = np.where(above, t, self._low), np.where(above, self._high, t)
        self._bits -= 1

    def estimate(self) -> FloatArray:
        """The unit normal with the ratios in the middle."""
        w = (self._low + self._high) / 2
        w[0] = self._sign
        length = np.linalg.norm(w)
        return np.asarray(w / length if self._sign else np.zeros(len(w)))
