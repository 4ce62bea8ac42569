"""The conformance checks for plugin authors find what they are there to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.dataset import Rows
from mex.defense import undefended
from mex.params import between, doc
from mex.target import Target, knowledge, labels
from mex.testing import check_attack, check_declarations, check_defense, check_model
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.estimators import constant
from mex.toolkit.metrics import agreement
from mex.types import Answer, Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Flip:
    """A defense that answers as its function says."""

    how: Any = attrs.field(default=None, validator=attrs.validators.instance_of(object), metadata=doc("the function"))
    shown: Any = attrs.field(
        default=None, validator=attrs.validators.instance_of(object), metadata=doc("what is shown")
    )
    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return (self.shown or _Flipped)(target, self.how, rng)


class _Flipped(mex.Defended):
    answers: tuple[Answer, ...] = ("label",)

    def __init__(self, target: Target, how: Any, rng: np.random.Generator) -> None:
        super().__init__(target)
        self.how, self.rng = how, rng

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        labels: Array = self.how(self._target.answer(X, kind), self.rng)
        return labels


def test_a_defense_that_keeps_its_promises_passes() -> None:
    check_defense(Flip(how=lambda y, rng: np.where(rng.random(len(y)) < 0.5, 1 - y, y)))


@pytest.mark.parametrize(
    ("how", "broken"),
    [
        (lambda y, rng: np.where(rng.permutation(len(y)) < len(y) / 2, 1 - y, y), "as its rows one by one"),
        (lambda y, rng: np.where(np.random.default_rng().random(len(y)) < 0.5, 1 - y, y), "one by one"),
    ],
)
def test_a_defense_that_looks_at_the_batch_is_found(how: Callable[..., Array], broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        check_defense(Flip(how=how))


def coin(y: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(len(y)) < 0.5, 1 - y, y)


def test_a_defense_that_shows_what_it_hides_is_found() -> None:
    class Open(_Flipped):
        @property
        def model(self) -> Any:
            return self._target.estimator  # type: ignore[attr-defined]

    class Delegating(_Flipped):
        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            return getattr(self._target, name)

    for shown, attribute in ((Open, "model"), (Delegating, "estimator")):
        with pytest.raises(AssertionError, match=f"the attribute {attribute} shows what is to be protected"):
            check_defense(Flip(how=coin, shown=shown))


def test_a_kind_of_answer_left_as_it_was_is_found_unless_declared() -> None:
    class Beside(_Flipped):
        answers: tuple[Answer, ...] = ("label", "proba")

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return super().answer(X, kind) if kind == "label" else self._target.answer(X, kind)

    with pytest.raises(AssertionError, match="proba: every answer is that of f"):
        check_defense(Flip(how=coin, shown=Beside), untouched=())
    check_defense(Flip(how=coin, shown=Beside), untouched=("proba",))
    with pytest.raises(AssertionError, match="label: every answer is that of f"):
        check_defense(Flip(how=lambda y, rng: y), untouched=())


def test_a_defense_that_forgets_the_one_behind_it_is_found() -> None:
    class Alone(_Flipped):
        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return coin(undefended(self._target).answer(X, kind), self.rng)

    with pytest.raises(AssertionError, match="label: it must answer by what the defense behind it answers"):
        check_defense(Flip(shown=Alone))

    class First(Alone):
        def __init__(self, target: Target, how: Any, rng: np.random.Generator) -> None:
            if not isinstance(target, mex.FittedTarget):
                raise mex.Incompatible("this defense has to stand first in a nest")
            super().__init__(target, how, rng)

    check_defense(Flip(shown=First))


def test_a_defense_that_invents_labels_is_found() -> None:
    with pytest.raises(mex.AnswerError, match="labels that are not among the classes"):
        check_defense(Flip(how=lambda y, rng: y + 2))


@attrs.frozen(kw_only=True)
class Guess:
    """An attack that asks one row and guesses."""

    rows: Any = attrs.field(default=None, validator=attrs.validators.instance_of(object), metadata=doc("the rows"))
    scope: ClassVar[mex.Scope] = mex.Scope(answers="label")
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Guess(self.rows, knowledge, rng)


class _Guess:
    def __init__(self, rows: Any, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        self.rows, self.knowledge, self.rng, self.left = rows, knowledge, rng, 3

    def ask(self) -> FloatArray | None:
        return np.asarray(self.rows(self.rng), dtype=float) if self.left else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.left -= 1

    def hypothesis(self) -> Estimator:
        assert self.knowledge.classes is not None
        return constant(self.knowledge.classes[0], self.knowledge.domain.n_features)


def test_an_attack_that_keeps_its_promises_passes() -> None:
    assert check_attack(Guess(rows=lambda rng: np.zeros((2, 4)))).queries == 6


@pytest.mark.parametrize(
    ("rows", "error", "broken"),
    [
        (lambda rng: rng.random((1, 4)), AssertionError, "the same rows until told"),
        (lambda rng: np.full((1, 4), 2.0), mex.QueryError, "outside -1 to 1"),
        (lambda rng: np.zeros((1, 3)), mex.QueryError, "rows of 4 features"),
    ],
)
def test_an_attack_that_breaks_a_promise_is_found(rows: Any, error: type[Exception], broken: str) -> None:
    with pytest.raises(error, match=broken):
        check_attack(Guess(rows=rows))


def test_an_attack_that_learns_too_little_is_found() -> None:
    with pytest.raises(AssertionError, match=r"agreement 0\.\d+ is below 0.9"):
        check_attack(Guess(rows=lambda rng: np.zeros((2, 4))), least_agreement=0.9)


def test_an_attack_that_accepts_nothing_is_found() -> None:
    class Never(Guess):
        """Works nowhere."""

        scope: ClassVar[mex.Scope] = mex.Scope(families="quantum")

    with pytest.raises(AssertionError, match="accepts none of the targets"):
        check_attack(Never())


def test_declarations_that_are_missing_are_found() -> None:
    class Plain:
        """Not attrs."""

    @attrs.frozen(kw_only=True)
    class Undocumented:
        """No doc for a parameter."""

        rho: float = attrs.field(default=0.1, validator=between(0, 1))
        scope: ClassVar[mex.Scope] = mex.Scope()

    @attrs.frozen(kw_only=True)
    class Unchecked(Undocumented):
        """No validator."""

        rho: float = attrs.field(default=0.1, metadata=doc("share"))

    @attrs.frozen(kw_only=True)
    class Unscoped:
        """No scope."""

    for component, broken in (
        (Plain(), "must be an attrs class"),
        (Undocumented(), "parameter rho has no doc"),
        (Unchecked(), "parameter rho has no validator"),
        (Unscoped(), "must declare scope"),
    ):
        with pytest.raises(AssertionError, match=broken):
            check_declarations(component)


def test_a_model_that_depends_on_chance_is_found(registry: mex.Registry) -> None:
    from sklearn.ensemble import RandomForestClassifier

    @attrs.frozen(kw_only=True)
    class Unseeded:
        """A forest that draws from nowhere."""

        scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary")

        def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
            return RandomForestClassifier(n_estimators=3)

        def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> mex.FittedTarget:
            fitted = self.estimator(dataset.task, rng).fit(train.X, train.y)
            return mex.FittedTarget.wrap(fitted, domain=dataset.domain)

    with pytest.raises(AssertionError, match="the same seed must fit the same model"):
        check_model(Unseeded())


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_example_targets_are_what_they_are_called(task: str) -> None:
    assert example_dataset(task).task == task
    target = example_target(task)
    assert target.domain.objection(example_dataset(task).X) is None
    assert example_target(homogeneous=True).estimator.intercept_ == 0


@pytest.mark.parametrize(
    ("attack", "broken"),
    [
        (wrong.SortsThePool, "the attack changes what it was lent .*read-only.*: it has to work on a copy"),
        (wrong.StandardisesThePool, "the attack changes what it was lent"),
        (wrong.SwapsTheClasses, "the attack changes what it was lent"),
        (wrong.WidensTheDomain, "the attack changes what it was lent"),
        (wrong.RaisesTheBudget, "the attack changes what it was lent .can't set attribute"),
        (wrong.CentresItsRows, "the hypothesis, a Believing, changes what it was lent"),
        (wrong.PredictsTooFew, r"the hypothesis, a Believing, was asked 1000 rows and answered an array of shape"),
        (wrong.PredictsAnotherClass, "labels that are not among the classes"),
        (wrong.PredictsNothing, "labels that are not among the classes"),
    ],
)
def test_an_attack_that_changes_or_predicts_what_it_may_not_is_found(attack: type, broken: str) -> None:
    with pytest.raises(mex.MexError, match=broken):
        check_attack(attack())


def test_an_estimator_that_changes_after_it_was_returned_is_found() -> None:
    with pytest.raises(AssertionError, match=r"after \d+ queries has changed since: return an estimator of its own"):
        check_attack(wrong.ChangesItsEstimator())


def test_an_attack_that_is_disturbed_by_a_look_at_its_hypothesis_is_found() -> None:
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

    with pytest.raises(AssertionError, match="the same rows, whether or not hypotheses are looked at"):
        check_attack(Shy())


def test_a_careful_attack_and_a_careful_defense_pass() -> None:
    check_attack(wrong.Innocent(), least_agreement=0.7)
    check_attack(wrong.PredictsAColumn(), least_agreement=0.7)
    check_defense(wrong.Careful())


@pytest.mark.parametrize("defense", [wrong.RoundsInPlace, wrong.ClipsInPlace, wrong.SortsItsRows])
def test_a_defense_that_writes_into_rows_it_was_lent_is_found(defense: type) -> None:
    with pytest.raises(mex.MexError, match=r"the defense changes what it was lent .*read-only.*: it has to work on"):
        check_defense(defense())


@pytest.mark.parametrize(
    ("admit", "broken"),
    [
        (lambda X: np.ones(len(X)), "with booleans"),
        (lambda X: np.ones((len(X), 1), dtype=bool), r"shape \(n,\)"),
        (lambda X: np.arange(len(X)) > 0, "admitted as its rows one by one"),
    ],
)
def test_a_defense_that_admits_in_another_way_is_found(admit: Callable[[FloatArray], Any], broken: str) -> None:
    class Odd(_Flipped):
        def admit(self, X: FloatArray) -> Any:
            return admit(X)

    with pytest.raises(AssertionError, match=broken):
        check_defense(Flip(how=coin, shown=Odd))


def test_a_model_that_sorts_the_rows_it_is_fitted_to_is_found() -> None:
    @attrs.frozen(kw_only=True)
    class Sorting:
        """A tree on sorted columns."""

        scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary")

        def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
            return DecisionTreeClassifier(random_state=0)

        def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> mex.FittedTarget:
            train.X.sort(axis=0)
            return mex.FittedTarget.wrap(self.estimator(dataset.task, rng).fit(train.X, train.y), domain=dataset.domain)

    with pytest.raises(mex.MexError, match="the model changes what it was lent"):
        check_model(Sorting())


@pytest.mark.parametrize("family", ["linear", "kernel", "tree", "forest", "boosted"])
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_there_is_an_example_target_of_every_family(task: str, family: str) -> None:
    target = example_target(task, family=family)
    data = example_dataset(task)
    assert (target.family.kind, knowledge(target).task) == (family, task)
    assert agreement(labels(target, data.X), data.y, task == "regression") > 0.4
