"""What is handed over where a search does not end: a trained network, or that found so far where this fits better."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.learner import Steps
from mex.toolkit.checking.rows import natural
from mex.types import Array, Estimator, FloatArray
from mex_relu_exact.surrogate import TrainedNetwork

COMPARED = 40
"""How many rows tell which one fits better, where none are asked otherwise."""


class Instead:
    """Trains a network to the end of the budget, and compares it with another on rows that neither was fitted to.

    Args:
        known: what the attacker knows.
        rng: for rows.
        trained: the network to be trained, with the answers so far.
        found: the other network; None if it is not worth a comparison.
        least: how many rows are to be asked in all where there is no budget.
    """

    def __init__(
        self,
        known: Knowledge,
        rng: np.random.Generator,
        trained: TrainedNetwork,
        *,
        found: Estimator | None,
        least: int,
    ) -> None:
        self._known = known
        self._rng = rng
        self._trained = trained
        self._found = found
        self._least = least
        self._is_found = False

    @property
    def note(self) -> str:
        """Which one it is."""
        return "the network so far, which fits better," if self._is_found else "a network trained on the answers"

    def hypothesis(self) -> Estimator:
        """The one that fits better."""
        return self._found if self._is_found and self._found is not None else self._trained.hypothesis()

    def steps(self) -> Steps:
        """Ask rows for the comparison and the training."""
        if self._known.budget is None and self._found is not None:
            X = natural(self._known, COMPARED, self._rng)
            self._compare(X, (yield X))
        while self._known.budget is not None or self._trained.asked < self._least:
            more = self._trained.ask()
            if more is None:
                return
            answers = yield more
            self._compare(more, answers)
            self._trained.tell(more, answers)

    def _compare(self, X: FloatArray, answers: Array) -> None:
        if self._found is not None and len(X):
            self._is_found = self._error(self._found, X, answers) < self._error(self._trained.hypothesis(), X, answers)

    def _error(self, model: Estimator, X: FloatArray, answers: Array) -> float:
        told = model.predict(X) if self._known.classes is None else model.predict_proba(X)
        return float(np.mean((np.asarray(told) - answers) ** 2))
