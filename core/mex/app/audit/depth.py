"""How deep an audit looks: how many attacks, rows and seeds."""

from __future__ import annotations

import math

import attrs

from mex.errors import UsageError, suggest

RACE_SEED = 1000
"""The seed of the race. No verdict rests on it: those seeds are 0, 1, …"""


@attrs.frozen(kw_only=True)
class Depth:
    """How much is measured.

    Attributes:
        name: what the user calls it.
        minutes: about how long it takes on two free cores, for a model of the size of ``adult``.
        most: minutes of wall time after which it ends, whatever the model and the machine.
        race_budget: rows that each attack has in the race, but at least ``race_rows`` for each feature.
        race_rows: see there.
        keep: how many attacks of each kind of answer go on to be judged for each level of agreement, how many that did
            best in all, and how many at least of those made for the model's class.
        budget: rows that a judged attack has.
        seeds: how many seeds judge, 0 to this minus one.
        defenses: the defenses that are tried; empty for all that apply.
        defended_by: how many of the judged attacks meet each defense, beside a baseline and those that know the defense
            or are cheap.
        hurried: whether thieves who know less run the cheapest of the attacks that stayed, and not the best.
        broken: whether defenses are measured, too, that answer a row otherwise when asked again, or watch one client:
            nothing that is measured makes them worth deploying.
    """

    name: str
    minutes: int
    most: float
    race_budget: int
    race_rows: int
    keep: int
    budget: int
    seeds: int
    defenses: tuple[str, ...] = ()
    defended_by: int = 2
    hurried: bool = False
    broken: bool = True


DEPTHS = {
    depth.name: depth
    for depth in (
        Depth(
            name="quick",
            minutes=3,
            most=6,
            race_budget=150,
            race_rows=2,
            keep=1,
            budget=1000,
            seeds=2,
            defenses=("label-only", "rounding", "bounded-noise", "value-noise"),
            defended_by=1,
            hurried=True,
            broken=False,
        ),
        Depth(
            name="standard",
            minutes=15,
            most=25,
            race_budget=400,
            race_rows=5,
            keep=2,
            budget=2000,
            seeds=3,
            broken=False,
        ),
        Depth(
            name="thorough",
            minutes=60,
            most=120,
            race_budget=1000,
            race_rows=10,
            keep=2,
            budget=4000,
            seeds=6,
        ),
    )
}


def plan_minutes(depth: Depth, minutes: float | None) -> float:
    """The minutes that an audit has: those of its depth, unless others are given.

    Raises:
        UsageError: for no number of minutes.
    """
    if minutes is None:
        return depth.most
    if isinstance(minutes, bool) or not isinstance(minutes, int | float) or not 0 < minutes < math.inf:
        raise UsageError(f"minutes must be a number above 0, not {minutes!r}")
    return minutes


def depth_called(name: str) -> Depth:
    """The depth of that name.

    Raises:
        UsageError: if there is none.
    """
    if name not in DEPTHS:
        raise UsageError(f"no depth named {name!r}{suggest(name, DEPTHS)}")
    return DEPTHS[name]
