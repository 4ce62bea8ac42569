"""A limit on the rows that one client is answered."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defended, Scope, Target
from mex.dataset import Rows
from mex.params import doc, whole
from mex.toolkit.perturbation.rules import both
from mex.types import Answer, Array, BoolArray, FloatArray


@attrs.frozen(kw_only=True)
class QueryBudget:
    """Answer the first ``limit`` rows of a client and refuse the others.

    Prediction services have such limits for other reasons (Tramèr et al. 2016, Section 7). Reaching it raises no
    alarm. It limits a client, not an attacker: one with k accounts gets k times as many answers, which a single oracle
    does not show.

    >>> import mex
    >>> target = mex.FittedTarget.wrap(mex.halfspace(np.array([1.0, -1.0])))
    >>> defended = QueryBudget(limit=3).protect(target, Rows(np.empty((0, 2)), np.empty(0)), np.random.default_rng(0))
    >>> defended.admit(np.zeros((2, 2))), defended.admit(np.zeros((2, 2)))
    (array([ True,  True]), array([ True, False]))
    """

    limit: int = attrs.field(default=1000, validator=whole(1), metadata=doc("rows that a client is answered"))

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 6: what a number of queries buys"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that counts; it draws nothing."""
        return _Limited(target, self.limit)


class _Limited(Defended):
    every_kind: ClassVar[bool] = True

    def __init__(self, target: Target, limit: int) -> None:
        super().__init__(target)
        self._limit = limit
        self._used = 0

    @property
    def rho(self) -> float | None:
        return self._target.rho

    @property
    def memory(self) -> int:
        """Rows of the client that were admitted."""
        return self._used

    @memory.setter
    def memory(self, memory: int) -> None:
        self._used = memory

    def unanswered(self, rows: int) -> None:
        self._used -= rows

    def admit(self, X: FloatArray) -> BoolArray:
        left = max(0, self._limit - self._used)
        admitted = np.arange(len(X)) < left
        self._used += min(left, len(X))
        if admitted.any():
            admitted[admitted] = self._target.admit(X[admitted])
        return admitted

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)

    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels of the target behind, shapes (n, k) and (n,)."""
        return both(self._target, X)
