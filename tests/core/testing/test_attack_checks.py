"""The checks of an attack find what they are there to find, and say what to do."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong

import mex
from mex.params import doc
from mex.testing import check_attack, checks
from mex.testing.declarations import DECLARATIONS
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Guess:
    """An attack that asks one row and guesses."""

    rows: Any = attrs.field(default=None, validator=attrs.validators.instance_of(object), metadata=doc("the rows"))
    note: Any = attrs.field(default="", validator=attrs.validators.instance_of(object), metadata=doc("its note"))
    scope: ClassVar[mex.Scope] = mex.Scope(answers="label")
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Guess(self, knowledge, rng)


class _Guess:
    def __init__(self, attack: Guess, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        self.rows, self.knowledge, self.rng, self.left = attack.rows, knowledge, rng, 3
        self.note = attack.note

    def ask(self) -> FloatArray | None:
        return np.asarray(self.rows(self.rng), dtype=float) if self.left else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.left -= 1

    def hypothesis(self) -> Estimator:
        assert self.knowledge.classes is not None
        return constant(self.knowledge.classes[0], self.knowledge.domain.n_features)


def zeros(rng: np.random.Generator) -> FloatArray:
    return np.zeros((2, 4))


class Never(Guess):
    """Works nowhere."""

    scope: ClassVar[mex.Scope] = mex.Scope(families="quantum")


class Unsure(wrong.Innocent):
    """Has no hypothesis before the first answer."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Unsure(self, knowledge, rng)


class _Unsure(wrong.Asking):
    def hypothesis(self) -> Estimator:
        return super().hypothesis() if self.y else None


class Shy(wrong.Innocent):
    """Draws what to ask next from the generator that its hypotheses draw from."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Shy(self, knowledge, rng)


class _Shy(wrong.Asking):
    def __init__(self, attack: Any, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, knowledge, rng)
        self.rng = rng

    def tell(self, X: FloatArray, answers: Array) -> None:
        super().tell(X, answers)
        self.order = np.append(self.order[: len(self.y)], self.rng.permutation(self.order[len(self.y) :]))

    def hypothesis(self) -> Estimator:
        self.rng.random()
        return super().hypothesis()


class InTens(wrong.Innocent):
    """Counts on ten answers whenever it is told some."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _InTens(self, knowledge, rng)


class _InTens(wrong.Asking):
    def tell(self, X: FloatArray, answers: Array) -> None:
        super().tell(X, answers.reshape(10))


LENT = "the attack changes what it was lent"
WRONG: list[tuple[str, Any, str]] = [
    ("accepts-a-target", Never(), "accepts none of the targets: widen its scope, .* or give the check a target="),
    ("leaves-what-it-was-lent", wrong.SortsThePool(), f"{LENT} .*read-only.*: it has to work on a copy"),
    ("leaves-what-it-was-lent", wrong.StandardisesThePool(), LENT),
    ("leaves-what-it-was-lent", wrong.SwapsTheClasses(), LENT),
    ("leaves-what-it-was-lent", wrong.WidensTheDomain(), LENT),
    ("leaves-what-it-was-lent", wrong.RaisesTheBudget(), f"{LENT} .can't set attribute"),
    ("leaves-what-it-was-lent", wrong.CentresItsRows(), "the hypothesis, a Believing, changes what it was lent"),
    ("has-a-hypothesis-at-once", Unsure(), "there must be a hypothesis before the first answer: return an estimator"),
    ("asks-the-same-until-told", Guess(rows=lambda rng: rng.random((1, 4))), "the same rows until told: keep the"),
    ("notes-a-sentence", Guess(rows=zeros, note=3), "the note must be a string, one sentence or '', not 3"),
    ("runs-to-its-end", Guess(rows=lambda rng: np.full((1, 4), 2.0)), "outside -1 to 1"),
    ("runs-to-its-end", Guess(rows=lambda rng: np.zeros((1, 3))), "rows of 4 features"),
    ("predicts-what-the-target-could-answer", wrong.PredictsTooFew(), r"asked 1000 rows and answered .* shape \(999,"),
    ("predicts-what-the-target-could-answer", wrong.PredictsAnotherClass(), "labels that are not among the classes"),
    ("predicts-what-the-target-could-answer", wrong.PredictsNothing(), "labels that are not among the classes"),
    ("leaves-its-hypotheses-alone", wrong.ChangesItsEstimator(), r"after \d+ queries has changed since: return an"),
    ("repeats-itself", Shy(), "the same rows, whether or not hypotheses are looked at on the way: draw from"),
    ("ends-when-it-is-shut-out", InTens(), "fewer answers than rows asked .*cannot reshape array of size 3"),
    ("learns", Guess(rows=zeros), r"agreement 0\.\d+ is below 0.9 after 6 queries: look for a wrong sign"),
]


@pytest.mark.parametrize(("name", "attack", "said"), WRONG)
def test_what_is_wrong_with_an_attack_is_said(name: str, attack: Any, said: str) -> None:
    wrong.assert_first_broken("attack", attack, name, said, least_agreement=0.9 if name == "learns" else None)


def test_there_is_a_wrong_attack_for_each_check() -> None:
    names = [check.name for check in checks("attack", wrong.Innocent(), least_agreement=0.7)]
    assert {name for name, _, _ in WRONG} == set(names[len(DECLARATIONS) :])


def test_an_attack_that_keeps_its_promises_passes() -> None:
    assert check_attack(Guess(rows=zeros)).queries == 6
    check_attack(wrong.Innocent(), least_agreement=0.7)
    check_attack(wrong.PredictsAColumn(), least_agreement=0.7)


def test_all_checks_at_once_tell_the_first_promise_that_is_broken() -> None:
    with pytest.raises(mex.QueryError, match="rows of 4 features"):
        check_attack(Guess(rows=lambda rng: np.zeros((1, 3))))
