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
from mex.params import between, boolean, doc
from mex.target import Target, knowledge, labels
from mex.testing import check_attack, check_declarations, check_defense, check_model
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.estimators import constant
from mex.toolkit.metrics import agreement
from mex.toolkit.perturbation.draws import keyed_uniform
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray


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

    with pytest.raises(
        AssertionError, match=r"refuses to stand before another defense \(this .* say so: .*nests=False"
    ):
        check_defense(Flip(shown=First))
    check_defense(Flip(shown=First), nests=False)
    with pytest.raises(AssertionError, match=r"has to stand first in a nest must raise mex.Incompatible"):
        check_defense(Flip(how=coin), nests=False)


def test_probabilities_that_tell_a_changed_label_are_found() -> None:
    class Beside(_Flipped):
        answers: tuple[Answer, ...] = ("label", "proba")

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return super().answer(X, kind) if kind == "label" else self._target.answer(X, kind)

    class Blurred(Beside):
        """The labels are changed, and the probabilities a little."""

        def answer(self, X: FloatArray, kind: Answer) -> Array:
            return super().answer(X, kind) if kind == "label" else 0.99 * self._target.answer(X, kind) + 0.005

    for shown in (Beside, Blurred):
        with pytest.raises(
            AssertionError, match=r"labels are changed, .* beside 100% of them still .*: show labels only"
        ):
            check_defense(Flip(how=coin, shown=shown), untouched=("proba",))


class _Declares(_Flipped):
    rho = 0.1


class _WorseAtTheBoundary(_Flipped):
    """Wrong in a tenth of the answers where f* is sure, and in most where it is not."""

    rho = 0.4

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        near = np.abs(self._target.answer(X, "proba")[:, 1] - 0.5) < 0.1
        labels = self._target.answer(X, kind)
        return np.where(self.rng.random(len(X)) < np.where(near, 0.8, 0.1), 1 - labels, labels)


@pytest.mark.parametrize(
    ("how", "shown", "broken"),
    [
        (lambda y, rng: flipped(y, rng, 0.1), _Declares, ""),
        (lambda y, rng: flipped(y, rng, 0.02), _Declares, ""),
        (lambda y, rng: flipped(y, rng, 0.13), _Declares, r"rho = 0.1, and 1\d\.\d% of labels of all rows are wrong"),
        (None, _WorseAtTheBoundary, r"rho = 0.4, and \d\d\.\d% of labels where it is worst are wrong .* or None"),
    ],
)
def test_a_bound_on_wrong_labels_is_held_against_what_is_measured(how: Any, shown: Any, broken: str) -> None:
    if not broken:
        return check_defense(Flip(how=how, shown=shown))
    with pytest.raises(AssertionError, match=broken):
        check_defense(Flip(how=how, shown=shown))


def flipped(y: Array, rng: np.random.Generator, rho: float) -> Array:
    return np.where(rng.random(len(y)) < rho, 1 - y, y)


def test_a_bound_of_zero_and_a_bound_that_is_none_are_read_as_such() -> None:
    class Exact(_Flipped):
        rho = 0.0

    with pytest.raises(AssertionError, match=r"declares rho = 0, and \d+ of \d+ labels are not f\*'s"):
        check_defense(Flip(how=lambda y, rng: flipped(y, rng, 0.01), shown=Exact))

    class Absurd(_Flipped):
        rho = 1.5

    with pytest.raises(AssertionError, match=r"rho must be a probability, or None"):
        check_defense(Flip(how=coin, shown=Absurd))


@attrs.frozen(kw_only=True)
class Sticky(Flip):
    """The same answer for the same row, if it is to be believed."""

    sticky: bool = attrs.field(default=False, validator=boolean(), metadata=doc("the same answer for the same row"))

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return self.shown(target, self.sticky, rng)


class _Keyed(_Flipped):
    """Noise by the row and a key, which ``counted`` of the queries changes."""

    every = 0

    def __init__(self, target: Target, sticky: bool, rng: np.random.Generator) -> None:
        super().__init__(target, None, rng)
        self.key, self.sticky, self.asked = rng.bytes(16), sticky, 0

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        keys = [self.key] * len(X)
        if not self.sticky:
            keys = [self.rng.bytes(16) for _ in X]
        elif self.every:
            keys = [self.key + bytes([(self.asked + i) // self.every % 256]) for i in range(len(X))]
        self.asked += len(X)
        u = np.array([keyed_uniform(row[None], key)[0, 0] for row, key in zip(X, keys, strict=True)])
        labels = self._target.answer(X, kind)
        return np.where(u < 0.2, 1 - labels, labels)


def test_sticky_noise_that_drifts_with_a_counter_is_found() -> None:
    class Drifting(_Keyed):
        every = 5000

    check_defense(Sticky(shown=_Keyed))
    check_defense(Sticky(shown=_Keyed, sticky=True))
    for sticky in (False, True):
        with pytest.raises(
            AssertionError, match=r"sticky: label of row \d+ was \d, and is \d after 10000 others: derive"
        ):
            check_defense(Sticky(shown=Drifting, sticky=sticky))


class _Refusing(_Flipped):
    """Refuses rows as ``how`` says of a batch."""

    def __init__(self, target: Target, how: Any, rng: np.random.Generator) -> None:
        super().__init__(target, coin, rng)
        self.refuse, self.asked = how, 0

    def admit(self, X: FloatArray) -> BoolArray:
        admitted: BoolArray = self.refuse(X, self.asked)
        self.asked += len(X)
        return admitted


@pytest.mark.parametrize(
    ("how", "broken"),
    [
        (lambda X, asked: X[:, 0] < 0.5, ""),
        (lambda X, asked: asked + np.arange(len(X)) < 50, ""),
        (
            lambda X, asked: np.arange(len(X)) < 50,
            r"row 50 of a batch is refused, and not so where .* one by one: go by",
        ),
        (lambda X, asked: X < 0.5, r"admit must answer for each of the 200 rows, shape \(200,\), not \(200, 4\)"),
        (lambda X, asked: bool(asked < 50), r"shape \(200,\), not \(\)"),
        (lambda X, asked: (X[:, 0] < 0.5).astype(int), r"admit must answer True or False for each row, not int64"),
    ],
)
def test_rows_are_admitted_by_themselves_and_by_those_before(how: Any, broken: str) -> None:
    if not broken:
        return check_defense(Flip(how=how, shown=_Refusing))
    with pytest.raises(AssertionError, match=broken):
        check_defense(Flip(how=how, shown=_Refusing))


def test_a_domain_or_classes_that_were_replaced_are_found() -> None:
    class Elsewhere(_Flipped):
        @property
        def domain(self) -> mex.Domain:
            return mex.Domain(self._target.domain.lower / 2, self._target.domain.upper)

    class Renamed(_Flipped):
        @property
        def classes(self) -> Array:
            return np.array([0, 2])

    with pytest.raises(AssertionError, match=r"the domain must stand, and its lower differs: .*refuse some in admit"):
        check_defense(Flip(how=coin, shown=Elsewhere))
    with pytest.raises(AssertionError, match=r"the classes must stand: they are \[0 1\], not \[0 2\]"):
        check_defense(Flip(how=lambda y, rng: 2 * y, shown=Renamed))


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

    @attrs.frozen(kw_only=True)
    class Boundless:
        """A default that is no JSON."""

        rho: float = attrs.field(
            default=float("inf"), validator=attrs.validators.instance_of(object), metadata=doc("share")
        )
        scope: ClassVar[mex.Scope] = mex.Scope()

    @attrs.frozen(kw_only=True)
    class Vector(Boundless):
        """The same, made by a factory."""

        rho: Any = attrs.field(
            factory=lambda: np.array([0.1]), validator=attrs.validators.instance_of(object), metadata=doc("shares")
        )

    for component, broken in (
        (Plain(), "must be an attrs class"),
        (Undocumented(), "parameter rho has no doc"),
        (Unchecked(), "parameter rho has no validator"),
        (Unscoped(), "must declare scope"),
        (Boundless(), "parameter rho has the default inf, which no record, .* take a finite number"),
        (Vector(), r"parameter rho has the default array\(\[0.1\]\), which no record"),
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
