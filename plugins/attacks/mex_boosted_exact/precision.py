"""Whether a target compares in float64: rows beside thresholds that float32 would round."""

from __future__ import annotations

import numpy as np

from mex.types import FloatArray
from mex_boosted_exact.axes import Axes
from mex_boosted_exact.groups import Grouping
from mex_boosted_exact.sums import BoxSum, Conditions
from mex_boosted_exact.thresholds import Step

PROBED = 12
"""How many steps tell, and one of each axis: some columns may be scaled before they are cast, and others not."""


def probe(axes: Axes, total: BoxSum, grouping: Grouping) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows on both sides of the middle of a few steps known to float32, and what a target is to answer that casts.

    Returned are the points, the scores and how far rounding may have moved them.
    """
    found: dict[Step, list[Conditions]] = {}
    for term in total.terms:
        found |= {step: [term] for step, _ in term if np.isfinite(step.below) and not axes.whole[step.axis]}
    first = {step.axis: step for step in reversed(found)}
    some = {step: found[step] for step in [*first.values(), *found][: max(PROBED, len(first))]}
    groups = [group for group in grouping.groups(some) if group.steps]
    Z, ends = np.empty((0, len(axes.units))), np.empty((0, len(axes.units)))
    for group in groups:
        rows = np.repeat(group.z[None], 2, axis=0)
        beside = rows.copy()
        for step in group.steps:
            middle = step.below / 2 + step.above / 2
            rows[:, step.axis] = np.nextafter(middle, -np.inf), np.nextafter(middle, np.inf)
            beside[:, step.axis] = step.below, step.above
        Z, ends = np.concatenate([Z, rows]), np.concatenate([ends, beside])
    values, variances = total(ends)
    return Z, values, 3 * np.sqrt(variances)
