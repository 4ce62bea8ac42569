"""Labels by the sign of a noisy margin."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from scipy.special import ndtr

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import above, boolean, doc, one_of, optional
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.labels import RunnerUpNoise, margins_behind
from mex.toolkit.perturbation.margins import Margins, Ranking
from mex.types import BoolArray, FloatArray

PROBES, BISECTIONS = 100, 40
"""Rows of the domain, and steps, to look for the boundary with where no training row is in reach of the noise."""


@attrs.frozen(kw_only=True)
class MarginNoise:
    """Answer sign(<w, x> + eta) with random eta instead of sign(<w, x>).

    The fixed model with independent noise of the paper's Example 6, (c): eta uniform in [-1, 1]. Here <w, x> is
    the margin of f* (``Margins``), an intercept included, in the units of the model
    as fitted: no norm of w is set to 1, so what a scale of 1 hides depends on how strongly f* was regularised. With
    ``relative`` the unit is the median margin of the training rows instead. A row of several classes has the lead
    of its best class, and the runner-up is answered where the noise is larger than this.

    With m the margin, rho_D(f*, x) is max(0, 1 - |m| / scale) / 2 for uniform and Phi(-|m| / scale) for
    Gaussian noise: 1/2 at the boundary, so that Proposition 1 does not apply. But answers to fresh noise that
    are right more often than wrong still average out: see the attack ``averaging``.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=5000).fit(X, y))
    >>> defended = MarginNoise(scale=2).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> wrong = defended.answer(X, "label") != target.answer(X, "label")
    >>> float(wrong.mean().round(3)), float(defended.rho_at(X).mean().round(3))
    (0.03, 0.027)
    """

    noise: str = attrs.field(
        default="uniform", validator=one_of("uniform", "gaussian"), metadata=doc("distribution of eta")
    )
    scale: float = attrs.field(
        default=1.0,
        validator=above(0),
        metadata=doc("eta is uniform in [-scale, scale], or Gaussian with this standard deviation"),
    )
    relative: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("take scale in units of the training rows' median margin")
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same answer, keyed by a secret")
    )
    cell: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("side of the cells whose rows share their eta, in units of half the domain's width; sticky"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5.2, Example 6 (c)"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target with noise on its margin.

        Raises:
            Incompatible: if f* has no labels or no scores, if no row is within reach of the noise, as with a tree
                that is sure everywhere, or if ``relative`` has no rows, or a median of 0, to go by.
        """
        margins = margins_behind("margin-noise", target, train, rng.spawn(1)[0])
        lead = margins(train.X).lead if len(train.X) else np.empty(0)
        scale = self.scale
        if self.relative:
            median = float(np.median(lead)) if len(lead) else 0.0
            if median == 0:
                raise Incompatible(f"the median margin of {len(lead)} training rows is no unit for margin-noise")
            scale *= median
        draws = Draws(rng, sticky=self.sticky, cell=self.cell, domain=target.domain)
        shown = _Shaken(target, draws, margins, scale, gaussian=self.noise == "gaussian")
        if not shown._chance_by(lead).any():
            # No training row is in reach: well for honest users, if only the rows beside the boundary are.
            probes = np.concatenate([train.X, target.domain.sample(PROBES, rng)])
            if not shown._chance_by(lead_beside_the_boundary(margins, probes)).any():
                raise Incompatible(f"margin-noise of at most {scale:g} is less than any margin of this model")
        return shown


def lead_beside_the_boundary(margins: Margins, X: FloatArray) -> FloatArray:
    """The leads where the label changes between rows of ``X``: 0 for a continuous score, shape (number of changes,)."""
    labels = margins(X).first
    changes = labels[:-1] != labels[1:]
    a, b, at_a = X[:-1][changes], X[1:][changes], labels[:-1][changes]
    for _ in range(BISECTIONS if len(a) else 0):
        middle = (a + b) / 2
        like_a = (margins(middle).first == at_a)[:, None]
        a, b = np.where(like_a, middle, a), np.where(like_a, b, middle)
    return margins(a).lead if len(a) else np.empty(0)


class _Shaken(RunnerUpNoise):
    def __init__(self, target: Target, draws: Draws, margins: Margins, scale: float, *, gaussian: bool) -> None:
        super().__init__("margin-noise", target, draws, margins)
        self._scale, self._gaussian = scale, gaussian

    @property
    def _most(self) -> float:
        return 0.5

    def _chance_by(self, lead: FloatArray) -> FloatArray:
        t = lead / self._scale
        return np.asarray(ndtr(-t) if self._gaussian else np.maximum(0, 1 - t) / 2)

    def _exchanges(self, X: FloatArray, ranking: Ranking) -> BoolArray:
        draws = self._draws
        eta = self._scale * (draws.normal(X) if self._gaussian else 2 * draws.uniform(X) - 1)[:, 0]
        # As a sum with the signed margin: rows that share their eta then see the boundary moved, not blurred.
        return np.asarray((ranking.margin + eta > 0) != (ranking.margin > 0))
