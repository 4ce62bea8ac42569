"""Linear models on domains as they are: bounds on one side, whole numbers beside reals, scales far apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from toys import built, planes

import mex
from mex.toolkit.estimators import linear_classifier
from mex.types import BoolArray, FloatArray


def steal(
    attack: str, model: mex.Estimator, domain: mex.Domain, pool: FloatArray | None = None, budget: int = 5000
) -> mex.Extraction:
    """What an attack gets of a linear model, without a look at its hypotheses on the way."""
    target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"), answers=("label",))
    oracle = mex.Oracle(target, budget=budget)
    learner = built("attack", attack).learner(oracle.knowledge(pool=pool), np.random.default_rng(0))
    return mex.extract(oracle, learner, snapshots=False)


class Scene:
    """A random linear model on a domain, and rows like those it is used for."""

    def __init__(self, seed: int, lower: FloatArray, upper: FloatArray, integer: BoolArray, k: int = 2) -> None:
        self.rng = np.random.default_rng(seed)
        self.d, self.scale = len(lower), 10 ** self.rng.uniform(-1, 3)
        self.domain = mex.Domain(lower, upper, integer=integer)
        W = self.rng.standard_normal((k, self.d))
        b = -np.median(self.rows(2000) @ W.T, axis=0) - W @ (0.2 * self.scale * self.rng.standard_normal(self.d))
        W, b = (W, b) if k > 2 else (W[:1], b[:1])
        self.model = planes(W, b, np.array(["a", "b", "c", "d"])[:k])

    def rows(self, n: int) -> FloatArray:
        lower, upper = self.domain.lower, self.domain.upper
        Z = self.scale * self.rng.standard_normal((n, self.d))
        up = np.where(np.isfinite(lower), lower + np.abs(Z), Z)
        return self.domain.clip(np.where(np.isfinite(upper) & ~np.isfinite(lower), upper - np.abs(Z), up))

    def steal(self, attack: str, pool: bool = False, budget: int = 5000) -> tuple[float, mex.Extraction]:
        stolen = steal(attack, self.model, self.domain, self.rows(200) if pool else None, budget)
        X = self.rows(5000)
        assert self.domain.objection(stolen.transcript.X) is None
        return float(np.mean(stolen.hypothesis.predict(X) == self.model.predict(X))), stolen


def bounds(kind: str, d: int) -> tuple[FloatArray, FloatArray]:
    i = np.arange(d)
    return {
        "lower": (np.zeros(d), np.full(d, np.inf)),
        "upper": (np.full(d, -np.inf), np.full(d, 5.0)),
        "some": (np.choose(i % 3, [-np.inf, 2.0, -1.0]), np.choose(i % 3, [np.inf, np.inf, 7.0])),
    }[kind]


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("kind", ["lower", "upper", "some"])
def test_features_with_one_bound_are_searched_as_far_as_it_takes(kind: str, pool: bool) -> None:
    for seed in range(0, 12, 3):
        d = 3 + seed % 9
        scene = Scene(seed, *bounds(kind, d), integer=np.zeros(d, dtype=bool))
        agreement, stolen = scene.steal("pivot", pool)
        assert agreement > 0.995, seed
        assert (stolen.stopped, stolen.note) == ("done", "")
        assert stolen.queries < 20 * d + 60


@pytest.mark.parametrize("kind", ["lower", "upper", "some"])
def test_whole_numbers_with_one_bound_beside_reals(kind: str) -> None:
    found = []
    for seed in (1, 5):
        d = 3 + seed % 6
        scene = Scene(100 + seed, *bounds(kind, d), integer=np.arange(d) % 2 == 1)
        found.append(scene.steal("pivot", pool=seed % 4 == 1)[0])
    assert np.median(found) > 0.999
    assert min(found) > 0.95


@pytest.mark.parametrize(
    "attack", ["version-space:stop=size", "lowd-meek", "dimension-coupling", "probit:spread=0.01,eps=0.002"]
)
def test_every_learner_of_halfspaces_takes_a_domain_with_one_bound(attack: str) -> None:
    for seed in (3, 5):
        scene = Scene(seed, *bounds("lower", 4), integer=np.zeros(4, dtype=bool))
        assert scene.steal(attack)[0] > 0.98


@pytest.mark.parametrize("kind", ["lower", "some"])
@pytest.mark.parametrize("k", [3, 4])
def test_several_classes_on_a_domain_with_one_bound(kind: str, k: int) -> None:
    right = 0
    for seed in range(2):
        scene = Scene(seed, *bounds(kind, 4), integer=np.zeros(4, dtype=bool), k=k)
        agreement, stolen = scene.steal("pivot", pool=True)
        right += agreement > 0.99
        assert agreement > 0.9 or "of its own check" in stolen.note or "do not determine" in stolen.note
    assert right >= 1


@pytest.mark.parametrize("pool", [False, True])
def test_whole_numbers_beside_reals_are_no_reason_to_refuse_several_classes(pool: bool) -> None:
    lower, upper = np.append(np.full(4, -1.0), [0, 0]), np.append(np.full(4, 1.0), [9, 3])
    rng = np.random.default_rng(int(pool))
    domain = mex.Domain(lower, upper, integer=[False] * 4 + [True] * 2)
    W = rng.standard_normal((3, 6)) / [1, 1, 1, 1, 5, 2]
    X = domain.sample(4000, rng)
    model = planes(W, -np.median(X @ W.T, axis=0), np.array(["a", "b", "c"]))
    stolen = steal("pivot", model, domain, X[:100] if pool else None, 3000)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.998
    assert (stolen.stopped, stolen.note) == ("done", "")
    assert stolen.queries < 800


def test_scales_far_apart_are_one_problem() -> None:
    rng = np.random.default_rng(0)
    half = 10.0 ** np.array([-9, 0, 3, 9])
    domain = mex.Domain(1e3 * half - half, 1e3 * half + half)
    w = rng.standard_normal(4) / half
    model = mex.halfspace(w, -float(w @ domain.middle) + 0.3, classes=np.array([0, 1]))
    stolen = steal("pivot", model, domain, budget=2000)
    X = domain.sample(5000, rng)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.999


@pytest.mark.parametrize("budget", [1, 7, 60])
@pytest.mark.parametrize("attack", ["pivot", "version-space", "lowd-meek", "passive:sampler=uniform", "margin"])
def test_a_constant_target_is_said_to_be_one_at_any_budget(attack: str, budget: int) -> None:
    domain = mex.Domain([0.0] * 3, [1.0] * 3)
    model = mex.halfspace(np.ones(3), 9.0, classes=np.array(["no", "yes"]))
    stolen = mex.attack(attack, model, domain=domain, pool=domain.sample(70, np.random.default_rng(0)), budget=budget)
    assert f"all {stolen.queries} answers were 'yes': no other label was seen" in stolen.note
    assert (stolen.hypothesis.predict(domain.sample(9, np.random.default_rng(1))) == "yes").all()


def test_a_class_that_no_answer_was_is_named() -> None:
    domain = mex.Domain([-1.0], [1.0])
    model = linear_classifier(np.array([[1.0], [-1.0], [0.0]]), np.array([0.0, 0.0, -9.0]), np.array(["a", "b", "c"]))
    for attack in ("pivot", "passive:sampler=uniform"):
        assert "no answer was 'c'" in mex.attack(attack, model, domain=domain, budget=300).note


def test_values_that_never_differ_are_said_to_be_one() -> None:
    domain = mex.Domain([0.0], [1.0])

    model = DummyRegressor().fit([[0.0], [1.0]], [3.0, 3.0])
    stolen = mex.attack("passive:sampler=uniform", model, domain=domain, budget=5)
    assert stolen.note == "all 5 answers were the same"
