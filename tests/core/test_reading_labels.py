"""An attack on labels reads them off an interface that shows more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mex
from mex import Domain, FittedTarget, Scope
from mex.oracle import Oracle
from mex.types import Answer

LABELS = Scope(answers="label")


def moved(data: mex.Dataset, *answers: Answer) -> FittedTarget:
    """A model that says the second class where its probability is above 0.9 only."""
    logistic = make_pipeline(StandardScaler(), LogisticRegression())
    model = FixedThresholdClassifier(logistic, threshold=0.9).fit(data.X, data.y)
    return FittedTarget.wrap(model, domain=Domain.of(data.X), answers=answers)


@pytest.mark.parametrize(
    ("takes", "shown", "given", "told"),
    [
        ("label", "proba", ("label", "proba"), "label"),
        ("label", "proba", ("proba",), "label"),
        (("label", "proba"), "proba", ("label", "proba"), "proba"),
        ("label", "leaf", ("label", "leaf"), "label"),
        ("label", "leaf", ("leaf",), "leaf"),
        (("label", "value"), "leaf", ("value", "leaf"), "value"),
        ("value", "proba", ("label", "proba"), "proba"),
        ("proba", "label", ("label", "proba"), "label"),
        ((), "proba", ("label", "proba"), "proba"),
    ],
)
def test_what_an_attack_is_told_depends_on_what_is_shown_and_on_what_it_takes(
    takes: Any, shown: Answer, given: tuple[Answer, ...], told: Answer
) -> None:
    assert Scope(answers=takes).told(shown, given) == told


def test_labels_are_those_shown_beside_probabilities_not_the_most_probable(breast_cancer: mex.Dataset) -> None:
    target, X = moved(breast_cancer, "label", "proba"), breast_cancer.X
    oracle = Oracle(target, answers="proba", scope=LABELS)
    told = oracle.ask(X)
    assert oracle.knowledge().answers == "label"
    assert np.array_equal(told, target.answer(X, "label"))
    assert not np.array_equal(told, target.classes[target.answer(X, "proba").argmax(axis=1)])
    assert oracle.queries == len(X), "what stands beside an answer costs no query"


def test_where_only_probabilities_are_shown_labels_are_the_most_probable(breast_cancer: mex.Dataset) -> None:
    target, X = moved(breast_cancer, "proba"), breast_cancer.X
    told = Oracle(target, scope=LABELS).ask(X)
    assert np.array_equal(told, target.classes[target.answer(X, "proba").argmax(axis=1)])


def test_no_attack_on_labels_is_out_of_scope_because_probabilities_are_shown(registry: mex.Registry) -> None:
    scopes = {p.component.name: registry.load("attack", p.component.name).scope for p in registry.provided("attack")}
    on_labels = {name: scope for name, scope in scopes.items() if "label" in scope.answers}
    assert len(on_labels) >= 15
    for name, scope in on_labels.items():
        if "proba" not in scope.answers:
            assert scope.told("proba", ("proba",)) == scope.told("proba", ("label", "proba")) == "label", name


def test_an_attack_on_labels_does_not_care_how_probabilities_are_perturbed(registry: mex.Registry) -> None:
    plan = {
        "attacks": ["lowd-meek", "equation-solving"],
        "defenses": ["none", "reverse-sigmoid"],
        "models": ["logistic"],
        "datasets": ["breast-cancer"],
        "answers": "proba",
        "budget": 60,
        "seeds": 1,
    }
    records = mex.matrix(plan, registry=registry)
    assert {(r["status"], r["answers"]) for r in records} == {("ok", "proba")}
    curves: dict[str, list[Any]] = {}
    for record in records:
        curves.setdefault(record["attack"], []).append(record["curve"])
    assert curves["lowd-meek"][0] == curves["lowd-meek"][1]
    assert curves["equation-solving"][0] != curves["equation-solving"][1]


def test_a_surrogate_of_a_moved_threshold_agrees_with_its_labels(
    registry: mex.Registry, breast_cancer: mex.Dataset
) -> None:
    target, X = moved(breast_cancer, "label", "proba"), breast_cancer.X
    attack = "passive"
    stolen = mex.attack(attack, target, pool=X[::2], answers="proba", budget=200, registry=registry).hypothesis
    agreed = float(np.mean(stolen.predict(X[1::2]) == target.answer(X[1::2], "label")))
    assert agreed > 0.93
