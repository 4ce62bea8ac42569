"""Conformance tests for plugin authors: one call in your test, and our matrix will not trip over your component.

>>> import numpy as np
>>> from mex import load_registry
>>> check_defense(load_registry().build("defense", "bounded-noise:rho=0.2"), expect_change=True)
"""

from __future__ import annotations

import numpy as np

from mex.dataset import Rows
from mex.errors import Incompatible
from mex.extraction import Extraction, extract
from mex.fitted import FittedTarget, Model
from mex.learner import Attack
from mex.oracle import Oracle
from mex.target import Target, checked_answers
from mex.testing.datasets import check_dataset
from mex.testing.declarations import check_declarations
from mex.testing.defenses import check_defense
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.metrics import agreement

__all__ = ["check_attack", "check_dataset", "check_declarations", "check_defense", "check_model"]

BUDGET = 120


def check_attack(attack: Attack, target: Target | None = None, *, least_agreement: float | None = None) -> Extraction:
    """Check that an attack is a well-behaved learner, and return what it got.

    It stays within its budget, asks only what the interface accepts, has a hypothesis before the first
    answer and after the last, asks the same until told, and repeats itself for the same seed.

    Args:
        attack: the component.
        target: what to attack; by default the first of the example targets that it accepts.
        least_agreement: how much the stolen model has to agree with the target on uniform points.

    Raises:
        AssertionError: with the promise that is broken.
    """
    check_declarations(attack)
    targets = [target] if target else [example_target(), example_target(homogeneous=True), example_target("regression")]
    data = example_dataset()
    runs = []
    for candidate in targets:
        for answers in candidate.answers:
            oracle = Oracle(candidate, answers=answers, budget=BUDGET)
            try:
                attack.scope.check(type(attack).__name__, oracle.knowledge(pool=data.X))
                learner = attack.learner(oracle.knowledge(pool=data.X), np.random.default_rng(3))
            except Incompatible:
                continue
            assert hasattr(learner.hypothesis(), "predict"), "there must be a hypothesis before the first answer"
            first, again = learner.ask(), learner.ask()
            assert first is None or (again is not None and np.array_equal(first, again)), (
                "ask must return the same rows until told"
            )
            extraction = extract(oracle, learner)
            runs.append((candidate, answers, extraction))
    assert runs, "the attack accepts none of the targets"
    candidate, answers, extraction = runs[0]
    assert extraction.queries <= BUDGET, "the attack must stay within its budget"
    oracle = Oracle(candidate, answers=answers, budget=BUDGET)
    repeated = extract(oracle, attack.learner(oracle.knowledge(pool=data.X), np.random.default_rng(3)))
    assert np.array_equal(repeated.transcript.X, extraction.transcript.X), "the same seed must ask the same rows"
    X = candidate.domain.sample(1000, np.random.default_rng(4))
    share = agreement(
        extraction.hypothesis.predict(X), candidate.answer(X, candidate.answers[0]), candidate.classes is None
    )
    assert least_agreement is None or share >= least_agreement, f"agreement {share:.3f} is below {least_agreement}"
    return extraction


def check_model(model: Model) -> FittedTarget:
    """Check that a model fits every task it declares and answers as it says; return the last target.

    Raises:
        AssertionError: with the promise that is broken.
    """
    check_declarations(model)
    target = None
    for task in model.scope.tasks or ("binary", "multiclass", "regression"):
        data = example_dataset(task)
        target = model.fit(data, Rows(data.X, data.y), np.random.default_rng(5))
        again = model.fit(data, Rows(data.X, data.y), np.random.default_rng(5))
        X = target.encode(data.X)
        assert target.domain.objection(X) is None, "the target's domain must accept the rows it was fitted on"
        for kind in target.answers:
            answers = target.answer(X, kind)
            checked_answers(answers, len(X), kind, target.classes)
            assert np.array_equal(answers, again.answer(X, kind)), f"{kind}: the same seed must fit the same model"
    assert target is not None
    return target
