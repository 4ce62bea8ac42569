"""Learners whose hypothesis is a model fitted to all answers so far."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from mex.errors import MexError, sentence
from mex.knowledge import Knowledge
from mex.target import refusals
from mex.toolkit.checking.fits import best_fit
from mex.toolkit.checking.readings import Told
from mex.toolkit.estimators import constant
from mex.types import Array, Estimator, FloatArray


class SupervisedLearner(ABC):
    """A base that keeps the answers and fits a model to them; a subclass says what to ask and how to fit.

    A row that a defense refuses counts as asked and is not asked again.

    Attributes:
        known: what the attacker knows.
        asked: how many rows were asked, those refused included.
        unfit: why there is no model, if its fit failed.
    """

    takes_refusals = True

    def __init__(self, known: Knowledge) -> None:
        self.known = known
        self.asked = 0
        self.unfit = ""
        self._rows: list[FloatArray] = [np.empty((0, known.domain.n_features))]
        self._answers: list[Array] = []
        self._fitted: tuple[int, Estimator | None] | None = None  # the number of answers, and the model fitted to them
        self._instead: tuple[int, Estimator] | None = None  # the same of what is taken where that cannot be

    @abstractmethod
    def ask(self) -> FloatArray | None:
        """Return the next rows, None at the end."""

    @abstractmethod
    def fit(self) -> Estimator:
        """Fit a model to :attr:`X` and :attr:`answers`, among which are two labels at least, if they are labels."""

    @property
    def note(self) -> str:
        """For the record."""
        return self.unfit

    @property
    def X(self) -> FloatArray:
        """The rows answered so far, shape (n, d)."""
        self._rows = [np.concatenate(self._rows)] if len(self._rows) > 1 else self._rows
        return self._rows[0]

    @property
    def answers(self) -> Array | None:
        """Their answers, shape (n,) or, for probabilities, (n, number of classes); None before the first."""
        self._answers = [np.concatenate(self._answers)] if len(self._answers) > 1 else self._answers
        return self._answers[0] if self._answers else None

    @property
    def labels(self) -> Array:
        """The label of each answer, shape (n,): the most probable one where the answers are probabilities."""
        assert self.known.classes is not None
        if self.answers is None:
            return self.known.classes[:0]
        return self.known.classes[np.argmax(self.answers, axis=1)] if self.answers.ndim == 2 else self.answers

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Keep the rows that were answered."""
        self.asked += len(X)
        answered = ~refusals(answers)
        if answered.any():
            self.keep(X[answered], np.ma.getdata(answers)[answered])

    def keep(self, X: FloatArray, answers: Array) -> None:
        """Take rows and their answers, none of them refused."""
        self._rows.append(X)
        self._answers.append(answers)

    def model(self) -> Estimator | None:
        """The model fitted to all answers so far, None where that cannot be: without answers or with labels of one
        class only, or as long as they are too few for it.
        """
        if len(self.X) == 0 or (self.known.classes is not None and len(np.unique(self.labels)) < 2):
            return None
        if self._fitted is None or self._fitted[0] != len(self.X):
            self._fitted = len(self.X), self._fit_and_try()
        return self._fitted[1]

    def _fit_and_try(self) -> Estimator | None:
        """A fitted model that predicts: some are asked for more rows than there are, by their folds or neighbours."""
        self.unfit = ""
        try:
            fitted = self.fit()
            fitted.predict(self.X[:1])
        except MexError:
            raise
        except Exception as error:
            why = f"its model cannot learn from {len(self.X)} answers ({sentence(error)})"
            self.unfit = f"{why}: what fits them best is taken instead"
            return None
        return fitted

    def hypothesis(self) -> Estimator:
        """The model; as long as there is none, what fits the answers best: of one label or of none, a constant."""
        fitted = self.model()
        if fitted is not None:
            return fitted
        if self.answers is None:
            first = 0.0 if self.known.classes is None else self.known.classes[0]
            return constant(first, self.known.domain.n_features, regression=self.known.classes is None)
        if self._instead is None or self._instead[0] != len(self.X):
            told = Told(self.known)
            told.add(self.X, self.answers)
            best = best_fit(Told(self.known), told.complete(), self.known, 0, any_class=True)
            self._instead = len(self.X), best.model()
        return self._instead[1]
