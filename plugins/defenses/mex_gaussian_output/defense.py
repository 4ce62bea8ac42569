"""Gaussian noise on probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Scope, Target
from mex.dataset import Rows
from mex.params import above, between, boolean, doc, optional
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.outputs import DefendedOutput, has_probabilities
from mex.toolkit.perturbation.rules import DecisionRule, known_rule
from mex.types import FloatArray


@attrs.frozen(kw_only=True)
class GaussianOutput:
    """Add Gaussian noise to each probability, and answer the vector of probabilities nearest to the sum.

    Nearest in the Euclidean norm. The label follows from the noisy vector by f*'s decision rule (the largest, or a
    threshold that was moved), so near the boundary it is wrong more often than far from it. Fresh noise averages out
    over repeated queries. Sticky noise gives the same row the same answer, and averages out over neighbouring rows;
    with ``cell`` these share it.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=500).fit(X, y))
    >>> defended = GaussianOutput(scale=0.2).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(defended.answer(X, "label") == target.answer(X, "label")).round(2))
    0.97
    """

    scale: float = attrs.field(
        default=0.1, validator=between(0, 10), metadata=doc("standard deviation of the noise on each probability")
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same answer, keyed by a secret")
    )
    cell: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc(
            "width of cells whose rows share their noise, in units of half the domain's width; implies sticky"
        ),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5 (randomised answers); the norm by Duchi et al. 2008"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target with noisy probabilities; the secret key is drawn from ``rng``.

        Raises:
            Incompatible: if there are no probabilities, or if the labels do not follow from them by a decision rule.
        """
        if not has_probabilities(target, "gaussian-output"):
            return target
        rule = known_rule("gaussian-output", target, train, rng.spawn(1)[0])
        return _Noisy(target, rule, self.scale, Draws(rng, sticky=self.sticky, cell=self.cell, domain=target.domain))


class _Noisy(DefendedOutput):
    def __init__(self, target: Target, rule: DecisionRule, scale: float, draws: Draws) -> None:
        super().__init__(target, rule)
        self._scale = scale
        self._draws = draws

    def defended(self, P: FloatArray, X: FloatArray) -> FloatArray:
        return nearest_probabilities(P + self._scale * self._draws.normal(X, P.shape[1]))


def nearest_probabilities(V: FloatArray) -> FloatArray:
    """The Euclidean projection of each row of ``V`` on the probability simplex (Duchi et al. 2008, Figure 1).

    >>> nearest_probabilities(np.array([[0.5, 0.25, 0.25], [-1.0, -2.0, -3.0], [0.9, 0.5, -0.3]]))
    array([[0.5 , 0.25, 0.25],
           [1.  , 0.  , 0.  ],
           [0.7 , 0.3 , 0.  ]])
    """
    descending = -np.sort(-V, axis=1)
    excess = (np.cumsum(descending, axis=1) - 1) / np.arange(1, V.shape[1] + 1)
    positive = np.sum(descending > excess, axis=1)
    return np.asarray(np.maximum(V - excess[np.arange(len(V)), positive - 1][:, None], 0.0))
