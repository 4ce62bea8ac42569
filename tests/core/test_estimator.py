"""What a thief learns with: never a part that the model's owner has fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import Birch, KMeans, MiniBatchKMeans
from sklearn.covariance import EllipticEnvelope
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toys import built

import mex
from mex.estimator import unfitted
from mex.types import Estimator

X, y = load_breast_cancer(return_X_y=True)
X = X[:, :8]
FOREST = RandomForestClassifier(n_estimators=10, random_state=0).fit(X, y)
FROZEN = FrozenEstimator(FOREST)
LR = LogisticRegression(max_iter=5000)
PREFIT = {
    "frozen": FROZEN,
    "frozen twice": FrozenEstimator(FROZEN),
    "calibrated": CalibratedClassifierCV(FROZEN),
    "deep": make_pipeline(FrozenEstimator(StandardScaler().fit(X)), CalibratedClassifierCV(FROZEN)),
    "frozen whole": FrozenEstimator(make_pipeline(StandardScaler(), CalibratedClassifierCV(FROZEN)).fit(X, y)),
    "voting": VotingClassifier([("forest", FROZEN), ("linear", LR)]),
    "threshold": FixedThresholdClassifier(FROZEN, threshold=0.4),
    "tuned": TunedThresholdClassifierCV(FROZEN, cv="prefit", refit=False),
    "stacked": StackingClassifier([("forest", FOREST)], cv="prefit"),
    "selected": make_pipeline(SelectFromModel(FOREST, prefit=True, max_features=4), LR),
}


def learned(part: Any) -> list[str]:
    """What something, or anything in it, has learned."""
    if isinstance(part, list | tuple):
        return [name for inner in part for name in learned(inner)]
    if not hasattr(part, "get_params") or isinstance(part, type):
        return []
    own = [name for name in vars(part) if name.endswith("_") and not name.startswith("_")]
    return own + [name for inner in vars(part).values() for name in learned(inner)]


@pytest.mark.parametrize("name", PREFIT)
def test_no_part_of_a_thief_is_fitted_and_the_whole_can_be(name: str) -> None:
    model = PREFIT[name].fit(X, y)  # which a frozen one takes no notice of
    before = model.predict(X)
    learner = mex.FittedTarget.wrap(model).family.learner
    assert learner is not None
    assert learned(model)
    assert learned(learner) == []
    assert set(learner.fit(X[:100], y[:100]).predict(X)) == {0, 1}
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_few_answers_do_not_steal_a_forest_that_was_frozen() -> None:
    model = CalibratedClassifierCV(FROZEN).fit(X, y)
    stolen, fresh = (
        mex.attack("passive", target, pool=X[:100], held_out=X[100:], budget=20)
        for target in (model, CalibratedClassifierCV(RandomForestClassifier(10, random_state=0)).fit(X, y))
    )
    assert abs(stolen.agreement - fresh.agreement) < 0.05


def test_a_part_that_stays_as_it_was_fitted_is_nothing_to_learn_with() -> None:
    class Sealed(BaseEstimator):  # type: ignore[misc]
        n_features_in_ = 8
        classes_ = np.array([0, 1])

        def predict(self, A: Any) -> Any:
            return FOREST.predict(A)

        def __sklearn_clone__(self) -> Any:
            return self

    with pytest.raises(mex.Incompatible, match="Sealed cannot be copied but as it was fitted"):
        unfitted(make_pipeline(Sealed()))
    assert mex.FittedTarget.wrap(Sealed()).family.learner is None


def test_a_network_that_was_trained_where_it_stood_is_nothing_to_learn_with() -> None:
    class Module:
        def state_dict(self) -> dict[str, float]:
            return {"w": 1.0}

    class Net(BaseEstimator):  # type: ignore[misc]
        def __init__(self, module: Any) -> None:
            self.module = module

    with pytest.raises(mex.Incompatible, match="its module is a network, whose weights are copied with it"):
        unfitted(Net(Module()))
    assert unfitted(Net(Module)).module is Module  # of which it makes one for each fit


def test_what_is_public_of_a_model_holds_no_model() -> None:
    boosted = GradientBoostingClassifier(n_estimators=3, init=FOREST).fit(X, y)
    family = mex.FittedTarget.wrap(boosted).family
    assert family.public["n_estimators"] == 3
    assert "init" not in family.public


UNTAUGHT = [
    IsolationForest(n_estimators=20, random_state=0),
    EllipticEnvelope(random_state=0),
    LocalOutlierFactor(novelty=True),
    KMeans(3, random_state=0),
    Birch(n_clusters=3, threshold=50),
    GaussianMixture(3, random_state=0),
    BayesianGaussianMixture(n_components=3, max_iter=1000, random_state=0),
    make_pipeline(StandardScaler(), KMeans(3, random_state=0)),
]
STOLEN = {"IsolationForest", "KMeans", "GaussianMixture", "Pipeline"}
"""One of each kind: without a learner of its own any is learned alike."""


def test_a_clusterer_that_learned_in_batches_has_the_clusters_of_all_of_them() -> None:
    model = MiniBatchKMeans(6, random_state=0).partial_fit(X).partial_fit(X[:4])
    assert len(np.unique(model.labels_)) < 6
    target = mex.FittedTarget.wrap(model)
    assert target.classes is not None
    assert target.classes.tolist() == list(range(6))
    assert set(target.answer(X, "label")) <= set(range(6))


@pytest.mark.parametrize("model", UNTAUGHT, ids=lambda model: type(model).__name__)
def test_what_learns_from_rows_alone_answers_with_labels_and_is_learned_by_something_else(model: Estimator) -> None:
    target = mex.FittedTarget.wrap(model.fit(X))
    assert target.answers[0] == "label"
    assert target.classes is not None
    assert set(model.predict(X)) <= set(target.classes.tolist())
    assert target.family.learner is None
    if type(model).__name__ not in STOLEN:
        return
    oracle = mex.Oracle(target, budget=150)
    learner = built("attack", "passive").learner(oracle.knowledge(pool=X[:200]), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False).hypothesis
    constant = max(np.mean(model.predict(X[200:]) == label) for label in target.classes)
    assert np.mean(stolen.predict(X[200:]) == model.predict(X[200:])) > constant
