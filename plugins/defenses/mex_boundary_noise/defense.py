"""Label noise near the decision boundary."""

from __future__ import annotations

import math
from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import above, between, boolean, doc, optional
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.labels import RunnerUpNoise, margins_behind
from mex.toolkit.perturbation.margins import Margins, Ranking
from mex.types import BoolArray, FloatArray


@attrs.frozen(kw_only=True)
class BoundaryNoise:
    """Answer a wrong label with probability rho in a zone along the boundary of f*, and the true one elsewhere.

    A data-dependent randomisation as in the paper's Section 5.2. With rho >= 1/2 in the zone, majority votes
    (Proposition 1) do not reveal its labels, while rows far from the boundary, as most of those of honest users are,
    get right answers. Unless the noise is sticky, repeated queries reveal the zone, whose edges run along the
    boundary.

    The zone holds the rows whose margin (:class:`.Margins`) is at most a width: an absolute one, or the one that holds
    a share of the training rows. (Margins of training rows tend to be larger than those of new rows.) The wrong label
    is that of the second class. Margins of forests are discrete, so the zone may hold fewer training rows than the
    share, but never more; a tree with the same margin everywhere has no zone.

    With ``epsilon`` the zone is randomised as by the boundary differentially private layer of Zheng et al.: the true
    label has the probability 1/2 + sqrt(e^(2 epsilon) - 1) / (2 + 2 e^epsilon). Then for any two rows of the zone the
    answers change the odds that their labels are equal by a factor of at most e^epsilon. Their zone is defined by the
    labels around a row, this one by the model's score. For repeated queries the guarantee needs sticky noise.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from mex import FittedTarget
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> target = FittedTarget.wrap(LogisticRegression(max_iter=5000).fit(X, y))
    >>> defended = BoundaryNoise(share=0.1).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> rho = defended.rho_at(X)
    >>> float(np.mean(rho == 0.5).round(2)), float(np.mean(rho == 0).round(2))
    (0.1, 0.9)
    >>> round(response(1.0), 3)
    0.16
    """

    share: float = attrs.field(
        default=0.2, validator=between(0, 1), metadata=doc("share of the operator's training rows in the zone")
    )
    width: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("largest margin in the zone, in the units of the model's score; overrides share"),
    )
    rho: float = attrs.field(
        default=0.5, validator=between(0, 1), metadata=doc("probability of a wrong label in the zone")
    )
    epsilon: float | None = attrs.field(
        default=None,
        validator=optional(above(0)),
        metadata=doc("privacy of the zone's labels, as of a boundary differentially private layer; overrides rho"),
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
    paper: ClassVar[str] = (
        "Chandrasekaran et al. 2020, Section 5.2; H. Zheng, Q. Ye, H. Hu, C. Fang, J. Shi, BDPL: A Boundary"
        " Differentially Private Layer Against Machine Learning Model Extraction Attacks, ESORICS 2019"
    )

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target whose labels are noisy near the boundary.

        Raises:
            Incompatible: if f* has no labels or no scores, or if the rows give no zone of such a share.
        """
        rows = train.X
        margins = margins_behind("boundary-noise", target, train, rng.spawn(1)[0])
        width = self.width
        if width is None:
            if len(rows) == 0:
                raise Incompatible("boundary-noise takes its zone from the training rows: give it some, or a width")
            width = zone_width(margins(rows).lead, self.share)
        rho = self.rho if self.epsilon is None else response(self.epsilon)
        return _Zone(target, Draws(rng, sticky=self.sticky, cell=self.cell, domain=target.domain), margins, width, rho)


def response(epsilon: float) -> float:
    """The probability of a wrong label in boundary randomized response.

    If the probability of the true label is 1/2 + a, two rows with equal labels get equal answers with probability
    1/2 + 2 a^2; the ratio of this to its complement is e^epsilon, so 4 a^2 = tanh(epsilon / 2).
    """
    return 0.5 - math.sqrt(math.tanh(epsilon / 2)) / 2


def zone_width(lead: FloatArray, share: float) -> float:
    """The widest zone that holds at most a share of the rows with these leads, shape (n,).

    Raises:
        Incompatible: if every zone holds more.
    """
    levels, counts = np.unique(lead, return_counts=True)
    inside = int(np.searchsorted(counts.cumsum(), share * len(lead), side="right"))
    if inside == 0:
        raise Incompatible(
            f"boundary-noise has no zone with a share of {share:g}: the smallest margin of this model, {levels[0]:g},"
            f" is that of {counts[0]} of {len(lead)} training rows"
        )
    # Between two levels, so that rounding does not matter.
    return float(levels[inside - 1 : inside + 1].mean())


class _Zone(RunnerUpNoise):
    def __init__(self, target: Target, draws: Draws, margins: Margins, width: float, rho: float) -> None:
        super().__init__("boundary-noise", target, draws, margins)
        self._width = width
        self._inside = rho

    @property
    def most(self) -> float:
        return self._inside

    def chance_by(self, lead: FloatArray) -> FloatArray:
        return np.where(lead <= self._width, self._inside, 0.0)

    def exchanges(self, X: FloatArray, ranking: Ranking) -> BoolArray:
        return np.asarray(self._draws.uniform(X)[:, 0] < self.chance_by(ranking.lead))
