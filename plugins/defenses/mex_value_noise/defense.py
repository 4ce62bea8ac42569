"""Gaussian noise on values."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import above, boolean, doc, optional
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.outputs import DefendedValues, value_spread
from mex.types import FloatArray


@attrs.frozen(kw_only=True)
class ValueNoise:
    """Add Gaussian noise to the values of a regressor.

    Fresh noise averages out over repeated queries, sticky noise over neighbouring rows, which share it with ``cell``. A
    least-squares fit averages over distant rows as well, which independent noise does not prevent.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from mex import FittedTarget
    >>> X, y = load_diabetes(return_X_y=True)
    >>> target = FittedTarget.wrap(LinearRegression().fit(X, y))
    >>> defended = ValueNoise(scale=0.1).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> noise = defended.answer(X, "value") - target.answer(X, "value")
    >>> float((noise.std() / target.answer(X, "value").std()).round(2))
    0.1
    """

    scale: float = attrs.field(default=0.1, validator=above(0), metadata=doc("standard deviation of the noise"))
    relative: bool = attrs.field(
        default=True,
        validator=boolean(),
        metadata=doc("whether scale is in standard deviations of the values of the training rows"),
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

    scope: ClassVar[Scope] = Scope(tasks="regression")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5 (randomised answers), for values"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target with noisy values; the secret key is drawn from ``rng``."""
        if "value" not in target.answers:
            raise Incompatible(f"value-noise changes values, and this interface gives {' and '.join(target.answers)}")
        scale = self.scale * value_spread(target, train, "value-noise") if self.relative else self.scale
        return _Noisy(target, scale, Draws(rng, sticky=self.sticky, cell=self.cell, domain=target.domain))


class _Noisy(DefendedValues):
    def __init__(self, target: Target, scale: float, draws: Draws) -> None:
        super().__init__(target)
        self._scale = scale
        self._draws = draws

    def defended(self, values: FloatArray, X: FloatArray) -> FloatArray:
        return np.asarray(values + self._scale * self._draws.normal(X)[:, 0])
