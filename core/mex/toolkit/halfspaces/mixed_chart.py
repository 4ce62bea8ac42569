"""The chart of a halfspace whose interface has integer features and one-hot groups.

Directions can be asked among the fine features only. The weight of a discrete feature is measured instead: one of its
values is changed, and the fine features are moved until the label changes back.
"""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.halfspaces.charts import CentredChart
from mex.types import Array, BoolArray, Estimator, FloatArray

FINE = 1000
"""The least width of an integer feature that counts as fine, if no feature is continuous."""


def fine_features(domain: Domain) -> BoolArray:
    """Which columns move almost continuously, shape (d,): the continuous ones; if there are none, wide integers."""
    width = domain.upper - domain.lower
    continuous = ~domain.discrete & (width > 0)
    return np.asarray(continuous if continuous.any() else domain.integer & (width >= FINE))


@attrs.frozen
class Change:
    """A change of one discrete feature: column ``on`` is set to ``value`` and column ``off``, if any, to 0."""

    on: int
    value: float
    off: int | None = None

    @property
    def unit(self) -> int:
        """A number that changes of the same feature share."""
        return self.on if self.off is None else self.off

    def apply(self, row: FloatArray) -> None:
        """Make the change in place."""
        row[self.on] = self.value
        if self.off is not None:
            row[self.off] = 0.0


def changes(domain: Domain, origin: FloatArray, fine: BoolArray) -> list[Change]:
    """A change per discrete degree of freedom: an integer goes to its farther bound, a group to each other category."""
    found = []
    for unit in domain.units():
        if len(unit) > 1:
            base = max(unit, key=lambda i: origin[i])
            found += [Change(i, 1.0, base) for i in unit if i != base]
        elif not fine[unit[0]] and domain.lower[unit[0]] < domain.upper[unit[0]]:
            (i,) = unit
            low_is_farther = origin[i] - domain.lower[i] > domain.upper[i] - origin[i]
            found.append(Change(i, float((domain.lower if low_is_farther else domain.upper)[i])))
    return found


@attrs.frozen
class Crossing:
    """Where the boundary crosses the path once changes are made.

    Attributes:
        change: the change that is measured.
        t: the position on the path, from -1 to 1.
        compensation: changes made beside it, because without them the boundary does not cross the path.
    """

    change: Change
    t: float
    compensation: tuple[Change, ...] = ()


@attrs.define(eq=False)
class MixedChart(CentredChart):
    """A centred chart of the fine features, with the crossings that tell the weights of the discrete ones.

    The *path* goes from the corner of the fine features with the lowest score (t = -1) straight to the origin (t = 0),
    and on straight to the corner with the highest score (t = 1).

    Attributes:
        weight_signs: the signs of the weights of the fine features, shape (number of fine features,).
        crossings: one per discrete degree of freedom; compensations consist of (parts of) changes before it.
    """

    weight_signs: FloatArray
    crossings: list[Crossing] = attrs.field(factory=list)

    def reach(self, side: float) -> FloatArray:
        """How far each fine feature goes to the end of the path on a side, in unit coordinates."""
        domain, free = self.domain, self.free
        ends = np.where(side * self.weight_signs > 0, domain.upper[free], domain.lower[free])
        return np.asarray(np.abs(ends - self.origin[free]) / domain.half_width[free])

    def on_path(self, t: float, *made: Change) -> FloatArray:
        """The row at ``t`` on the path with some changes made, shape (d,)."""
        row = self.origin.copy()
        row[self.free] += t * self.weight_signs * self.reach(t) * self.domain.half_width[self.free]
        for change in made:
            change.apply(row)
        return np.asarray(self.valid(row[None])[0])

    def valid(self, X: FloatArray) -> FloatArray:
        return super().valid(round_integers(X, self.domain))

    def effects(self, v: FloatArray) -> dict[Change, float]:
        """What each measured change adds to the score, if the fine weights are ``v``."""
        effects: dict[Change, float] = {}
        for crossing in self.crossings:
            score = crossing.t * float(np.abs(v) @ self.reach(crossing.t))
            compensated = sum(self.effect(other, effects) for other in crossing.compensation)
            effects[crossing.change] = -score - compensated
        return effects

    def effect(self, change: Change, effects: dict[Change, float]) -> float:
        """The effect of a measured change, or of a part of one (:meth:`parts`), which is proportional."""
        if change in effects:
            return effects[change]
        whole = next(known for known in effects if known.on == change.on)
        start = self.origin[change.on]
        return effects[whole] * float((change.value - start) / (whole.value - start))

    def parts(self, change: Change) -> list[Change]:
        """The change; of an integer feature also the changes by a half, a quarter and an eighth of it."""
        if change.off is not None:
            return [change]
        start = self.origin[change.on]
        values = {float(round(start + (change.value - start) / divisor)) for divisor in (1, 2, 4, 8)}
        return [Change(change.on, value) for value in sorted(values) if value != start]

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        """The halfspace on rows whose fine part has the homogeneous normal ``v``."""
        estimator = super().halfspace(v, classes)
        for change, effect in self.effects(v).items():
            step = change.value - (0.0 if change.off is not None else self.origin[change.on])
            estimator.coef_[0, change.on] = effect / step
        estimator.intercept_ = -(estimator.coef_ @ self.origin)
        return estimator


def round_integers(X: FloatArray, domain: Domain) -> FloatArray:
    """Round the integer features of ``X`` in place, and return it."""
    X[:, domain.integer] = np.round(X[:, domain.integer])
    return X
