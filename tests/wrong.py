"""Plugins that do by accident what no plugin may, for tests of what becomes of it: each says what it does wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.dataset import Rows
from mex.target import Target
from mex.testing import checks
from mex.toolkit.estimators import constant
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray


def assert_first_broken(kind: str, component: Any, name: str, said: str, **options: Any) -> None:
    """Of the checks of a wrong component, those before the one called ``name`` pass, and that one fails and says so."""
    for check in checks(kind, component, **options):
        if check.name == name:
            break
        check()
    else:
        pytest.fail(f"no check is called {name}")
    with pytest.raises((AssertionError, mex.MexError), match=said):
        check()


@attrs.frozen(kw_only=True)
class Innocent:
    """Asks the pool in batches of ten and fits a tree. The attacks below are this one, but for one mistake."""

    scope: ClassVar[mex.Scope] = mex.Scope(tasks=("binary", "multiclass"), answers="label", needs_pool=True)
    paper: ClassVar[str] = "none"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return Asking(self, knowledge, rng)

    def tell(self, knowledge: mex.Knowledge) -> None:
        """Called when answers are told."""

    def believe(self, fitted: Estimator) -> Estimator:
        """The hypothesis, given the tree."""
        return fitted


class Asking:
    def __init__(self, attack: Any, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        assert knowledge.pool is not None
        self.attack = attack
        self.known = knowledge
        self.order = rng.permutation(len(knowledge.pool))
        self.y: list[int] = []

    def ask(self) -> FloatArray | None:
        assert self.known.pool is not None
        X = self.known.pool[self.order[len(self.y) :][:10]]
        return X if len(X) else None

    def tell(self, X: FloatArray, answers: Array) -> None:
        self.attack.tell(self.known)
        self.y += answers.tolist()

    def hypothesis(self) -> Estimator:
        assert self.known.pool is not None
        assert self.known.classes is not None
        if len(set(self.y)) < 2:
            return constant(self.y[0] if self.y else self.known.classes[0], self.known.domain.n_features)
        tree = DecisionTreeClassifier(random_state=0).fit(self.known.pool[self.order[: len(self.y)]], self.y)
        return self.attack.believe(tree)


class SortsThePool(Innocent):
    """Sorts each column of the pool before it starts."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        assert knowledge.pool is not None
        knowledge.pool.sort(axis=0)
        return super().learner(knowledge, rng)


class StandardisesThePool(Innocent):
    """Centres the pool in place, once answers arrive."""

    def tell(self, knowledge: mex.Knowledge) -> None:
        pool = knowledge.pool
        assert pool is not None
        pool -= pool.mean(axis=0)


class SwapsTheClasses(Innocent):
    """Puts the positive class first, in place."""

    def tell(self, knowledge: mex.Knowledge) -> None:
        assert knowledge.classes is not None
        knowledge.classes[:] = knowledge.classes[::-1].copy()


class WidensTheDomain(Innocent):
    """Takes the upper bounds away."""

    def tell(self, knowledge: mex.Knowledge) -> None:
        knowledge.domain.upper[:] = np.inf


class RaisesTheBudget(Innocent):
    """Sets itself a larger budget."""

    def tell(self, knowledge: mex.Knowledge) -> None:
        knowledge.budget = 10**6  # type: ignore[misc]


class ChangesTheFamily(Innocent):
    """No mistake that others could notice: the family is a copy."""

    def tell(self, knowledge: mex.Knowledge) -> None:
        knowledge.family.public["C"] = 1e-9  # type: ignore[index]
        vars(knowledge.family.learner).clear()


class Believing(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose answers are those of another, changed."""

    def __init__(self, tree: Estimator, change: Callable[[FloatArray, Array], Any]) -> None:
        self.tree = tree
        self.change = change
        self.classes_ = tree.classes_
        self.n_features_in_ = tree.n_features_in_

    def predict(self, X: FloatArray) -> Any:
        return self.change(X, self.tree.predict(X))


class CentresItsRows(Innocent):
    """Its hypothesis centres the rows that it predicts, in place."""

    def believe(self, fitted: Estimator) -> Estimator:
        def centred(X: FloatArray, y: Array) -> Array:
            X -= X.mean(axis=0)
            return y

        return Believing(fitted, centred)


class PredictsAColumn(Innocent):
    """No mistake: it is taken as it is meant."""

    def believe(self, fitted: Estimator) -> Estimator:
        return Believing(fitted, lambda X, y: y[:, None])


class PredictsTooFew(Innocent):
    """Its hypothesis loses a row."""

    def believe(self, fitted: Estimator) -> Estimator:
        return Believing(fitted, lambda X, y: y[1:])


class PredictsAnotherClass(Innocent):
    """Its hypothesis calls the classes -1 and 1."""

    def believe(self, fitted: Estimator) -> Estimator:
        return Believing(fitted, lambda X, y: 2 * y - 1)


class PredictsNothing(Innocent):
    """Its hypothesis predicts NaN."""

    def believe(self, fitted: Estimator) -> Estimator:
        return Believing(fitted, lambda X, y: np.full(len(X), np.nan))


class ChangesItsEstimator(Innocent):
    """Returns one estimator for ever, and goes on fitting it."""

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        return _Refitting(self, knowledge, rng)


class _Refitting(Asking):
    def __init__(self, attack: Any, knowledge: mex.Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, knowledge, rng)
        self.one = Believing(super().hypothesis(), lambda X, y: y)

    def hypothesis(self) -> Estimator:
        self.one.tree = super().hypothesis()
        return self.one


@attrs.frozen(kw_only=True)
class Careful:
    """Answers by rows rounded to whole numbers. The defenses below are this one, but for one mistake."""

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return Rounded(target)


class Rounded(mex.Defended):
    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(np.round(X), kind)


class RoundsInPlace(Careful):
    """Rounds the rows that it is asked, in place."""

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return _RoundedInPlace(target)


class _RoundedInPlace(mex.Defended):
    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(np.round(X, out=X), kind)


class ClipsInPlace(Careful):
    """Clips the rows that it admits, in place."""

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        return _ClippedInPlace(target)


class _ClippedInPlace(Rounded):
    def admit(self, X: FloatArray) -> BoolArray:
        np.clip(X, -1, 1, out=X)
        return super().admit(X)


class SortsItsRows(Careful):
    """Sorts each column of the rows it is fitted to."""

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        train.X.sort(axis=0)
        return Rounded(target)
