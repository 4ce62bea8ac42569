"""Queries on a grid."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import doc, whole
from mex.types import Answer, Array, FloatArray


@attrs.frozen(kw_only=True)
class Coarse:
    """Round every continuous feature to the middle of one of ``levels`` steps before the model sees it.

    An attacker's bisection then ends at a step's edge instead of at the model's boundary. There is no
    noise to average away; honest users near the boundary get their neighbour's answer.

    >>> from mex.testing.examples import example_target
    >>> target = example_target()
    >>> coarse = Coarse(levels=4).protect(target, Rows(np.empty((0, 4)), np.empty(0)), np.random.default_rng(0))
    >>> X = target.domain.sample(1000, np.random.default_rng(1))
    >>> float(np.mean(coarse.answer(X, "label") != target.answer(X, "label")).round(2))
    0.08
    """

    levels: int = attrs.field(default=16, validator=whole(2), metadata=doc("steps per continuous feature"))

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "an example; input quantisation is folklore"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that answers for the grid point; needs a bounded domain."""
        if not target.domain.bounded:
            raise Incompatible("coarse needs a bounded domain to lay a grid on")
        return _OnGrid(target, self.levels)


class _OnGrid(Defended):
    every_kind: ClassVar[bool] = True

    def __init__(self, target: Target, levels: int) -> None:
        super().__init__(target)
        self._levels = levels

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        low, width = self.domain.lower, 2 * self.domain.half_width
        step = np.clip(np.floor((X - low) / width * self._levels), 0, self._levels - 1)
        snapped = low + (step + 0.5) / self._levels * width
        fixed = self.domain.discrete | (self.domain.lower == self.domain.upper)
        return self._target.answer(np.where(fixed, X, snapped), kind)
