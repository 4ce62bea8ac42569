"""A contest of models: each is judged by answers to rows that it was not fitted to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from mex.toolkit.left_out import best, folds
from mex.types import Array, Estimator, FloatArray

Fit: TypeAlias = Callable[[FloatArray, Array], Estimator]


class Contest:
    """Ways to fit a model, by name, of which the one that has been right most often leads.

    The first leads unless another was right more often by so many standard errors.

    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> contest = Contest({"commonest": DummyClassifier().fit, "tree": DecisionTreeClassifier().fit}, again=2, errors=1)
    >>> X = np.arange(20.0)[:, None]
    >>> contest.refit(X[::2], X[::2, 0] > 9)
    >>> contest.leader
    'commonest'
    >>> contest.judge(X[1::2], X[1::2, 0] > 9)
    >>> contest.leader
    'tree'
    """

    def __init__(self, fits: Mapping[str, Fit], *, again: float, errors: float, recent: float = 1.0) -> None:
        """Start with nothing fitted.

        Args:
            fits: what fits a model to rows and their answers, by name.
            again: all are fitted anew when there are so many times more answers.
            errors: by how many standard errors another has to be better than the first.
            recent: the share of the answers that counts, the latest.
        """
        self.fits = dict(fits)
        self._again = again
        self._errors = errors
        self._recent = recent
        self._judged: dict[str, Estimator] = {}
        self._fitted_to = 0
        self._losses: dict[str, FloatArray] = dict.fromkeys(fits, np.empty(0))  # 1 for each answer that was wrong

    @property
    def leader(self) -> str:
        """The name of the one that has been right most often."""
        losses = list(self._losses.values())
        n = int(np.ceil(self._recent * len(losses[0])))
        return list(self.fits)[best([each[-n:] for each in losses], self._errors) if n else 0]

    def judge(self, X: FloatArray, told: Array) -> None:
        """Count where the models are wrong on new rows; nothing as long as none is fitted."""
        if self._judged:
            self._count(self._judged, X, told)

    def refit(self, X: FloatArray, told: Array) -> None:
        """Fit all models anew if there are so many more answers; one that fails is wrong until it is fitted."""
        if len(X) >= self._again * self._fitted_to:
            self._fitted_to = len(X)
            self._judged = self._fit(X, told)

    def cross_validated(self, X: FloatArray, told: Array, rng: np.random.Generator) -> Contest:
        """The same contest, with answers counted that are left out of fits, a third at a time."""
        contest, part = (
            Contest(self.fits, again=self._again, errors=self._errors, recent=self._recent),
            folds(told, rng),
        )
        for held in (part == k for k in np.unique(part)):
            if not held.all():
                contest._count(self._fit(X[~held], told[~held]), X[held], told[held])
        return contest

    def _fit(self, X: FloatArray, told: Array) -> dict[str, Estimator]:
        fitted = {}
        for name, fit in self.fits.items():
            with contextlib.suppress(Exception):  # a class may need more rows than there are
                fitted[name] = fit(X, told)
        return fitted

    def _count(self, fitted: Mapping[str, Estimator], X: FloatArray, told: Array) -> None:
        for name, before in self._losses.items():
            wrong = np.ones(len(told))
            if name in fitted:
                wrong = (np.ravel(fitted[name].predict(X)) != told).astype(np.float64)
            self._losses[name] = np.concatenate([before, wrong])
