"""Every attack on labels of linear models, where these are all alike, nearly so, or features tell nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import built, plane

import mex
from mex.types import Array, FloatArray

ATTACKS = [p.component.name for p in mex.load_registry().provided("attack") if p.provider == "model-extraction"]
LINEAR = mex.Family("linear", {"link": "logit"})
W = np.array([1.0, -0.7, 0.4])


class Alike(mex.Defended):
    """The second label for all rows."""

    def __init__(self, target: mex.Target, rho: float | None = 0.0) -> None:
        super().__init__(target)
        self._rho = rho

    @property
    def rho(self) -> float | None:
        return self._rho

    def answer(self, X: FloatArray, kind: Any) -> Array:
        assert self.classes is not None
        return np.full(len(X), self.classes[1])


def box(constant: bool = False) -> mex.Domain:
    upper = np.array([1.0, -1.0 if constant else 1.0, 1.0])
    return mex.Domain(-np.ones(3), upper)


def behind(domain: mex.Domain, w: FloatArray = W, intercept: float = 0.2) -> mex.FittedTarget:
    return mex.FittedTarget.wrap(plane(w, intercept), domain=domain, family=LINEAR, answers=("label",))


TARGETS: dict[str, mex.Target] = {
    "alike in a box": Alike(behind(box())),
    "alike anywhere": Alike(behind(mex.Domain.reals(3))),
    "one in a hundred": behind(box(), intercept=1.75),
    "one feature": behind(mex.Domain([-1.0], [1.0]), W[:1]),
    "a constant feature": behind(box(constant=True)),
}


def steal(attack: str, target: mex.Target, budget: int, *, twins: bool) -> mex.Extraction | None:
    pool = target.domain.sample(40, np.random.default_rng(3))
    if twins and pool.shape[1] > 1:
        pool[:, 1] = np.clip(pool[:, 0], target.domain.lower[1], target.domain.upper[1])
    oracle = mex.Oracle(target, answers="label", budget=budget)
    component, known = built("attack", attack), oracle.knowledge(pool=pool)
    try:
        component.scope.check(attack, known)
        return mex.extract(oracle, component.learner(known, np.random.default_rng(1)), snapshots=False)
    except mex.Incompatible:
        return None


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_is_never_right_less_often_than_the_commonest_label_seen(attack: str) -> None:
    for name, target in TARGETS.items():
        for budget in (2, 5, 30) if "alike" in name else (3,):
            stolen = steal(attack, target, budget, twins=budget % 2 == 0)
            if stolen is None:
                continue
            first = np.unique(stolen.transcript.X, axis=0, return_index=True)[1]  # some are asked again
            X, answers = stolen.transcript.X[first], stolen.transcript.answers[first]
            labels, counts = np.unique(answers, return_counts=True)
            right = int(np.sum(stolen.hypothesis.predict(X) == answers))
            assert right >= counts.max(), (name, budget, right, counts)
            if "alike" in name:
                everywhere = target.domain.sample(200, np.random.default_rng(2))
                assert (stolen.hypothesis.predict(everywhere) == labels[0]).all(), (name, budget)


@pytest.mark.parametrize("attack", ["pivot", "probit", "version-space"])
def test_what_noise_explains_is_still_no_boundary_that_was_seen(attack: str) -> None:
    homogeneous = mex.Family("linear", {"intercept": False})
    target = mex.FittedTarget.wrap(plane(W), domain=mex.Domain.reals(3), family=homogeneous, answers=("label",))
    stolen = steal(attack, Alike(target, rho=0.3), 150, twins=False)
    assert stolen is not None
    assert set(stolen.hypothesis.predict(target.domain.sample(200, np.random.default_rng(2)))) == {1}
