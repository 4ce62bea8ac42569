"""Hiding all but the most probable classes."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import boolean, doc, whole
from mex.toolkit.perturbation.outputs import TruncatedOutput, has_probabilities
from mex.types import BoolArray, FloatArray


@attrs.frozen(kw_only=True)
class TopK:
    """Show the probabilities of k classes only: that of the label, and the most probable others.

    The label of most models is the most probable class; where a threshold was moved, its class is shown all the same.
    The hidden ones are 0 and those shown are divided by their sum; or, with ``spread``, those shown stay and the hidden
    ones are replaced by their mean. With ``spread`` a single hidden class would follow from the others, so k + 1
    classes are refused. The label is kept.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=500).fit(X, y))
    >>> shown = TopK(k=1, spread=True).protect(target, Rows(X, y), np.random.default_rng(0)).answer(X[70:72], "proba")
    >>> shown.round(2)
    array([[0.22, 0.22, 0.56],
           [0.02, 0.96, 0.02]])
    """

    k: int = attrs.field(default=1, validator=whole(1), metadata=doc("how many classes to show"))
    spread: bool = attrs.field(
        default=False,
        validator=boolean(),
        metadata=doc("show probabilities as they are and spread the rest evenly over the hidden classes"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Orekondy, Schiele and Fritz 2019, Knockoff Nets: truncated posteriors"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that shows k probabilities; nothing is random."""
        if not has_probabilities(target, "top-k"):
            return target
        assert target.classes is not None
        classes = len(target.classes)
        if self.k >= classes:
            raise Incompatible(f"top-k with k={self.k} hides nothing of {classes} classes")
        if self.spread and self.k == classes - 1:
            raise Incompatible(
                f"top-k with k={self.k} hides nothing of {classes} classes: the last is what is left to 1"
            )
        return _TopK(target, self.k, self.spread)


class _TopK(TruncatedOutput):
    def __init__(self, target: Target, k: int, spread: bool) -> None:
        super().__init__(target, spread=spread)
        self._k = k

    def shown(self, P: FloatArray, label: BoolArray) -> BoolArray:
        first = np.argsort(-np.where(label, np.inf, P), axis=1, kind="stable")[:, : self._k]
        shown = np.zeros(P.shape, dtype=bool)
        np.put_along_axis(shown, first, True, axis=1)
        return shown
