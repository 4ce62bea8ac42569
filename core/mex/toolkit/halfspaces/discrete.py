"""Opening a mixed chart: find the boundary, and weigh every discrete change against the fine features."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.halfspaces import boundary
from mex.toolkit.halfspaces.bisection import Bisection
from mex.toolkit.halfspaces.boundary import DOUBT, NoBoundary, Search, between, verdict
from mex.toolkit.halfspaces.mixed_chart import Change, Mixed, changes, fine_features, whole_numbers
from mex.types import Array, BoolArray, FloatArray


def open_mixed(known: Knowledge, rng: np.random.Generator, eps: float) -> Generator[FloatArray, Array, Mixed]:
    """Find a boundary point, the signs of the fine weights, and the worth of every discrete change.

    Ends with a chart whose changes are
    each known to about ``eps`` of the length of the normal, spread over all of them.

    Raises:
        NoBoundary: if the fine features never change the label.
    """
    domain, fine = known.domain, fine_features(known.domain)
    low, high = yield from _opposite_corners(known, rng, fine)
    origin = yield from between(low, high, known, eps, settle=lambda X: whole_numbers(X, domain))
    chart = Mixed(domain, origin, fine, np.ones(int(fine.sum())))
    signs = chart.along.copy()
    for k in range(chart.dimension):
        # One feature at a time, all the way to its farther end.
        chart.along = np.ones(chart.dimension)
        side = 1.0 if chart.room(1.0)[k] >= chart.room(-1.0)[k] else -1.0
        row = chart.rows(side * np.eye(chart.dimension)[k : k + 1])[0]
        signs[k] = side if (yield from verdict(row, known, rng)) else -side
    chart.along = signs
    todo = changes(domain, origin, fine)
    tolerance = eps * float(np.sqrt(12 / (len(todo) + chart.dimension) / chart.dimension))
    outweighing: list[tuple[Change, int, tuple[Change, ...]]] = []
    for change in todo:
        side = yield from _weigh(chart, change, (), known, rng, tolerance)
        if side:
            outweighing.append((change, side, ()))
    # Those that outweigh the whole line are weighed against others; each one found may help the next.
    missed = len(outweighing) + 1
    while len(outweighing) < missed:
        missed, again = len(outweighing), outweighing
        outweighing = []
        for change, side, _ in again:
            company = yield from _weigh_against_others(chart, change, side, known, rng, tolerance)
            if company is not None:
                outweighing.append((change, side, company))
    # What is left outweighs the line and all its company: take it for just that much.
    chart.found += [(change, -float(side), company) for change, side, company in outweighing]
    return chart


def _weigh(
    chart: Mixed,
    change: Change,
    company: tuple[Change, ...],
    known: Knowledge,
    rng: np.random.Generator,
    tolerance: float,
) -> Generator[FloatArray, Array, int]:
    """Find the boundary on the line with the change made; 0 if it is there, else the side of the label."""
    usual = [abs(t) for _, t, others in chart.found if not others]
    scale = float(np.median(usual)) if len(usual) >= 3 and not company else np.inf
    search = Bisection(-1.0, 1.0, min(known.rho or 0.0, 0.499), max(scale, tolerance))
    while search.width(1 - DOUBT) > tolerance:
        t = search.median()
        search.tell(t, below=not (yield chart.on_line(t, *company, change)[None])[0])
    t = search.median()
    if 1 - abs(t) <= tolerance:  # no boundary before the end, so perhaps none at all
        positive = yield from verdict(chart.on_line(np.sign(t), *company, change), known, rng)
        if positive == (t < 0):
            return 1 if positive else -1
    chart.found.append((change, t, company))
    return 0


def _weigh_against_others(
    chart: Mixed, change: Change, side: int, known: Knowledge, rng: np.random.Generator, tolerance: float
) -> Generator[FloatArray, Array, tuple[Change, ...] | None]:
    """Weigh a change that outweighs the whole line, together with others that pull the other way.

    None if that found it, else the strongest company that it outweighs as well.
    """
    worth = chart.worth(chart.along)  # weights as good as any: they only say which company to try first
    line = min(float(chart.room(-1.0).sum()), float(chart.room(1.0).sum()))
    pulls = {part: -side * chart.share(part, worth) for whole in worth for part in chart.parts(whole)}
    least, most = line, np.inf  # bounds on how much the change outweighs
    outweighed: tuple[Change, ...] = ()
    tried: set[tuple[Change, ...]] = {()}
    while True:
        company = _company(change, pulls, least + 0.9 * line if most == np.inf else (least + most) / 2, line)
        pull = sum(pulls[other] for other in company)
        if company in tried or pull <= least - line:
            return outweighed  # what is known pulls too little, or too roughly
        tried.add(company)
        ends = []
        for t in (-1.0, 1.0):
            ends.append((yield from verdict(chart.on_line(t, *company, change), known, rng)))
        if ends[0] != ends[1]:
            beyond = yield from _weigh(chart, change, company, known, rng, tolerance)
            return outweighed if beyond else None
        if ends[0] == (side > 0):
            least, outweighed = max(least, pull + line), company
        else:
            most = min(most, max(pull - line, least))


def _company(change: Change, pulls: dict[Change, float], wanted: float, line: float) -> tuple[Change, ...]:
    """Changes, one of a unit at most and none of the change's own, that pull about as hard as wanted."""
    company: list[Change] = []
    taken = {change.unit}
    left = wanted
    for other in sorted(pulls, key=lambda c: -pulls[c]):
        if other.unit not in taken and 0 < pulls[other] <= left:
            company.append(other)
            taken.add(other.unit)
            left -= pulls[other]
    if left > line:  # rather too hard than out of reach
        rest = [other for other in pulls if other.unit not in taken and pulls[other] > left]
        company += sorted(rest, key=lambda c: pulls[c])[:1]
    return tuple(company)


def _opposite_corners(known: Knowledge, rng: np.random.Generator, fine: BoolArray) -> Search:
    """Two rows of different labels, alike but for their fine features: the negative one first."""
    for low, high in islice(_pairs(known, rng, fine), boundary.PATIENCE // 2):
        below = yield from verdict(low, known, rng)
        above = yield from verdict(high, known, rng)
        if below != above:
            return np.stack([high, low] if below else [low, high])
    raise NoBoundary(
        f"none of {boundary.PATIENCE // 2} moves of all fine features changed the label: no boundary was found"
    )


def _pairs(known: Knowledge, rng: np.random.Generator, fine: BoolArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Rows alike but for their fine features, which are at opposite corners, in ever new contexts."""
    domain, pool = known.domain, known.pool
    while True:
        row = domain.sample(1, rng)[0] if pool is None or len(pool) == 0 else pool[rng.integers(len(pool))]
        up = rng.random(domain.n_features) < 0.5
        yield (
            np.where(fine, np.where(up, domain.lower, domain.upper), row),
            np.where(fine, np.where(up, domain.upper, domain.lower), row),
        )
