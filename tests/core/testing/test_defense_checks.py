"""The checks of a defense find what they are there to find, and say what to do."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import wrong

import mex
from mex.dataset import Rows
from mex.defense import undefended
from mex.params import boolean, doc
from mex.target import Target
from mex.testing import check_defense, checks
from mex.testing.declarations import DECLARATIONS
from mex.toolkit.perturbation.draws import keyed_uniform
from mex.types import Answer, Array, BoolArray, FloatArray


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


def coin(y: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.random(len(y)) < 0.5, 1 - y, y)


def flipped(y: Array, rng: np.random.Generator, rho: float) -> Array:
    return np.where(rng.random(len(y)) < rho, 1 - y, y)


class Nowhere(Flip):
    """Works nowhere."""

    scope: ClassVar[mex.Scope] = mex.Scope(families="quantum")


def nothing(*_: Any) -> None:
    return None


class Silent(_Flipped):
    answers: tuple[Answer, ...] = ()


class Elsewhere(_Flipped):
    @property
    def domain(self) -> mex.Domain:
        return mex.Domain(self._target.domain.lower / 2, self._target.domain.upper)


class Renamed(_Flipped):
    @property
    def classes(self) -> Array:
        return np.array([0, 2])


class Open(_Flipped):
    @property
    def model(self) -> Any:
        return self._target.estimator  # type: ignore[attr-defined]


class Delegating(_Flipped):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._target, name)


class _Refusing(_Flipped):
    """Refuses rows as ``how`` says of a batch."""

    def __init__(self, target: Target, how: Any, rng: np.random.Generator) -> None:
        super().__init__(target, coin, rng)
        self.refuse, self.asked = how, 0

    def admit(self, X: FloatArray) -> BoolArray:
        admitted: BoolArray = self.refuse(X, self.asked)
        self.asked += len(X)
        return admitted

    @property
    def memory(self) -> Any:
        return self.asked

    @memory.setter
    def memory(self, memory: Any) -> None:
        self.asked = memory


class Secretive(_Refusing):
    memory = mex.Defended.memory


class Unreadable(_Refusing):
    @property
    def memory(self) -> Any:
        return np.array([self.asked])


class Forgetful(_Refusing):
    @property
    def memory(self) -> Any:
        return 0

    @memory.setter
    def memory(self, memory: Any) -> None:
        self.asked = memory


def permuted(y: Array, rng: np.random.Generator) -> Array:
    return np.where(rng.permutation(len(y)) < len(y) / 2, 1 - y, y)


class Sharing(_Flipped):
    """Its copies draw from one generator."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Sharing:
        return copy.copy(self)


class Beside(_Flipped):
    """Changes labels, and shows the probabilities as they are."""

    answers: tuple[Answer, ...] = ("label", "proba")

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return super().answer(X, kind) if kind == "label" else self._target.answer(X, kind)


class Blurred(Beside):
    """Changes labels, and the probabilities a little."""

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return super().answer(X, kind) if kind == "label" else 0.99 * self._target.answer(X, kind) + 0.005


class Same(_Flipped):
    """Answers as f* does."""

    answers: tuple[Answer, ...] = ("label", "proba")

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)


class Alone(_Flipped):
    """Answers by f*, whatever stands between."""

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return coin(undefended(self._target).answer(X, kind), self.rng)


class First(Alone):
    """Refuses to stand elsewhere."""

    def __init__(self, target: Target, how: Any, rng: np.random.Generator) -> None:
        if not isinstance(target, mex.FittedTarget):
            raise mex.Incompatible("this defense has to stand first in a nest")
        super().__init__(target, how, rng)


class _Declares(_Flipped):
    rho = 0.1


class _WorseAtTheBoundary(_Flipped):
    """Wrong in a tenth of the answers where f* is sure, and in most where it is not."""

    rho = 0.4

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        near = np.abs(self._target.answer(X, "proba")[:, 1] - 0.5) < 0.1
        labels = self._target.answer(X, kind)
        return np.where(self.rng.random(len(X)) < np.where(near, 0.8, 0.1), 1 - labels, labels)


class Exact(_Flipped):
    rho = 0.0


class Absurd(_Flipped):
    rho = 1.5


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


class Drifting(_Keyed):
    every = 5000


def first_fifty(X: FloatArray, asked: int) -> BoolArray:
    return asked + np.arange(len(X)) < 130


LENT = r"the defense changes what it was lent .*read-only.*: it has to work on"
WRONG: list[tuple[str, Any, str, dict[str, Any]]] = [
    ("accepts-a-target", Nowhere(), "accepts none of the example targets: widen its scope, .* a target=", {}),
    ("leaves-what-it-was-lent", wrong.RoundsInPlace(), LENT, {}),
    ("leaves-what-it-was-lent", wrong.ClipsInPlace(), LENT, {}),
    ("leaves-what-it-was-lent", wrong.SortsItsRows(), LENT, {}),
    ("gives-a-target", Flip(shown=nothing), "protect must return a mex.Target, not NoneType: start from mex", {}),
    ("gives-a-target", Flip(how=coin, shown=Silent), "must give some kind of answer: raise mex.Incompatible", {}),
    ("keeps-the-face-of-the-model", Flip(how=coin, shown=Elsewhere), "its lower differs: .*refuse some in admit", {}),
    ("keeps-the-face-of-the-model", Flip(how=coin, shown=Renamed), r"they are \[0 1\], not \[0 2\]; answer with", {}),
    ("hides-what-it-protects", Flip(how=coin, shown=Open), "the attribute model shows what is .*: keep it in", {}),
    ("hides-what-it-protects", Flip(how=coin, shown=Delegating), "the attribute estimator shows what is", {}),
    (
        "admits-row-by-row",
        Flip(how=lambda X, asked: np.arange(len(X)) < 50, shown=_Refusing),
        r"row 50 of a batch is refused, and not so where .* one by one: go by",
        {},
    ),
    ("admits-row-by-row", Flip(how=lambda X, asked: X < 0.5, shown=_Refusing), r"\(200,\), not \(200, 4\)", {}),
    ("admits-row-by-row", Flip(how=lambda X, asked: bool(asked < 50), shown=_Refusing), r"\(200,\), not \(\)", {}),
    (
        "admits-row-by-row",
        Flip(how=lambda X, asked: (X[:, 0] < 0.5).astype(int), shown=_Refusing),
        "admit must answer True or False for each row, not int64",
        {},
    ),
    ("remembers-by-its-memory", Flip(how=first_fifty, shown=Secretive), "override memory, with its setter", {}),
    ("remembers-by-its-memory", Flip(how=first_fifty, shown=Unreadable), "memory must be JSON-ready", {}),
    ("remembers-by-its-memory", Flip(how=first_fifty, shown=Forgetful), "something is not in memory", {}),
    ("answers-what-an-interface-may", Flip(how=lambda y, rng: y + 2), "labels that are not among the classes", {}),
    ("answers-row-by-row", Flip(how=permuted), "as its rows one by one: draw for each row, in order, from", {}),
    (
        "answers-row-by-row",
        Flip(how=lambda y, rng: coin(y, np.random.default_rng())),
        "from the generator that protect was given and no other",
        {},
    ),
    ("answers-as-its-copy", Flip(how=coin, shown=Sharing), "label: a deep copy must answer alike: keep generators", {}),
    (
        "changes-something",
        Flip(how=coin, shown=Same),
        "the defense changes nothing; .* expect_change=False",
        {"untouched": ("label", "proba")},
    ),
    (
        "changes-something",
        Flip(how=coin, shown=Beside),
        "proba: every answer is that of f.*: protect it as well",
        {"untouched": ()},
    ),
    ("changes-something", Flip(how=lambda y, rng: y), "label: every answer is that of f", {"untouched": ()}),
    ("nests", Flip(shown=Alone), "label: it must answer by what the defense behind it answers: ask self._target", {}),
    ("nests", Flip(shown=First), r"refuses to stand before another defense \(this .* say so: .*nests=False", {}),
    ("nests", Flip(how=coin), "has to stand first in a nest must raise mex.Incompatible", {"nests": False}),
    (
        "hides-the-labels-it-changes",
        Flip(how=coin, shown=Beside),
        "labels are changed, .* beside 100% of them still .*: show labels only",
        {"untouched": ("proba",)},
    ),
    (
        "hides-the-labels-it-changes",
        Flip(how=coin, shown=Blurred),
        "labels are changed, .* beside 100% of them still .*: show labels only",
        {},
    ),
    (
        "keeps-its-bound",
        Flip(how=lambda y, rng: flipped(y, rng, 0.13), shown=_Declares),
        r"rho = 0.1, and 1\d\.\d% of labels of all rows are wrong .*: declare the largest",
        {},
    ),
    (
        "keeps-its-bound",
        Flip(shown=_WorseAtTheBoundary),
        r"rho = 0.4, and \d\d\.\d% of labels where it is worst are wrong .* or None",
        {},
    ),
    (
        "keeps-its-bound",
        Flip(how=lambda y, rng: flipped(y, rng, 0.01), shown=Exact),
        r"declares rho = 0, and \d+ of \d+ labels are not f\*'s: declare a bound",
        {},
    ),
    ("keeps-its-bound", Flip(how=coin, shown=Absurd), "rho must be a probability, or None", {}),
    (
        "keeps-sticky-noise",
        Sticky(shown=Drifting),
        r"sticky: label of row \d+ was \d, and is \d after 10000 others: derive noise from the row",
        {},
    ),
    ("keeps-sticky-noise", Sticky(shown=Drifting, sticky=True), r"after 10000 others: derive noise from the row", {}),
]


@pytest.mark.parametrize(("name", "defense", "said", "options"), WRONG)
def test_what_is_wrong_with_a_defense_is_said(name: str, defense: Any, said: str, options: dict[str, Any]) -> None:
    wrong.assert_first_broken("defense", defense, name, said, **options)


def test_there_is_a_wrong_defense_for_each_check() -> None:
    names = [check.name for check in checks("defense", Sticky(shown=_Keyed))]
    assert {name for name, _, _, _ in WRONG} == set(names[len(DECLARATIONS) :])


@pytest.mark.parametrize(
    ("defense", "options"),
    [
        (wrong.Careful(), {}),
        (Flip(how=coin), {}),
        (Flip(how=coin, shown=Same), {"expect_change": False}),
        (Flip(shown=First), {"nests": False}),
        (Flip(how=lambda y, rng: flipped(y, rng, 0.1), shown=_Declares), {}),
        (Flip(how=lambda y, rng: flipped(y, rng, 0.02), shown=_Declares), {}),
        (Flip(how=lambda X, asked: X[:, 0] < 0.5, shown=_Refusing), {}),
        (Flip(how=lambda X, asked: asked + np.arange(len(X)) < 130, shown=_Refusing), {}),
        (Sticky(shown=_Keyed), {}),
        (Sticky(shown=_Keyed, sticky=True), {}),
    ],
)
def test_a_defense_that_keeps_its_promises_passes(defense: Any, options: dict[str, Any]) -> None:
    check_defense(defense, **options)


def test_all_checks_at_once_tell_the_first_promise_that_is_broken() -> None:
    with pytest.raises(AssertionError, match="as its rows one by one"):
        check_defense(Flip(how=permuted))
