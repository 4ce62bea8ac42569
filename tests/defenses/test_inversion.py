"""What a defense with public parameters does to probabilities is undone by an attacker who knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex.dataset import Rows
from mex.testing.examples import example_target
from mex.toolkit.perturbation.inversion import Invertible
from mex.types import FloatArray
from mex_reverse_sigmoid.defense import ReverseSigmoid, reversed_sigmoid
from mex_rounding.defense import Rounding

KNOWN = "equation-solving:defense={{use='reverse-sigmoid', beta={beta}, gamma={gamma}}}"


class FixedProbabilities:
    """A target that answers row i with the i-th of some probabilities."""

    answers = ("proba", "label")
    rho = 0.0

    def __init__(self, P: FloatArray) -> None:
        self._P = P
        self.classes = np.arange(P.shape[1])
        self.domain = mex.Domain.reals(1)
        self.family = mex.Family("fixed")

    def answer(self, X: FloatArray, kind: Any) -> Any:
        P = self._P[X[:, 0].astype(int)]
        return P if kind == "proba" else P.argmax(axis=1)

    def admit(self, X: FloatArray) -> Any:
        return np.ones(len(X), dtype=bool)


def two(p: FloatArray) -> FloatArray:
    return np.stack([1 - p, p], axis=1)


@given(st.floats(0.01, 0.99), st.floats(0, 1), st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=20))
def test_an_answer_with_one_probability_behind_it_is_inverted_and_others_are_between_two(
    beta: float, gamma: float, p: list[float]
) -> None:
    P = two(np.array(p))
    shown = reversed_sigmoid(P, beta, gamma)
    low, high = ReverseSigmoid(beta=beta, gamma=gamma).bounds(shown)
    assert (low <= high).all()
    assert ((low - 1e-6 < P) & (high + 1e-6 > P)).all()
    exact = np.isclose(low, high, rtol=0, atol=1e-12).all(axis=1)
    clear = np.abs(P[:, 1] - 0.5) > 1e-9
    assert ((low + high).argmax(axis=1) == P.argmax(axis=1))[clear].all()
    below = (shown.max(axis=1) < 1 - beta / 2 - 1e-9) & (np.abs(P[:, 1] - 0.5) < 0.4)
    assert exact[below].all(), "an answer that only one probability has is not ambiguous"


def test_near_an_even_answer_every_digit_is_recovered() -> None:
    P = two(np.linspace(0.4, 0.6, 21))
    for behind in ReverseSigmoid().bounds(reversed_sigmoid(P, 0.7, 0.2)):
        assert np.allclose(behind, P, rtol=0, atol=1e-14)


@given(st.integers(2, 6), st.integers(0, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_rounded_probabilities_are_between_the_bounds_that_are_told(k: int, decimals: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.ones(k), size=50)
    P[:10] = rng.dirichlet(1000 * np.ones(k), size=10)  # ties
    rounding = Rounding(decimals=decimals)
    target = FixedProbabilities(P)
    shown = rounding.protect(target, None, rng).answer(np.arange(50.0)[:, None], "proba")  # type: ignore[arg-type]
    low, high = rounding.bounds(shown)
    assert ((low - 1e-12 <= P) & (high + 1e-12 >= P)).all()
    assert (high - low <= 3 * 10.0**-decimals + 1e-12).all()
    if k == 2:
        assert np.median(high - low) <= 10.0**-decimals + 1e-12


@pytest.mark.parametrize("rounding", [Rounding(decimals=1), Rounding(digits=2), Rounding(grid=0.5)])
def test_rounded_values_are_between_the_bounds_that_are_told(rounding: Rounding, diabetes: mex.Dataset) -> None:
    model = LinearRegression().fit(diabetes.X, diabetes.y)
    target = mex.FittedTarget.wrap(model, domain=diabetes.domain)
    bent = rounding.protect(target, Rows(diabetes.X, diabetes.y), np.random.default_rng(0))
    low, high = rounding.bounds(bent.answer(diabetes.X, "value"))
    values = target.answer(diabetes.X, "value")
    assert ((low - 1e-9 <= values) & (values <= high + 1e-9)).all()
    assert (high - low).max() < 0.5 * values.std() + 1e-9


@pytest.mark.parametrize(("beta", "gamma"), [(0.7, 0.2), (0.4, 0.5)])
def test_a_model_behind_it_is_stolen_exactly_by_who_knows_the_parameters(
    beta: float, gamma: float, registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    X = (breast_cancer.X - breast_cancer.X.mean(axis=0)) / breast_cancer.X.std(axis=0)
    model = LogisticRegression().fit(X, breast_cancer.y)

    def stolen(attack: str) -> mex.Extraction:
        defense = f"reverse-sigmoid:beta={beta},gamma={gamma}"
        scene: dict[str, Any] = {
            "domain": mex.Domain.of(X),
            "answers": "proba",
            "budget": 150,
            "train": (X, breast_cancer.y),
        }
        return mex.attack(attack, model, defense=defense, registry=registry, **scene)

    knowing = stolen(KNOWN.format(beta=beta, gamma=gamma))
    assert knowing.queries < 90
    assert np.allclose(knowing.hypothesis.predict_proba(X), model.predict_proba(X), atol=1e-6)
    without = stolen("equation-solving")
    assert "the answers are not exactly those of a linear model" in without.note
    assert np.mean(without.hypothesis.predict(X) == model.predict(X)) > 0.9 or "all of the class 0" in without.note


@pytest.mark.parametrize("budget", [40, 100])
def test_who_does_not_know_of_it_is_told_and_has_no_less_than_the_commonest_label(
    budget: int, registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    X, y = breast_cancer.X, breast_cancer.y
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[::2], y[::2])
    for seed in range(2):
        stolen = mex.attack(
            "equation-solving",
            model,
            domain=breast_cancer.domain,
            answers="proba",
            budget=budget,
            defense="reverse-sigmoid",
            train=(X[::2], y[::2]),
            pool=X[1::4],
            seed=seed,
            registry=registry,
        )
        assert stolen.stopped == "budget"
        assert "not exactly those of a linear model" in stolen.note
        assert np.mean(stolen.hypothesis.predict(X[3::4]) == model.predict(X[3::4])) > 0.8


def test_of_several_classes_one_answer_has_several_rows_of_probabilities_behind_it() -> None:
    def answer(p: FloatArray) -> FloatArray:
        return np.asarray(p - 0.7 * (expit(0.2 * logit(p)) - 0.5))

    one = np.array([0.55, 0.35, 0.1])
    falling = np.linspace(1e-6, 0.03, 100_000)  # below the turn, where a smaller probability has a larger answer

    def another(total: float) -> FloatArray:
        a, b = (
            brentq(lambda p, i=i: answer(p) - total * answer(one)[i] / answer(one).sum(), 0.05, 0.99) for i in (0, 1)
        )
        return np.array(
            [a, b, falling[np.argmin(np.abs(answer(falling) - total * answer(one)[2] / answer(one).sum()))]]
        )

    total = brentq(lambda total: another(total).sum() - 1, 0.9, 1.2)
    other = another(total)
    assert np.abs(other - one).max() > 0.02
    np.testing.assert_allclose(*(reversed_sigmoid(p[None], 0.7, 0.2) for p in (one, other)), atol=1e-4)


def test_of_several_classes_it_says_that_it_cannot(registry: mex.Registry) -> None:
    family = mex.Family("linear", {"link": "logit", "intercept": True})
    known = mex.Knowledge(domain=mex.Domain.reals(2), classes=np.arange(3), answers="proba", family=family)
    attack = registry.build("attack", KNOWN.format(beta=0.5, gamma=0.2))
    with pytest.raises(mex.Incompatible, match="inverted for two classes, and this model has 3"):
        attack.learner(known, np.random.default_rng(0))


def test_a_defense_that_tells_no_inverse_is_not_inverted(registry: mex.Registry) -> None:
    attack = registry.build("attack", "equation-solving:defense=bounded-noise")
    known = mex.Oracle(example_target(), answers="proba").knowledge()
    with pytest.raises(mex.Incompatible, match="no inverse of BoundedNoise is known"):
        attack.learner(known, np.random.default_rng(0))


def test_the_defenses_with_an_inverse_are_countered_by_who_knows_it(registry: mex.Registry) -> None:
    invertible = {
        p.component.name
        for p in registry.provided("defense")
        if isinstance(registry.build("defense", p.component.name), Invertible)
    }
    assert invertible == {"reverse-sigmoid", "rounding"}
    told = [pair for p in registry.provided() for pair in p.component.counters]
    assert {name for name, attack in told if attack == "equation-solving"} == invertible
