"""Hiding small probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import between, boolean, doc
from mex.toolkit.perturbation.outputs import TruncatedOutput, has_probabilities
from mex.types import BoolArray, FloatArray


@attrs.frozen(kw_only=True)
class HideLowConfidence:
    """Hide the probabilities below a threshold; the probability of the label's class is always shown.

    The hidden ones are 0 and those shown are divided by their sum; or, with ``spread``, those shown stay and the hidden
    ones are replaced by their mean. With ``spread`` a single hidden class would follow from the others, so two
    classes are refused. The label is kept.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=500).fit(X, y))
    >>> HideLowConfidence().protect(target, Rows(X, y), np.random.default_rng(0)).answer(X[70:72], "proba").round(2)
    array([[0.  , 0.44, 0.56],
           [0.  , 1.  , 0.  ]])
    """

    threshold: float = attrs.field(
        default=0.25, validator=between(0, 1), metadata=doc("probabilities below it are hidden")
    )
    spread: bool = attrs.field(
        default=False,
        validator=boolean(),
        metadata=doc("show probabilities as they are and spread the rest evenly over the hidden classes"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "the Adversarial Robustness Toolbox's HighConfidence, without its empty rows"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that shows large probabilities; nothing is random."""
        if not has_probabilities(target, "hide-low-confidence"):
            return target
        assert target.classes is not None
        if self.spread and len(target.classes) == 2:
            raise Incompatible("hide-low-confidence hides nothing of 2 classes: the second is what is left to 1")
        return _Confident(target, self.threshold, self.spread)


class _Confident(TruncatedOutput):
    def __init__(self, target: Target, threshold: float, spread: bool) -> None:
        super().__init__(target, spread=spread)
        self._threshold = threshold

    def shown(self, P: FloatArray, label: BoolArray) -> BoolArray:
        return np.asarray(self._threshold <= P)
