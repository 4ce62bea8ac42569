"""A defense: refuse rows that lie outside of what honest users send."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

import mex
from mex.dataset import Rows
from mex.params import between, doc
from mex.types import Answer, Array, BoolArray, FloatArray


@attrs.frozen(kw_only=True)
class InRange:
    """Refuse rows of which a feature is outside of the range that it has in nearly all training rows.

    It stops attacks that ask far from the data, and none that stays near to it.
    """

    share: float = attrs.field(
        default=0.01, validator=between(0, 0.2), metadata=doc("share of training values that are outside of a range")
    )

    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "an example of the documentation"

    def protect(self, target: mex.Target, train: Rows, rng: np.random.Generator) -> mex.Target:
        """Return a target that answers instead, with the ranges of ``train``."""
        low, high = np.quantile(train.X, [self.share / 2, 1 - self.share / 2], axis=0)
        return _Refusing(target, low, high)


class _Refusing(mex.Defended):
    def __init__(self, target: mex.Target, low: FloatArray, high: FloatArray) -> None:
        super().__init__(target)
        self._low, self._high = low, high

    @property
    def rho(self) -> float | None:
        """The rate of wrong labels of what stands behind: those that are given are not changed."""
        return self._target.rho

    @property
    def memory(self) -> None:
        """Nothing: each row is admitted by itself, whatever the client asked before."""

    @memory.setter
    def memory(self, memory: None) -> None:
        pass

    def admit(self, X: FloatArray) -> BoolArray:
        """Which rows are answered, shape (n,): those in range that the target behind admits."""
        inside: BoolArray = np.all((self._low <= X) & (self._high >= X), axis=1)
        if inside.any():
            inside[inside] = self._target.admit(X[inside])
        return inside

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """The answers of the target behind."""
        return self._target.answer(X, kind)
