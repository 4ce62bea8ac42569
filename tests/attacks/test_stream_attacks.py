"""averaging, disagreement and selective-sampling: the attacks that learn from a stream of random directions."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from toys import built, plane

import mex
from mex.learner import Attack
from mex.testing import check_attack, check_declarations
from mex_averaging.attack import Averaging
from mex_disagreement.attack import Disagreement
from mex_selective_sampling.attack import SelectiveSampling

ATTACKS: list[Attack] = [
    Averaging(),
    Disagreement(size=100),
    SelectiveSampling(stream=300),
    SelectiveSampling(rule="perceptron"),
]


def homogeneous(d: int, seed: int) -> mex.FittedTarget:
    w = np.random.default_rng([seed, d]).standard_normal(d)
    family = mex.Family("linear", {"intercept": False})
    return mex.FittedTarget.wrap(plane(w / np.linalg.norm(w)), family=family, answers=("label",))


def run(
    attack: Attack, target: mex.Target, *, seed: int = 0, budget: int | None = None, defense: str = "none"
) -> mex.Extraction:
    """What was asked and said, with the attack's own hypothesis."""
    defended = built("defense", defense).protect(target, None, np.random.default_rng([seed, 1]))
    oracle = mex.Oracle(defended, budget=budget)
    learner = attack.learner(oracle.knowledge(), np.random.default_rng([seed, 2]))
    stolen = mex.extract(oracle, learner, snapshots=False)
    return attrs.evolve(stolen, hypothesis=getattr(learner, "inner", learner).hypothesis())


def error(stolen: mex.Extraction, target: mex.FittedTarget) -> float:
    w = stolen.hypothesis.coef_[0]
    return float(np.linalg.norm(w / np.linalg.norm(w) - target.estimator.coef_[0]))


def test_the_perceptron_is_a_well_behaved_attack() -> None:
    check_attack(SelectiveSampling(rule="perceptron"))


def test_averaging_falls_as_one_over_the_root_of_the_queries() -> None:
    errors = {
        q: np.median(
            [
                error(run(Averaging(eps=1e-3), homogeneous(20, s), seed=s, budget=q), homogeneous(20, s))
                for s in range(12)
            ]
        )
        for q in (500, 8_000)
    }
    assert 2.8 < errors[500] / errors[8_000] < 5.7  # 4 expected


def test_averaging_stops_by_itself_at_the_error_it_promises() -> None:
    attack = Averaging(eps=0.2, delta=0.1, scale=0.05)
    for seed in range(4):
        target = homogeneous(10, seed)
        stolen = run(attack, target, seed=seed)
        assert stolen.stopped == "done"
        assert stolen.queries == attack.samples(10, 10**-0.5) + 40, "and those of its check"
        assert error(stolen, target) < 0.2


class RandomModel(mex.Defended):
    """A fresh halfspace from N(mu, sigma^2 I) for each row, as the paper's Section 5 has it."""

    def __init__(self, target: mex.FittedTarget, sigma: float, rng: np.random.Generator) -> None:
        super().__init__(target)
        self.mu, self.sigma, self.rng = target.estimator.coef_[0], sigma, rng

    def answer(self, X, kind):
        w = self.mu + self.sigma * self.rng.standard_normal(X.shape)
        return np.where((X * w).sum(axis=1) > 0, 1, -1)


def test_averaging_breaks_a_model_drawn_afresh_for_each_query_and_doubles_sigma_on_fail() -> None:
    target = homogeneous(10, 3)
    sigma = 8.0  # 25 times 1/sqrt(10), where it starts
    oracle = mex.Oracle(RandomModel(target, sigma, np.random.default_rng(0)))
    attack = Averaging(eps=0.5, scale=0.01, batch=10_000)
    stolen = mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(1)), snapshots=False)
    assert stolen.queries > attack.samples(10, 10**-0.5)
    assert error(stolen, target) < 0.5


class Coin(RandomModel):
    """Labels that have nothing to do with the row."""

    def answer(self, X, kind):
        return self.rng.choice([-1, 1], size=len(X))


def test_averaging_ends_with_a_note_where_labels_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mex_averaging.attack.DOUBLINGS", 2)
    oracle = mex.Oracle(Coin(homogeneous(2, 0), 1.0, np.random.default_rng(0)))
    attack = Averaging(eps=1.0, scale=0.5, batch=10_000)
    stolen = mex.extract(oracle, attack.learner(oracle.knowledge(), np.random.default_rng(1)), snapshots=False)
    assert stolen.stopped == "done"
    assert "FAIL" in stolen.note


def test_averaging_stands_label_noise() -> None:
    target = homogeneous(10, 1)
    assert error(run(Averaging(), target, budget=20_000, defense="bounded-noise:rho=0.3"), target) < 0.12


@pytest.mark.parametrize("defense", ["none", "bounded-noise:rho=0.1"])
def test_disagreement_keeps_the_best_of_its_class_also_under_noise(defense: str) -> None:
    errors = []
    for seed in range(5):
        target = homogeneous(3, seed)
        stolen = run(Disagreement(size=300, eps=0.5), target, seed=seed, budget=20_000, defense=defense)
        assert stolen.stopped == "done"
        errors.append(error(stolen, target))
    assert np.median(errors) < 0.2
    assert max(errors) < 0.5


def test_disagreement_asks_fewer_once_few_survive() -> None:
    target = homogeneous(3, 0)
    oracle = mex.Oracle(target, budget=4_000)
    learner = Disagreement(size=300).learner(oracle.knowledge(), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    w = stolen.hypothesis.coef_[0]
    early, late = np.abs(stolen.transcript.X[:100] @ w), np.abs(stolen.transcript.X[-100:] @ w)
    assert np.median(late) < np.median(early) / 2  # the region of disagreement closes in on the boundary


def test_the_region_of_disagreement_asks_only_what_is_not_implied() -> None:
    target = homogeneous(4, 5)
    stolen = run(SelectiveSampling(stream=500), target)
    assert stolen.stopped == "done"
    assert stolen.queries < 100  # of 500 rows looked at
    assert error(stolen, target) < 0.05
    X = np.random.default_rng([0, 3]).standard_normal((3_000, 4))
    assert (stolen.hypothesis.predict(X) == target.answer(X, "label")).mean() > 0.98


def test_the_region_of_disagreement_says_that_it_needs_right_labels() -> None:
    target = homogeneous(3, 2)
    stolen = run(SelectiveSampling(stream=100), target, defense="bounded-noise:rho=0.3")
    assert "without noise" in stolen.note


@pytest.mark.parametrize(("defense", "budget"), [("none", 10_000), ("bounded-noise:rho=0.2", 50_000)])
def test_the_perceptron_reaches_its_error_also_under_noise(defense: str, budget: int) -> None:
    errors = []
    for seed in range(3):
        target = homogeneous(8, seed)
        stolen = run(SelectiveSampling(rule="perceptron", eps=0.05), target, seed=seed, budget=budget, defense=defense)
        assert stolen.stopped == "done"
        errors.append(error(stolen, target))
    assert np.median(errors) < 0.085
    assert max(errors) < 0.15


def test_the_perceptron_has_to_know_the_noise() -> None:
    known = mex.Oracle(RandomModel(homogeneous(3, 0), 1.0, np.random.default_rng(0))).knowledge()
    with pytest.raises(mex.Incompatible, match="give it a rho"):
        SelectiveSampling(rule="perceptron").learner(known, np.random.default_rng(0))


@pytest.mark.parametrize("attack", ATTACKS, ids=repr)
@pytest.mark.parametrize("d", [1, 2])
def test_low_dimensions_work(attack: Attack, d: int) -> None:
    check_declarations(attack)
    target = homogeneous(d, 0)
    stolen = run(attack, target, budget=500)
    assert error(stolen, target) < 0.5


def test_a_stream_that_ends_too_soon_is_said_and_what_fits_the_answers_is_handed_over(
    breast_cancer: mex.Dataset,
) -> None:
    X = breast_cancer.X
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, breast_cancer.y)
    oracle = mex.Oracle(mex.FittedTarget.wrap(model, domain=breast_cancer.domain), answers="label", budget=400)
    learner = SelectiveSampling(stream=150).learner(oracle.knowledge(pool=X[::2]), np.random.default_rng(0))
    stolen = mex.extract(oracle, learner, snapshots=False)
    assert stolen.stopped == "done"
    assert "of its own check" in stolen.note
    agreement = np.mean(stolen.hypothesis.predict(X[1::2]) == model.predict(X[1::2]))
    assert agreement > 0.75, "rows all over the domain tell little of the data, but more than one label"
