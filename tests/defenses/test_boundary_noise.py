"""Boundary noise: where its zone lies, how wide it is, and how wrong the labels in it are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.dataset import Rows
from mex.fitted import FittedTarget
from mex.toolkit.perturbation.labels import LabelNoise
from mex.types import FloatArray

Protect = Callable[..., LabelNoise]


@pytest.fixture
def protect(registry: mex.Registry) -> Protect:
    def build(target: FittedTarget, X: FloatArray, **params: float | None) -> LabelNoise:
        defense = registry.build("defense", {"use": "boundary-noise", **params})
        defended = defense.protect(target, Rows(X, np.zeros(len(X))), np.random.default_rng(0))
        assert isinstance(defended, LabelNoise)
        return defended

    return build


@pytest.fixture(scope="module")
def logistic(breast_cancer: mex.Dataset) -> FittedTarget:
    model = LogisticRegression(max_iter=10_000).fit(breast_cancer.X, breast_cancer.y)
    return FittedTarget.wrap(model, domain=breast_cancer.domain)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
def test_the_zone_holds_its_share_of_the_training_rows_the_nearest_ones(
    protect: Protect, logistic: FittedTarget, breast_cancer: mex.Dataset, share: float
) -> None:
    X = breast_cancer.X
    inside = protect(logistic, X, share=share).rho_at(X) == 0.5
    n = int(share * len(X))
    assert inside.sum() == n
    distance = np.abs(logistic.estimator.decision_function(X))
    assert set(np.flatnonzero(inside)) == set(np.argsort(distance)[:n])


@pytest.mark.parametrize("width", [0.5, 3.0])
def test_a_width_is_in_the_units_of_the_score_and_needs_no_rows(
    protect: Protect, logistic: FittedTarget, breast_cancer: mex.Dataset, width: float
) -> None:
    X = breast_cancer.X
    inside = np.abs(logistic.estimator.decision_function(X)) <= width
    for rows in (X, X[:0]):
        assert np.array_equal(protect(logistic, rows, width=width, share=0.9, rho=0.6).rho_at(X), 0.6 * inside)


@pytest.mark.parametrize("epsilon", [0.01, 0.5, 1.0, 4.0])
def test_epsilon_bounds_what_two_answers_tell_of_their_labels(
    protect: Protect, logistic: FittedTarget, breast_cancer: mex.Dataset, epsilon: float
) -> None:
    defended = protect(logistic, breast_cancer.X, epsilon=epsilon, rho=0.9)
    wrong = defended.rho
    assert wrong is not None
    alike = wrong**2 + (1 - wrong) ** 2  # equal answers to two rows with equal labels
    assert np.log(alike / (1 - alike)) == pytest.approx(epsilon)
    e = np.exp(epsilon)
    assert 1 - wrong == pytest.approx(0.5 + np.sqrt(e**2 - 1) / (2 + 2 * e)), "as Zheng et al. write it"
    assert protect(logistic, breast_cancer.X, epsilon=1000.0).rho == 0, "no overflow"


def test_far_from_the_boundary_no_label_is_ever_wrong(
    protect: Protect, logistic: FittedTarget, breast_cancer: mex.Dataset
) -> None:
    X, defended = breast_cancer.X, protect(logistic, breast_cancer.X, rho=1)
    inside = defended.rho_at(X) == 1
    answers = defended.answer(X, "label")
    assert np.array_equal(answers != logistic.answer(X, "label"), inside)
    assert inside.any()


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_the_steps_of_a_forest_never_make_the_zone_larger_than_its_share(
    protect: Protect, iris: mex.Dataset, share: float
) -> None:
    forest = RandomForestClassifier(11, max_depth=2, random_state=0).fit(iris.X, iris.y)
    defended = protect(FittedTarget.wrap(forest), iris.X, share=share)
    best = np.sort(forest.predict_proba(iris.X), axis=1)
    lead = best[:, -1] - best[:, -2]
    inside = defended.rho_at(iris.X) > 0
    assert 0 < inside.mean() <= share
    next_level = lead == lead[~inside].min()
    assert (inside | next_level).mean() > share, "a zone with one step more would hold too many"


def test_without_a_zone_there_is_no_defense(protect: Protect, logistic: FittedTarget, iris: mex.Dataset) -> None:
    tree = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(iris.X, iris.y))
    with pytest.raises(
        mex.Incompatible, match=r"share of 0.2: the smallest margin of this model, 1, is that of 150 of"
    ):
        protect(tree, iris.X)
    with pytest.raises(mex.Incompatible, match="takes its zone from the training rows: give it some, or a width"):
        protect(logistic, np.empty((0, 30)))
    with pytest.raises(mex.Incompatible, match="no zone with a share of 0: the smallest"):
        protect(tree, iris.X, share=0)


def test_a_majority_vote_is_told_that_it_cannot_work(logistic: FittedTarget, breast_cancer: mex.Dataset) -> None:
    train = (breast_cancer.X, breast_cancer.y)
    with pytest.raises(mex.Incompatible, match=r"less than half the time, and rho is 0.5"):
        mex.attack("majority-vote:inner='pivot'", logistic, defense="boundary-noise", train=train)
    with pytest.raises(mex.Incompatible, match="give it some, or a width"):
        mex.attack("passive", logistic, defense="boundary-noise")
