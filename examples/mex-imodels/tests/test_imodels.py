"""What every model promises, by the conformance kit; and that attacks on the declared classes steal the models."""

from __future__ import annotations

import numpy as np
import pytest
from mex_imodels.rules import RuleFit

import mex
from mex.dataset import Rows
from mex.fitted import FittedTarget
from mex.testing import Check, checks
from mex.testing.examples import example_dataset
from mex.toolkit.metrics import agreement

MODELS = ("greedy-rule-list", "one-r", "shrunk-tree", "figs", "boosted-rules", "rule-fit:max_rules=8")


@pytest.mark.parametrize("check", [c for name in MODELS for c in checks("model", name)])
def test_they_keep_the_promises_of_a_model(check: Check) -> None:
    check()


def fitted(model: str, task: str = "binary") -> FittedTarget:
    data = example_dataset(task)
    component = mex.load_registry().build("model", model)
    target: FittedTarget = component.fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    return target


def stolen(attack: str, target: FittedTarget, answers: str, budget: int) -> float:
    """The agreement on uniform points."""
    built = mex.load_registry().build("attack", attack)
    oracle = mex.Oracle(target, answers=answers, budget=budget, scope=built.scope)
    known = oracle.knowledge(pool=example_dataset().X)
    built.scope.check(attack, known)
    hypothesis = mex.extract(oracle, built.learner(known, np.random.default_rng(0)), snapshots=False).hypothesis
    X = target.domain.sample(2000, np.random.default_rng(1))
    truth = mex.target.labels(target, X)
    return agreement(hypothesis.predict(X), truth, target.classes is None)


@pytest.mark.parametrize(
    ("model", "attack", "answers", "task"),
    [
        ("greedy-rule-list", "tree-labels", "label", "binary"),
        ("one-r", "tree-labels", "label", "binary"),
        ("shrunk-tree", "tree-structure", "value", "regression"),
        ("figs:max_rules=3", "boosted-exact", "value", "regression"),
        ("boosted-rules", "boosted-exact", "proba", "binary"),
    ],
)
def test_an_attack_on_the_declared_class_steals_it(model: str, attack: str, answers: str, task: str) -> None:
    assert stolen(attack, fitted(model, task), answers, 4000) > 0.999


def test_rules_alone_are_parallel_to_the_axes_and_rules_with_features_are_not() -> None:
    assert [fitted(f"rule-fit:max_rules=5,linear={linear}").family.axis_parallel for linear in ("true", "false")] == [
        False,
        True,
    ]
    assert RuleFit().kind not in mex.knowledge.KINDS
    with pytest.raises(mex.Incompatible, match="rules one, as it sums rules"):
        stolen("tree-labels", fitted("rule-fit:max_rules=5,linear=false"), "label", 100)
