"""Conformance tests for plugin authors: one call in your test, and our matrix will not trip over your component.

>>> import numpy as np
>>> from mex import load_registry
>>> check_defense(load_registry().build("defense", "bounded-noise:rho=0.2"), expect_change=True)
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from contextlib import suppress
from typing import Any

import attrs
import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, Defense
from mex.errors import Incompatible
from mex.extraction import Extraction, extract
from mex.fitted import FittedTarget, Model
from mex.knowledge import Scope
from mex.learner import Attack
from mex.oracle import Oracle
from mex.params import fields
from mex.target import Target, checked_answers, labels
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.metrics import agreement
from mex.types import Answer, Array, FloatArray

BUDGET = 120


def check_declarations(component: Any) -> None:
    """Check what every component declares: it builds with no argument, and its parameters are documented."""
    cls = type(component)
    assert attrs.has(cls), f"{cls.__name__} must be an attrs class, so that its parameters are known"
    cls()
    for field in fields(cls):
        assert field.metadata.get("doc"), f"parameter {field.name} has no doc(...)"
        assert field.validator or "component" in field.metadata, f"parameter {field.name} has no validator"
    assert cls.__doc__, f"{cls.__name__} has no docstring"
    assert isinstance(getattr(cls, "scope", None), Scope), f"{cls.__name__} must declare scope: ClassVar[mex.Scope]"


def check_defense(
    defense: Defense,
    target: Target | None = None,
    *,
    expect_change: bool = True,
    untouched: Collection[str] = ("label",),
) -> None:
    """Check that a defended target keeps the promises of :class:`mex.Target`.

    A batch is answered as its rows one by one, answers are well formed, a copy for honest users answers
    alike without disturbing the original, the domain stands, and something changes. No public attribute is
    the target behind or its estimator, and only answers ``untouched`` are as they were. The defense nests,
    or refuses to: it protects the answers of another defense, not those of f*.

    Args:
        defense: the component.
        target: what to protect; by default :func:`example_target`, with the rows it was fitted on.
        expect_change: whether some answer should differ from the undefended one.
        untouched: kinds of answer that it may leave as they are; a defense of labels passes ``()``.

    Raises:
        AssertionError: with the promise that is broken.
    """
    check_declarations(defense)
    data, target = None if target else example_dataset(), target or example_target()
    X = target.domain.sample(200, np.random.default_rng(0))
    train = Rows(data.X, data.y) if data else Rows(X, labels(target, X))

    def protected(behind: Target = target) -> Target:
        return defense.protect(behind, train, np.random.default_rng(1))

    shown = protected()
    assert isinstance(shown, Target), "protect must return a mex.Target"
    assert shown.domain.n_features == target.domain.n_features, "a defense must not change the number of features"
    assert shown.answers, "a defended target must give some kind of answer"
    _check_hidden(shown, target)
    changed = shown.answers != target.answers
    for kind in shown.answers:
        batch, other = protected(), protected()
        honest = copy.deepcopy(batch)
        answers = batch.answer(X, kind)
        checked_answers(answers, len(X), kind, shown.classes)
        one_by_one = np.concatenate([other.answer(row[None], kind) for row in X])
        assert _alike(answers, one_by_one), f"{kind}: a batch must be answered as its rows one by one"
        assert np.array_equal(honest.answer(X, kind), answers), f"{kind}: a deep copy must answer alike"
        if kind in target.answers:
            differs = not np.array_equal(answers, target.answer(X, kind))
            assert differs or kind in untouched or not expect_change, f"{kind}: every answer is that of f* itself"
            changed = changed or differs
        with suppress(Incompatible):  # a defense may say that it has to stand first in a nest
            nested, turned = (protected(_Nest(target, turn)).answer(X, kind) for turn in (False, True))
            assert _alike(answers, nested), f"{kind}: it must protect another defense's answers as it does those of f*"
            assert not _alike(answers, turned), f"{kind}: it must answer by what the defense behind it answers"
    assert changed or not expect_change, "the defense changes nothing"


def _check_hidden(shown: Target, target: Target) -> None:
    secrets = [] if shown is target else [target, getattr(target, "estimator", target)]
    for name in {*dir(shown), *dir(target)}:
        public = None if name.startswith("_") else getattr(shown, name, None)
        assert all(public is not secret for secret in secrets), f"the attribute {name} shows what is to be protected"


class _Nest(Defended):
    """A defense that does nothing, or turns every answer round."""

    def __init__(self, target: Target, turn: bool) -> None:
        super().__init__(target)
        self._turn = turn

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        answers = self._target.answer(X, kind)
        if not self._turn:
            return answers
        if kind == "label" and self.classes is not None:
            return np.asarray(self.classes[::-1][np.searchsorted(self.classes, answers)])
        return np.asarray(answers[:, ::-1] if kind == "proba" else -answers)


def _alike(a: Array, b: Array) -> bool:
    """Equal, but for the last digits that a matrix product may round otherwise for one row."""
    if a.dtype.kind == "f" and a.shape == b.shape:
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
    return np.array_equal(a, b)


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
