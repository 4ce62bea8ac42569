"""Noise on the margin, before its sign."""

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
"""Rows of the domain between which the boundary is searched if no training row is within the noise, and steps."""


@attrs.frozen(kw_only=True)
class MarginNoise:
    """Answer sign(<w, x> + eta) with random eta instead of sign(<w, x>).

    The fixed model with independent noise of the paper's Example 6 (c), with eta uniform in [-1, 1]. Here <w, x> is the
    margin of f* (:class:`.Margins`), with its intercept, in the units of the fitted model: w is not normalised, so
    the effect of a scale depends on how strongly f* was regularised. With ``relative`` the unit is the median margin of
    the training rows. For several classes the margin is the lead of the best class, and the label is the second
    class if the noise exceeds it.

    With m the margin, rho_D(f*, x) is max(0, 1 - |m| / scale) / 2 for uniform and Phi(-|m| / scale) for Gaussian noise.
    At the boundary it is 1/2, so that Proposition 1 does not apply; but fresh noise still averages out, as for the
    attack ``averaging``.

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
        metadata=doc("width of cells whose rows share their eta, in units of half the domain's width; implies sticky"),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5.2, Example 6 (c)"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target with noise on its margin.

        Raises:
            Incompatible: if f* has no labels or no scores, if the noise is less than every margin, as for a tree with
            pure
                leaves, or if ``relative`` is asked for and there are no training rows or their median margin is 0.
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
        shown = _NoisyMargin(target, draws, margins, scale, gaussian=self.noise == "gaussian")
        if not shown.chance_by(lead).any():
            # No training row is affected: that is fine, if rows next to the boundary are.
            probes = np.concatenate([train.X, target.domain.sample(PROBES, rng)])
            if not shown.chance_by(leads_at_the_boundary(margins, probes)).any():
                raise Incompatible(f"margin-noise of at most {scale:g} is less than any margin of this model")
        return shown


def leads_at_the_boundary(margins: Margins, X: FloatArray) -> FloatArray:
    """The leads where the label changes between successive rows of ``X``, shape (changes,); 0 if continuous."""
    labels = margins(X).first
    changes = labels[:-1] != labels[1:]
    a, b, at_a = X[:-1][changes], X[1:][changes], labels[:-1][changes]
    for _ in range(BISECTIONS if len(a) else 0):
        middle = (a + b) / 2
        same_as_a = (margins(middle).first == at_a)[:, None]
        a, b = np.where(same_as_a, middle, a), np.where(same_as_a, b, middle)
    return margins(a).lead if len(a) else np.empty(0)


class _NoisyMargin(RunnerUpNoise):
    def __init__(self, target: Target, draws: Draws, margins: Margins, scale: float, *, gaussian: bool) -> None:
        super().__init__("margin-noise", target, draws, margins)
        self._scale = scale
        self._gaussian = gaussian

    @property
    def most(self) -> float:
        return 0.5

    def chance_by(self, lead: FloatArray) -> FloatArray:
        t = lead / self._scale
        return np.asarray(ndtr(-t) if self._gaussian else np.maximum(0, 1 - t) / 2)

    def exchanges(self, X: FloatArray, ranking: Ranking) -> BoolArray:
        draws = self._draws
        eta = self._scale * (draws.normal(X) if self._gaussian else 2 * draws.uniform(X) - 1)[:, 0]
        # Added to the signed margin, so that for rows that share their eta the boundary is moved, not blurred.
        return np.asarray((ranking.margin + eta > 0) != (ranking.margin > 0))
