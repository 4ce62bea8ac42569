"""An attack: ask halfway between rows that were answered differently."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier

import mex
from mex.params import doc, whole
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Midpoints:
    """Ask random rows, then rows halfway between two that were answered differently; fit extremely random trees."""

    batch: int = attrs.field(default=20, validator=whole(1), metadata=doc("rows asked at once"))

    scope: ClassVar[mex.Scope] = mex.Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "an example of the documentation; the trees are those of Geurts, Ernst and Wehenkel 2006"

    def learner(self, knowledge: mex.Knowledge, rng: np.random.Generator) -> mex.Learner:
        """Start the attack on what ``knowledge`` describes."""
        return _Learning(self.batch, knowledge, rng)


class _Learning(mex.GeneratorLearner):
    def __init__(self, batch: int, known: mex.Knowledge, rng: np.random.Generator) -> None:
        self._batch, self._known, self._rng = batch, known, rng
        self._X = np.empty((0, known.domain.n_features))
        self._y = np.empty(0, dtype=object if known.classes is None else known.classes.dtype)

    def steps(self) -> mex.Steps:
        """Yield rows, shape (n, d), and receive their labels, shape (n,); the budget ends it."""
        while True:
            X = self._halfway() if len(np.unique(self._y)) > 1 else self._known.domain.sample(self._batch, self._rng)
            answers = yield X
            self.cut(X, answers)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep answers: also those to a batch of which the budget cut the end."""
        self._X, self._y = np.concatenate([self._X, X]), np.concatenate([self._y, answers])

    def _halfway(self) -> FloatArray:
        first = self._rng.integers(len(self._y), size=self._batch)
        other = np.array([self._rng.choice(np.flatnonzero(self._y != self._y[i])) for i in first])
        return self._known.domain.clip((self._X[first] + self._X[other]) / 2)

    def hypothesis(self) -> Estimator:
        """The stolen model so far, a new estimator each time."""
        if len(self._y) == 0:
            assert self._known.classes is not None
            return constant(self._known.classes[0], self._known.domain.n_features)
        return ExtraTreesClassifier(50, random_state=0).fit(self._X, self._y)
