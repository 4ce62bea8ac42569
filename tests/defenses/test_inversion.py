"""What a defense with public parameters does to probabilities is undone by an attacker who knows them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import mex
from mex.testing.examples import example_target
from mex.toolkit.perturbation.inversion import Invertible
from mex.types import FloatArray
from mex_reverse_sigmoid.defense import ReverseSigmoid, reversed_sigmoid

KNOWN = "equation-solving:defense={{use='reverse-sigmoid', beta={beta}, gamma={gamma}}}"


def two(p: FloatArray) -> FloatArray:
    return np.stack([1 - p, p], axis=1)


@given(st.floats(0.01, 0.99), st.floats(0, 1), st.lists(st.floats(1e-6, 1 - 1e-6), min_size=1, max_size=20))
def test_an_answer_with_one_probability_behind_it_is_inverted_and_of_others_the_class(
    beta: float, gamma: float, p: list[float]
) -> None:
    P = two(np.array(p))
    shown = reversed_sigmoid(P, beta, gamma)
    behind = ReverseSigmoid(beta=beta, gamma=gamma).inverse(shown)
    exact = np.isclose(behind, P, rtol=0, atol=1e-6).all(axis=1)
    class_only = behind.max(axis=1) == 1
    assert (exact | class_only).all()
    clear = np.abs(P[:, 1] - 0.5) > 1e-9
    assert (behind.argmax(axis=1) == P.argmax(axis=1))[clear].all()
    below = (shown.max(axis=1) < 1 - beta / 2 - 1e-9) & (np.abs(P[:, 1] - 0.5) < 0.4)
    assert exact[below].all(), "an answer that only one probability has is not ambiguous"


def test_near_an_even_answer_every_digit_is_recovered() -> None:
    P = two(np.linspace(0.4, 0.6, 21))
    assert np.allclose(ReverseSigmoid().inverse(reversed_sigmoid(P, 0.7, 0.2)), P, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("beta", "gamma"), [(0.7, 0.2), (0.4, 0.5)])
def test_a_model_behind_it_is_stolen_exactly_by_who_knows_the_parameters(
    beta: float, gamma: float, registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    X = (breast_cancer.X - breast_cancer.X.mean(axis=0)) / breast_cancer.X.std(axis=0)
    model = LogisticRegression().fit(X, breast_cancer.y)

    def stolen(attack: str) -> mex.Extraction:
        defense = f"reverse-sigmoid:beta={beta},gamma={gamma}"
        settings: dict[str, Any] = {
            "domain": mex.Domain.of(X),
            "answers": "proba",
            "budget": 150,
            "train": (X, breast_cancer.y),
        }
        return mex.attack(attack, model, defense=defense, registry=registry, **settings)

    knowing = stolen(KNOWN.format(beta=beta, gamma=gamma))
    assert knowing.queries < 90
    assert np.allclose(knowing.hypothesis.predict_proba(X), model.predict_proba(X), atol=1e-6)
    without = stolen("equation-solving")
    assert np.mean(without.hypothesis.predict(X) == model.predict(X)) < 0.9


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
