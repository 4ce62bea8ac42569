"""Which row of a box to ask next, or by which plane to split it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from mex.types import FloatArray
from mex_tree_structure.region import Gaps, Plane, Region

Pushes = dict[int, tuple[int, float]]
"""For each feature that leaves the hull, a column and the number it gets; a group goes by its first column."""

ENDS_SHOWN = 2
"""How many categories must be other leaves' before a leaf of a single category counts as ending there."""


@attrs.frozen
class Probe:
    """A row to ask: one of hull ``hull`` but for ``pushed`` features. If it is answered alike, the hull grows."""

    row: FloatArray
    hull: int = -1
    pushed: int = 0


def certify(region: Region, rng: np.random.Generator) -> Probe:
    """A box where one leaf was seen: push it outwards everywhere at once, as it may hold all of the box."""
    pushes = _outwards(region, region.lower[0], region.upper[0])
    for group in region.hulls.groups:
        missing = group[(region.box.upper[group] > 0) & (region.upper[0, group] == 0)]
        if len(missing):
            pushes[group[0]] = (int(rng.choice(missing)), 1.0)
    return _probe(region, 0, pushes, rng)


def span(region: Region, rng: np.random.Generator) -> Probe | None:
    """Have both ends of each feature been seen? Beyond all hulls there may be a better plane than between them."""
    pushes = _outwards(region, region.lower.min(axis=0), region.upper.max(axis=0))
    return _probe(region, int(region.sizes.argmax()), pushes, rng) if pushes else None


def _outwards(region: Region, lower: FloatArray, upper: FloatArray) -> Pushes:
    """To the upper end of the box what does not reach it, else to the lower end."""
    box, pushes = region.box, Pushes()
    for j in region.hulls.ordered:
        if upper[j] < box.upper[j]:
            pushes[j] = (j, box.upper[j])
        elif lower[j] > box.lower[j]:
            pushes[j] = (j, box.lower[j])
    return pushes


def eliminate(region: Region, gaps: Gaps, size: int, evidence: int, rng: np.random.Generator) -> Probe | None:
    """Push one leaf across ``size`` gaps at once (half of them, if 0): if it stays the same, no plane passes there.

    None if each of the ``evidence`` largest leaves is known to end at every gap.
    """
    largest = np.argsort(-region.sizes, kind="stable")[:evidence]
    options = [(int(k), _across(region, gaps, int(k), rng)) for k in largest]
    k, pushes = max(options, key=lambda option: len(option[1]))
    if not pushes:
        return None
    order = rng.permutation(list(pushes))
    n = min(size or max(len(order) // 2, 1), len(order))
    while True:
        probe = _probe(region, k, {feature: pushes[feature] for feature in order[:n]}, rng)
        inside = ((region.lower <= probe.row) & (probe.row <= region.upper)).all(axis=1)
        if n == 1 or not inside.any():
            return probe
        n //= 2  # the answer is known already: another leaf


def _across(region: Region, gaps: Gaps, k: int, rng: np.random.Generator) -> Pushes:
    """What would take member ``k`` across gaps, as far as nothing known forbids it."""
    box, limits, low, high = region.box, region.limits(k), region.lower[k], region.upper[k]
    group_of = {int(j): group for group in region.hulls.groups for j in group}
    pushes = Pushes()
    for j, below, above in zip(gaps.column.tolist(), gaps.below.tolist(), gaps.above.tolist(), strict=True):
        group = group_of.get(j)
        if group is None:
            if high[j] <= below and limits.ceiling[j] > above:
                pushes[j] = (j, above if np.isfinite(limits.ceiling[j]) else box.upper[j])
            elif low[j] >= above and limits.floor[j] < below:
                pushes[j] = (j, below if np.isfinite(limits.floor[j]) else box.lower[j])
        elif high[j] == 0:
            if not limits.closed[j]:
                pushes[group[0]] = (j, 1.0)
        elif limits.closed[group].sum() < ENDS_SHOWN and group[0] not in pushes:
            free = group[(box.upper[group] > 0) & (high[group] == 0) & ~limits.closed[group]]
            if len(free):
                pushes[group[0]] = (int(rng.choice(free)), 1.0)
    return pushes


def favourite(region: Region, gaps: Gaps) -> Plane:
    """The gap to split by: one between neighbours, as some leaf was found to end there, else where most leaves end."""
    ends = ((region.upper[:, gaps.column] == gaps.below) | (region.lower[:, gaps.column] == gaps.above)).sum(axis=0)
    planes = [
        Plane(*place) for place in zip(gaps.column.tolist(), gaps.below.tolist(), gaps.above.tolist(), strict=True)
    ]
    middle = region.hulls.grid.middle
    best = max(range(len(planes)), key=lambda i: (middle(*attrs.astuple(planes[i])) is None, ends[i]))
    return planes[best]


def narrow(region: Region, gaps: Gaps, known: Sequence[Sequence[Plane]], rng: np.random.Generator) -> Probe | Plane:
    """Halve the favourite gap, or return it as it is narrow as can be.

    Thresholds known from elsewhere are tried first: a tree often tests one again.
    """
    plane = favourite(region, gaps)
    j, below, above = attrs.astuple(plane)
    middle = region.hulls.grid.middle(j, below, above)
    if middle is None:
        return plane
    again = [other for other in known[j] if below <= other.below and other.above <= above]
    if again:
        other = again[len(again) // 2]
        middle = other.below if other.below > below else other.above
    touching = np.flatnonzero((region.upper[:, j] == below) | (region.lower[:, j] == above))
    return _probe(region, int(touching[region.sizes[touching].argmax()]), {j: (j, middle)}, rng)


def _probe(region: Region, k: int, pushes: Pushes, rng: np.random.Generator) -> Probe:
    """A row of member ``k``, each feature at one of its ends at random, with the pushes made."""
    row: FloatArray = np.where(rng.random(region.lower.shape[1]) < 0.5, region.lower[k], region.upper[k])
    for group in region.hulls.groups:
        j, _ = pushes.get(group[0], (int(rng.choice(group[region.upper[k, group] > 0])), 1.0))
        row[group] = group == j
    for j, value in pushes.values():
        row[j] = value
    return Probe(row, int(region.members[k]), len(pushes))


def anywhere(region: Region, rng: np.random.Generator) -> Probe:
    """A corner of a box where nothing was seen yet."""
    row = region.box.lower.copy()
    for group in region.hulls.groups:
        row[group] = group == rng.choice(group[region.box.upper[group] > 0])
    return Probe(row)
