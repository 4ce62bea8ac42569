"""The next row to ask in a box, or the plane to split it by."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from mex.types import FloatArray
from mex_tree_structure.region import Gaps, Plane, Region

Moves = dict[int, tuple[int, float]]
"""For each feature moved out of a hull, a column and its new number; the key of a one-hot group is its first column."""

CLOSED_CATEGORIES = 2
"""How many categories must belong to other leaves before a leaf counts as ending at the categories it has shown."""


@attrs.frozen
class Probe:
    """A row to ask: a row of hull ``hull`` with ``moved`` features moved; if it is answered alike, the hull grows."""

    row: FloatArray
    hull: int = -1
    moved: int = 0


def certify(region: Region, rng: np.random.Generator) -> Probe:
    """In a box with one hull, a row that extends it to the bounds of the box in every feature at once."""
    moves = _outwards(region, region.lower[0], region.upper[0])
    for group in region.hulls.groups:
        missing = group[(region.box.upper[group] > 0) & (region.upper[0, group] == 0)]
        if len(missing):
            moves[group[0]] = (int(rng.choice(missing)), 1.0)
    return _probe(region, 0, moves, rng)


def span(region: Region, rng: np.random.Generator) -> Probe | None:
    """A row beyond all hulls, in every feature in which they do not reach the bounds of the box; None if they do.

    There may be a better plane beyond the hulls than between them.
    """
    moves = _outwards(region, region.lower.min(axis=0), region.upper.max(axis=0))
    return _probe(region, int(region.sizes.argmax()), moves, rng) if moves else None


def _outwards(region: Region, lower: FloatArray, upper: FloatArray) -> Moves:
    """Moves to the bounds of the box that ``upper``, or else ``lower``, does not reach."""
    box, moves = region.box, Moves()
    for j in region.hulls.ordered:
        if upper[j] < box.upper[j]:
            moves[j] = (j, box.upper[j])
        elif lower[j] > box.lower[j]:
            moves[j] = (j, box.lower[j])
    return moves


def eliminate(region: Region, gaps: Gaps, size: int, evidence: int, rng: np.random.Generator) -> Probe | None:
    """A row that extends one of the largest hulls across several gaps: if it is answered alike, no plane is in them.

    Args:
        region, gaps: the hulls in the box, and the gaps between them.
        size: across how many gaps; 0 means half of them.
        evidence: how many of the largest hulls to consider.
        rng: for the choice of the gaps and the row.

    Returns:
        The row, or None if each of these hulls is known to end at every gap.
    """
    largest = np.argsort(-region.sizes, kind="stable")[:evidence]
    options = [(int(k), _across(region, gaps, int(k), rng)) for k in largest]
    k, moves = max(options, key=lambda option: len(option[1]))
    if not moves:
        return None
    order = rng.permutation(list(moves))
    n = min(size or max(len(order) // 2, 1), len(order))
    while True:
        probe = _probe(region, k, {feature: moves[feature] for feature in order[:n]}, rng)
        inside = ((region.lower <= probe.row) & (probe.row <= region.upper)).all(axis=1)
        if n == 1 or not inside.any():
            return probe
        n //= 2  # the row is in another hull, so its answer is known


def _across(region: Region, gaps: Gaps, k: int, rng: np.random.Generator) -> Moves:
    """The moves that take member ``k`` across gaps, as far as its limits allow them."""
    box, limits, low, high = region.box, region.limits(k), region.lower[k], region.upper[k]
    group_of = {int(j): group for group in region.hulls.groups for j in group}
    moves = Moves()
    for j, below, above in zip(gaps.column.tolist(), gaps.below.tolist(), gaps.above.tolist(), strict=True):
        group = group_of.get(j)
        if group is None:
            if high[j] <= below and limits.ceiling[j] > above:
                moves[j] = (j, above if np.isfinite(limits.ceiling[j]) else box.upper[j])
            elif low[j] >= above and limits.floor[j] < below:
                moves[j] = (j, below if np.isfinite(limits.floor[j]) else box.lower[j])
        elif high[j] == 0:
            if not limits.closed[j]:
                moves[group[0]] = (j, 1.0)
        elif limits.closed[group].sum() < CLOSED_CATEGORIES and group[0] not in moves:
            free = group[(box.upper[group] > 0) & (high[group] == 0) & ~limits.closed[group]]
            if len(free):
                moves[group[0]] = (int(rng.choice(free)), 1.0)
    return moves


def best_gap(region: Region, gaps: Gaps) -> Plane:
    """The gap to split by: one between neighbouring numbers if there is any, else the one at which most hulls end."""
    ends = ((region.upper[:, gaps.column] == gaps.below) | (region.lower[:, gaps.column] == gaps.above)).sum(axis=0)
    planes = [
        Plane(*place) for place in zip(gaps.column.tolist(), gaps.below.tolist(), gaps.above.tolist(), strict=True)
    ]
    middle = region.hulls.grid.middle
    best = max(range(len(planes)), key=lambda i: (middle(*attrs.astuple(planes[i])) is None, ends[i]))
    return planes[best]


def narrow(region: Region, gaps: Gaps, known: Sequence[Sequence[Plane]], rng: np.random.Generator) -> Probe | Plane:
    """A row that halves the best gap, or the plane itself if the gap is between neighbouring numbers.

    Planes of other boxes in the gap are tried first, since trees often have a threshold several times.
    """
    plane = best_gap(region, gaps)
    j, below, above = attrs.astuple(plane)
    middle = region.hulls.grid.middle(j, below, above)
    if middle is None:
        return plane
    inside = [other for other in known[j] if below <= other.below and other.above <= above]
    if inside:
        other = inside[len(inside) // 2]
        middle = other.below if other.below > below else other.above
    touching = np.flatnonzero((region.upper[:, j] == below) | (region.lower[:, j] == above))
    return _probe(region, int(touching[region.sizes[touching].argmax()]), {j: (j, middle)}, rng)


def _probe(region: Region, k: int, moves: Moves, rng: np.random.Generator) -> Probe:
    """A row of member ``k``, each feature at one of its bounds at random, with the moves made."""
    row: FloatArray = np.where(rng.random(region.lower.shape[1]) < 0.5, region.lower[k], region.upper[k])
    for group in region.hulls.groups:
        j, _ = moves.get(group[0], (int(rng.choice(group[region.upper[k, group] > 0])), 1.0))
        row[group] = group == j
    for j, value in moves.values():
        row[j] = value
    return Probe(row, int(region.members[k]), len(moves))


def first_probe(region: Region, rng: np.random.Generator) -> Probe:
    """A corner of a box without hulls."""
    row = region.box.lower.copy()
    for group in region.hulls.groups:
        row[group] = group == rng.choice(group[region.box.upper[group] > 0])
    return Probe(row)
