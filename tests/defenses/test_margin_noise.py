"""Margin noise, held to its formula: the sign of <w, x> + eta."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import norm, uniform
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.dataset import Rows
from mex.fitted import FittedTarget
from mex.toolkit.perturbation.labels import LabelNoise

Protect = Callable[..., LabelNoise]
W = np.array([0.5, -1.0, 2.0])


@pytest.fixture
def protect(registry: mex.Registry) -> Protect:
    def build(target: FittedTarget, rows: Rows | None = None, **params: object) -> LabelNoise:
        defense = registry.build("defense", {"use": "margin-noise", **params})
        train = rows or Rows(np.empty((0, 3)), np.empty(0))
        defended = defense.protect(target, train, np.random.default_rng(0))
        assert isinstance(defended, LabelNoise)
        return defended

    return build


@pytest.fixture
def target() -> FittedTarget:
    return FittedTarget.wrap(mex.halfspace(W))


@pytest.mark.parametrize(
    ("noise", "eta"), [("uniform", uniform(-1, 2)), ("gaussian", norm())], ids=["uniform", "gaussian"]
)
@pytest.mark.parametrize("scale", [0.3, 1.0, 5.0])
def test_rho_is_the_probability_that_the_noise_turns_the_sign(
    protect: Protect, target: FittedTarget, noise: str, eta: object, scale: float
) -> None:
    X = np.random.default_rng(0).standard_normal((500, 3))
    m = X @ W
    wrong = np.where(m > 0, eta.cdf(-m / scale), eta.sf(-m / scale))  # type: ignore[attr-defined]
    defended = protect(target, noise=noise, scale=scale)
    assert defended.rho_at(X) == pytest.approx(wrong)
    assert defended.rho == 0.5


def test_the_norm_of_w_matters_unless_the_scale_is_relative(protect: Protect) -> None:
    X = np.random.default_rng(0).standard_normal((501, 3))
    rows, longer = Rows(X, np.zeros(501)), FittedTarget.wrap(mex.halfspace(10 * W))
    target = FittedTarget.wrap(mex.halfspace(W))
    assert protect(target).rho_at(X).mean() > 3 * protect(longer).rho_at(X).mean()
    relative, same = (protect(t, rows, relative=True).rho_at(X) for t in (target, longer))
    assert relative == pytest.approx(same)
    assert np.mean(relative > 0) == pytest.approx(0.5, abs=0.002), "half of the rows are within the median"


def test_a_cell_has_its_boundary_moved_and_not_blurred(protect: Protect, target: FittedTarget) -> None:
    X = np.random.default_rng(0).standard_normal((2000, 3)) * 1e-3
    answers = protect(target, cell=1000.0, scale=0.002).answer(X, "label") > 0
    m = X @ W
    assert answers.any()
    assert not answers.all()
    assert m[~answers].max() < m[answers].min(), "one eta for all: the labels are those of a parallel halfspace"
    assert not np.array_equal(answers, m > 0)


def test_what_the_noise_cannot_reach_is_refused(protect: Protect, target: FittedTarget, iris: mex.Dataset) -> None:
    tree = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y))
    rows = Rows(iris.X, iris.y)
    with pytest.raises(mex.Incompatible, match="noise of at most 1 is less than any margin of this model"):
        protect(tree, rows)
    far = Rows(np.outer([-9.0, 9.0], W), np.arange(2))
    assert protect(target, far).rho_at(W[None] / 50) > 0, "no training row is near, but a query may be"
    assert protect(tree, rows, scale=2).rho_at(iris.X) == pytest.approx(0.25)
    with pytest.raises(mex.Incompatible, match="the median margin of 0 training rows is no unit"):
        protect(target, relative=True)
    flat = LogisticRegression().fit(np.zeros((4, 3)), [0, 1, 0, 1])
    with pytest.raises(mex.Incompatible, match="the median margin of 4 training rows is no unit"):
        protect(FittedTarget.wrap(flat), Rows(np.zeros((4, 3)), np.arange(4) % 2), relative=True)
