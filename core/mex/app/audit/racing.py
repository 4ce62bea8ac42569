"""The race: which attacks stay to be judged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

from mex.app.analysis.group import Group
from mex.app.analysis.statistics import LEVELS
from mex.app.audit.choosing import Choice
from mex.app.audit.depth import Depth
from mex.app.audit.measuring import Measured
from mex.app.matrix.record import Record

RULE = (
    "Each attack asked {rows} rows at most in the race, those made for the model's class as many as when they are "
    "judged; one that took long was tried once more after all others. Of the attacks on each kind of answer those "
    "stay that got to 0.999, to 0.99 and to 0.95 with the fewest queries, {keep} for each of these; {keep} that did "
    "best in all, {keep} that did between the rows, {keep} that were ahead after as many rows as each of them asked, "
    "and {keep} more that were behind by no more than a standard error; of those made for the model's class, or for a "
    "guess at it, at least {keep}; and the baselines. What would take longer to judge than the time plan has is "
    "judged after the others, as far as there is time, and meets no defense; what was stopped in the middle counts "
    "with what it had got to"
)
"""What decides the race, for the page; the race has a seed of its own, and no verdict rests on it."""
CHEAP = 3.0
"""Seconds of CPU time: attacks that judging takes no longer meet every defense."""
TELLING = 5
"""Points of a curve that two attacks do not share by chance."""


@attrs.frozen
class Finish:
    """How a race ended.

    Attributes:
        stay: the attacks that stay, best first.
        slow: those that would have stayed and would take too long to judge.
        cheap: those of them that judging takes little time.
        left: a sentence on each that leaves.
    """

    stay: Sequence[Choice]
    slow: Sequence[Choice]
    cheap: Sequence[Choice]
    left: Sequence[str]


def finish(
    choices: Sequence[Choice], groups: Mapping[Choice, Group], depth: Depth, limit: float | None = None
) -> Finish:
    """Which attacks stay.

    Args:
        choices: all that ran.
        groups: what those that finished came to, by choice.
        depth: how many stay.
        limit: seconds of CPU time that a judged cell may take; None for any.
    """
    records = {choice: group.ran[0] for choice, group in groups.items()}
    by_time = sorted((c for c in choices if c in groups), key=lambda c: seconds(groups[c]))
    finished = sorted(by_time, key=lambda c: _score(groups[c]), reverse=True)  # of equals the quickest first
    twins = _twins(finished, records)
    ran = [choice for choice in finished if choice not in twins]
    takes = {choice: seconds(groups[choice]) * depth.budget for choice in ran}
    in_time = [choice for choice in ran if choice.baseline or limit is None or takes[choice] <= limit]
    stay = _stayers(in_time, groups, depth)
    slow = [choice for choice in _stayers(ran, groups, depth) if choice not in in_time]
    late = [
        f"{_name(c)} was judged last and met no defense: it takes {takes[c]:.0f} s of CPU time or more, of {limit:.0f}"
        for c in slow
    ]
    left = [
        f"{_name(c)} left the race: agreement {records[c]['agreement']:.3f} after {records[c]['queries']:,} queries"
        for c in ran
        if c not in (*stay, *slow)
    ]
    without = [c for c in choices if c.baseline and c not in stay]  # they are judged whatever came of their race
    cheap = [choice for choice in stay if takes[choice] <= CHEAP]
    same = [f"{_name(c)} left the race: it asks what {other.label} asks here" for c, other in twins.items()]
    return Finish([*stay, *without], slow, cheap, late + left + same)


def best_first(choices: Sequence[Choice], judged: Sequence[Measured]) -> list[Choice]:
    """The choices as they did when they were judged, which may not be as they did in the race; the unjudged last."""
    scores = {measured.choice: _score(measured.group) for measured in judged if measured.group.ran}
    known = sorted((c for c in choices if c in scores), key=scores.__getitem__, reverse=True)
    return [*known, *(choice for choice in choices if choice not in scores)]


def seconds(group: Group) -> float:
    """CPU time of a row, the least of its cells: as attacks think longer the more they know, more rows take longer.

    Fitting the model and measuring are no part of it, where the attack and the answers alone took less.
    """
    return min(_working(record) / max(record["queries"] or 1, 1) for record in group.ran)


def _working(record: Record) -> float:
    own = (record["learner_seconds"] or 0.0) + (record["oracle_seconds"] or 0.0)
    return min(record["cpu_seconds"] or 0.0, own)


def _twins(ranked: Sequence[Choice], records: Mapping[Choice, Record]) -> dict[Choice, Choice]:
    """Attacks that are another one here, as one that hands over to it, each with that other: their curves are one."""
    found: dict[Choice, Choice] = {}
    for i, choice in enumerate(ranked):
        curve = records[choice]["curve"] or []
        before = (c for c in ranked[:i] if c.reads == choice.reads and c not in found)
        other = next((c for c in before if records[c]["curve"] == curve), None)
        if other is not None and len(curve) >= TELLING and not choice.baseline:
            found[choice] = other
    return found


def _stayers(ranked: Sequence[Choice], groups: Mapping[Choice, Group], depth: Depth) -> list[Choice]:
    stay = []
    for kind in dict.fromkeys(choice.reads for choice in ranked):
        of_kind = [choice for choice in ranked if choice.reads == kind]
        baselines, best = [c for c in of_kind if c.baseline], of_kind[: depth.keep]
        fastest = [c for level in LEVELS for c in _fastest(of_kind, groups, level)[: depth.keep]]
        nearest = sorted(of_kind, key=lambda choice: _near(groups[choice]), reverse=True)[: depth.keep]
        reached = _reached(of_kind, groups)
        ahead = sorted(of_kind, key=reached.__getitem__, reverse=True)
        kept = {*best, *fastest, *nearest, *ahead[: depth.keep], *baselines}
        close = [c for c in ahead if c not in kept and _is_close(reached[c], reached[ahead[0]], groups[c].rows)]
        kept |= {*close[: depth.keep]}
        for made in ([c for c in of_kind if c.made_for], [c for c in of_kind if c.guesses]):
            if kept.isdisjoint(made):  # they show little in few rows, and are then the best
                kept |= {*made[: depth.keep]}
        stay += [choice for choice in of_kind if choice in kept]
    return stay


def _near(group: Group) -> float:
    """The agreement between the rows, of more points than there are rows and harder ones."""
    found = group.median("near_agreement")
    return -math.inf if found is None else found.value


def _reached(choices: Sequence[Choice], groups: Mapping[Choice, Group]) -> dict[Choice, float]:
    """The agreement of each after as many queries as the shortest race had."""
    rows = min((groups[choice].budget for choice in choices), default=0)
    found = {}
    for choice in choices:
        curve = groups[choice].ran[0]["curve"] or []
        found[choice] = next((p["agreement"] for p in reversed(curve) if p["queries"] <= rows), -math.inf)
    return found


def _is_close(agreement: float, best: float, rows: int) -> bool:
    """Whether so many held-out rows do not tell two agreements apart, by the standard error of their difference.

    That is of shares of rows; R² of values is treated as one, a rule of thumb.

    >>> _is_close(0.93, 0.94, 534), _is_close(0.93, 0.96, 534)
    (True, False)
    """
    if not 0 <= agreement <= best <= 1:  # R² may be below 0, and before any answer there is nothing
        return agreement == best
    return best - agreement <= math.sqrt((agreement * (1 - agreement) + best * (1 - best)) / rows)


def _fastest(choices: Sequence[Choice], groups: Mapping[Choice, Group], level: float) -> list[Choice]:
    """The choices that got to a level, that with the fewest queries first."""
    queries = {c: found.value for c in choices if (found := groups[c].median(f"queries_to_{level}")) and found.finite}
    return sorted(queries, key=queries.__getitem__)


def _name(choice: Choice) -> str:
    return f"{choice.label} on {choice.reads} answers"


def _score(group: Group) -> tuple[float, ...]:
    """How well an attack did: how few queries to each level, the highest first, then its agreement in the end."""
    quickness = [-queries.value for level in reversed(LEVELS) if (queries := group.median(f"queries_to_{level}"))]
    ends = [end.value for end in map(group.median, ("agreement", "near_agreement")) if end]
    return (*quickness, sum(ends))
