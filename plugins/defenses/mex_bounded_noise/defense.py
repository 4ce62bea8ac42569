"""Label noise of a constant rate."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Scope, Target
from mex.dataset import Rows
from mex.params import above, between, boolean, doc, optional
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.labels import LabelNoise
from mex.toolkit.perturbation.rules import class_index
from mex.types import Answer, Array, FloatArray


@attrs.frozen(kw_only=True)
class BoundedNoise:
    """Answer a wrong label with probability rho, whatever the row.

    The data-independent randomisation of the paper's Section 5.1. Majority votes remove fresh noise if rho < 1/2
    (Proposition 1). Sticky noise gives the same row the same answer; with ``cell`` all rows of a cell share their draw,
    so that the neighbours of a row do not tell more than the row. With k > 2 classes each wrong label is equally
    likely. Only labels are given, since probabilities would tell which are wrong.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex import FittedTarget
    >>> X, y = load_iris(return_X_y=True)
    >>> target = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> defended = BoundedNoise(rho=0.3).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(defended.answer(X, "label") != y).round(2))
    0.27
    """

    rho: float = attrs.field(
        default=0.1, validator=between(0, 1), metadata=doc("probability that a label is wrong; the paper's rho_D(f*)")
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same answer, keyed by a secret")
    )
    cell: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("width of cells whose rows share a draw, in units of half the domain's width; implies sticky"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5.1, equation 3 and Proposition 1"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target whose labels are noisy; the secret key is drawn from ``rng``.

        Raises:
            Incompatible: if the target has no labels.
        """
        return _Noisy(target, Draws(rng, sticky=self.sticky, cell=self.cell, domain=target.domain), self.rho)


class _Noisy(LabelNoise):
    def __init__(self, target: Target, draws: Draws, rho: float) -> None:
        super().__init__("bounded-noise", target, draws)
        self._rho = rho

    @property
    def most(self) -> float:
        return self._rho

    def chance(self, X: FloatArray) -> FloatArray:
        return np.full(len(X), self._rho)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        labels = self._target.answer(X, kind)
        # One uniform number per row decides both whether the label is wrong and which wrong label it is.
        u = self._draws.uniform(X)[:, 0]
        flipped = u < self._rho
        wrong = len(self._labels) - 1
        shift = 1 + np.minimum((u[flipped] / self._rho * wrong).astype(np.int64), wrong - 1)
        index = class_index(self._labels, labels)
        index[flipped] += shift
        return np.where(flipped, self._labels[index % len(self._labels)], labels)
