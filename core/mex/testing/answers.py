"""What a kind of answer promises."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from mex.answers import AnswerKind, checked_answers
from mex.errors import AnswerError
from mex.fitted import FittedTarget
from mex.testing.examples import example_targets
from mex.testing.kit import check_all, once
from mex.types import Array, FloatArray

FEW = 10
"""Rows that are also asked one by one."""
OFTEN = 0.99
"""The share of labels at least that are read as the model gives them: the others may lie on its boundary."""


@attrs.frozen(eq=False)
class Given:
    """A target whose model gives the kind, rows that were asked, and what its model answered."""

    target: FittedTarget
    X: FloatArray
    answers: Array


@attrs.frozen(eq=False, slots=False)
class AnswerTrial:
    """A kind of answer, at the targets whose models give it."""

    component: AnswerKind
    target: FittedTarget | None = attrs.field(default=None, kw_only=True)
    kind: ClassVar[str] = "answer"
    checks: ClassVar[Sequence[Callable[[Any], None]]]

    @once
    def given(self) -> list[Given]:
        """What the models answer: that of ``target``, or those of the example targets that give the kind."""
        tried = [self.target] if self.target else [target for family in example_targets() for target in family]
        given = [target for target in tried if target is self.target or self.component.given_by(target.estimator)]
        rows = [target.domain.sample(100, np.random.default_rng(0)) for target in given]
        return [Given(t, X, self.component.asked(t.estimator, X)) for t, X in zip(given, rows, strict=True)]


def is_a_kind_of_answer(trial: AnswerTrial) -> None:
    """It is a mex.answers.AnswerKind, and says what such answers are called."""
    assert isinstance(trial.component, AnswerKind), (
        f"the target of the component must be a mex.answers.AnswerKind, not {trial.component!r}"
    )
    assert trial.component.words.strip(), "words must say what such answers are called, in the plural"


def is_given_by_a_model(trial: AnswerTrial) -> None:
    """Some model gives it."""
    assert trial.given, (
        "no example target gives such answers: let given_by say True for the estimators that do, or give the check a"
        " target=... of the kind that does"
    )


def answers_what_it_promises(trial: AnswerTrial) -> None:
    """What a model answers has the form that the kind promises."""
    for given in trial.given:
        checked_answers(given.answers, len(given.X), trial.component, given.target.classes, "ask")


def answers_row_by_row(trial: AnswerTrial) -> None:
    """A batch is answered as its rows one by one."""
    for given in trial.given:
        alone = [trial.component.asked(given.target.estimator, given.X[i : i + 1]) for i in range(FEW)]
        assert np.allclose(np.concatenate(alone), given.answers[:FEW], rtol=1e-9, atol=1e-12), (
            "ask answers rows otherwise in a batch than one by one: let nothing of one row depend on the others"
        )


def refuses_other_answers(trial: AnswerTrial) -> None:
    """Answers with columns too many, or with other numbers, are refused."""
    for given in trial.given:
        altered = [np.column_stack([given.answers, given.answers])]
        if given.answers.dtype.kind in "fiu":
            altered += [given.answers + 0.5, -1 - abs(given.answers)]
        assert not all(_accepted(trial.component, other, given.target) for other in altered), (
            f"objection has nothing against answers of shape {altered[0].shape}, where a model answers"
            f" {given.answers.shape}, nor against other numbers: say what they are not"
        )


def _accepted(kind: AnswerKind, answers: Array, target: FittedTarget) -> bool:
    try:
        checked_answers(answers, len(answers), kind, target.classes)
    except AnswerError:
        return False
    return True


def tells_the_label(trial: AnswerTrial) -> None:
    """The label or value that is read off an answer is the one that the model gives."""
    if trial.component.labels is None:
        return
    for given in trial.given:
        read, truth = (
            trial.component.labels(given.answers, given.target.classes),
            given.target.estimator.predict(given.X),
        )
        same = np.isclose(read, truth) if given.target.classes is None else read == truth
        assert np.mean(same) >= OFTEN, (
            f"labels reads {np.mean(same):.0%} of the labels as the model gives them: leave it out where answers do not"
            " tell them"
        )


def measures_how_far_answers_are(trial: AnswerTrial) -> None:
    """Answers are at distance 0 from themselves, and further from others."""
    if trial.component.shift is None:
        return
    for given in trial.given:
        near, far = (trial.component.shift(given.answers, other) for other in (given.answers, given.answers[::-1]))
        assert near == 0, f"shift must be 0 from answers to themselves, not {near:g}"
        assert 0 < far < np.inf, f"shift must be a number above 0 from answers to those of other rows, not {far:g}"


AnswerTrial.checks = (
    is_a_kind_of_answer,
    is_given_by_a_model,
    answers_what_it_promises,
    answers_row_by_row,
    refuses_other_answers,
    tells_the_label,
    measures_how_far_answers_are,
)


def check_answer(kind: AnswerKind, target: FittedTarget | None = None) -> None:
    """Check that a kind of answer keeps its promises, at ``target`` or at the example targets that give it.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    check_all(AnswerTrial(kind, target=target))
