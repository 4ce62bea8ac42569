"""An interface of labels only."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target
from mex.dataset import Rows
from mex.types import Answer, Array, FloatArray


@attrs.frozen(kw_only=True)
class LabelOnly:
    """Give labels, and neither probabilities nor leaves.

    The first countermeasure of Tramèr et al. It prevents attacks that solve equations, and has no effect on attacks
    that use labels. An interface that gives labels only is not changed.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> target.answers, LabelOnly().protect(target, Rows(X, y), np.random.default_rng(0)).answers
    (('label', 'proba'), ('label',))
    """

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Tramèr et al. 2016, Sections 6 and 7"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that gives labels."""
        if target.classes is None:
            raise Incompatible("label-only gives labels, and a regressor has none")
        if "label" not in target.answers:
            raise Incompatible(f"label-only gives labels, and this interface gives {' and '.join(target.answers)}")
        return _LabelOnly(target)


class _LabelOnly(Defended):
    @property
    def answers(self) -> tuple[Answer, ...]:
        return ("label",)

    @property
    def rho(self) -> float | None:
        return self._target.rho

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._target.answer(X, kind)
