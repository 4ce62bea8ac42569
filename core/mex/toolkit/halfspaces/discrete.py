"""Opening a mixed chart: find the boundary, and weigh every discrete change against the fine features."""

from __future__ import annotations

from collections.abc import Generator

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.halfspaces.bisection import Bisection
from mex.toolkit.halfspaces.boundary import DOUBT, between, verdict
from mex.toolkit.halfspaces.context import rows_alike_but_for
from mex.toolkit.halfspaces.mixed_chart import Change, Mixed, changes, fine_features, whole_numbers
from mex.types import Array, FloatArray


def open_mixed(known: Knowledge, rng: np.random.Generator, eps: float) -> Generator[FloatArray, Array, Mixed]:
    """Find a boundary point, the signs of the fine weights, and the worth of every discrete change.

    Ends with a chart whose changes are
    each known to about ``eps`` of the length of the normal, spread over all of them.

    Raises:
        NoBoundary: if the fine features never change the label.
    """
    fine = fine_features(known.domain)
    domain, (low, high) = yield from rows_alike_but_for(fine, known, rng)
    known = attrs.evolve(known, domain=domain)
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
        if side and not (yield from _weigh_part(chart, change, known, rng, tolerance)):
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


def _weigh_part(
    chart: Mixed, change: Change, known: Knowledge, rng: np.random.Generator, tolerance: float
) -> Generator[FloatArray, Array, bool]:
    """Weigh the longest part of the way of a number that the line makes up for; False if a single step is too much."""
    start = chart.origin[change.on]
    while change.off is None and abs(change.value - start) >= 2:
        change = Change(change.on, float(np.round(start + (change.value - start) / 2)))
        ends = []
        for t in (-1.0, 1.0):
            ends.append((yield from verdict(chart.on_line(t, change), known, rng)))
        if ends[0] != ends[1]:
            return not (yield from _weigh(chart, change, (), known, rng, tolerance))
    return False


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
