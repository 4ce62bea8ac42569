"""The chart of a halfspace whose interface has integer features and one-hot groups.

Such an interface cannot be asked any direction, but it can be asked what one change is worth: switch a
category, or move an integer feature, and see how far the fine features have to move to make up for it.
Among the fine features alone every direction can be asked.
"""

from __future__ import annotations

import attrs
import numpy as np

from mex.domain import Domain
from mex.toolkit.halfspaces.charts import Centred
from mex.types import Array, BoolArray, Estimator, FloatArray

FINE = 1000
"""How many steps an integer feature needs at least to stand in for a continuous one, where there is none."""


def fine_features(domain: Domain) -> BoolArray:
    """Which columns can move almost continuously, shape (d,): the real ones, else integers of many steps."""
    width = domain.upper - domain.lower
    real = ~domain.discrete & (width > 0)
    return np.asarray(real if real.any() else domain.integer & (width >= FINE))


@attrs.frozen
class Change:
    """One change of the discrete part of a row: ``on`` gets ``value``, and ``off``, if any, gets 0."""

    on: int
    value: float
    off: int | None = None

    @property
    def unit(self) -> int:
        """A number that changes of the same feature share."""
        return self.on if self.off is None else self.off

    def apply(self, row: FloatArray) -> None:
        """Make the change."""
        row[self.on] = self.value
        if self.off is not None:
            row[self.off] = 0.0


def changes(domain: Domain, origin: FloatArray, fine: BoolArray) -> list[Change]:
    """One change per discrete degree of freedom: the farther end of a number, each other category."""
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


@attrs.define(eq=False)
class Mixed(Centred):
    """A centred chart of the fine features, and what each discrete change is worth.

    The line is the path from the corner of the fine features with the lowest score (t = -1) over the
    origin (t = 0) to the one with the highest (t = 1), straight on either side.

    Attributes:
        along: the signs of the fine weights, shape (number of fine features,).
        found: (change, t, company): with the change and its company made, the boundary is at t.
    """

    along: FloatArray
    found: list[tuple[Change, float, tuple[Change, ...]]] = attrs.field(factory=list)

    def room(self, side: float) -> FloatArray:
        """How far each fine feature goes to one end of the line, in unit coordinates."""
        box, free = self.domain, self.free
        ends = np.where(side * self.along > 0, box.upper[free], box.lower[free])
        return np.asarray(np.abs(ends - self.origin[free]) / box.half_width[free])

    def on_line(self, t: float, *made: Change) -> FloatArray:
        """The row at ``t`` on the line with some changes made, shape (d,)."""
        row = self.origin.copy()
        row[self.free] += t * self.along * self.room(t) * self.domain.half_width[self.free]
        for change in made:
            change.apply(row)
        return np.asarray(self.settle(row[None])[0])

    def settle(self, X: FloatArray) -> FloatArray:
        return super().settle(whole_numbers(X, self.domain))

    def worth(self, v: FloatArray) -> dict[Change, float]:
        """What each change found so far adds to the score, if the fine weights are ``v``."""
        worth: dict[Change, float] = {}
        for change, t, company in self.found:
            score = t * float(np.abs(v) @ self.room(t))
            worth[change] = -score - sum(self.share(other, worth) for other in company)
        return worth

    def share(self, change: Change, worth: dict[Change, float]) -> float:
        """The worth of a change, or of a part of the way of an integer feature that was found."""
        if change in worth:
            return worth[change]
        whole = next(known for known in worth if known.on == change.on)
        start = self.origin[change.on]
        return worth[whole] * float((change.value - start) / (whole.value - start))

    def parts(self, change: Change) -> list[Change]:
        """The change, and an integer feature's a half, a quarter and an eighth of the way."""
        if change.off is not None:
            return [change]
        start = self.origin[change.on]
        values = {float(round(start + (change.value - start) / share)) for share in (1, 2, 4, 8)}
        return [Change(change.on, value) for value in sorted(values) if value != start]

    def halfspace(self, v: FloatArray, classes: Array) -> Estimator:
        """The halfspace on rows whose fine part has the homogeneous normal ``v``."""
        estimator = super().halfspace(v, classes)
        for change, worth in self.worth(v).items():
            step = change.value - (0.0 if change.off is not None else self.origin[change.on])
            estimator.coef_[0, change.on] = worth / step
        estimator.intercept_ = -(estimator.coef_ @ self.origin)
        return estimator


def whole_numbers(X: FloatArray, domain: Domain) -> FloatArray:
    """``X`` with its integer features rounded, in place."""
    X[:, domain.integer] = np.round(X[:, domain.integer])
    return X
