"""How deep an audit looks: how many attacks, rows and seeds."""

from __future__ import annotations

import attrs

from mex.errors import UsageError, suggest

RACE_SEED = 1000
"""The seed of the race. No verdict rests on it: those seeds are 0, 1, …"""


@attrs.frozen(kw_only=True)
class Depth:
    """How much is measured.

    Attributes:
        name: what the user calls it.
        minutes: about how long it takes on two cores, for a model of the size of ``adult``.
        race_budget: rows that each attack has in the race, but at least ``race_rows`` for each feature.
        race_rows: see there.
        keep: how many attacks of each kind of answer go on to be judged, and as many made for the model's class.
        budget: rows that a judged attack has.
        seeds: how many seeds judge, 0 to this minus one.
        defenses: the defenses that are tried; empty for all that apply.
        defended_by: how many of the judged attacks meet each defense, beside those that know it.
        time_limit: seconds of wall time after which a cell of the race, and a judged cell, is ended; the verdict names
            the attacks that were.
    """

    name: str
    minutes: int
    race_budget: int
    race_rows: int
    keep: int
    budget: int
    seeds: int
    defenses: tuple[str, ...] = ()
    defended_by: int = 2
    time_limit: tuple[float, float] = (180.0, 900.0)


DEPTHS = {
    depth.name: depth
    for depth in (
        Depth(
            name="quick",
            minutes=3,
            race_budget=150,
            race_rows=2,
            keep=1,
            budget=1000,
            seeds=2,
            defenses=("label-only", "rounding", "bounded-noise", "value-noise"),
            defended_by=1,
            time_limit=(60.0, 300.0),
        ),
        Depth(name="standard", minutes=10, race_budget=400, race_rows=5, keep=2, budget=2000, seeds=3),
        Depth(
            name="thorough",
            minutes=60,
            race_budget=1500,
            race_rows=10,
            keep=3,
            budget=6000,
            seeds=6,
            time_limit=(900.0, 3600.0),
        ),
    )
}


def depth_called(name: str) -> Depth:
    """The depth of that name.

    Raises:
        UsageError: if there is none.
    """
    if name not in DEPTHS:
        raise UsageError(f"no depth named {name!r}{suggest(name, DEPTHS)}; there are {', '.join(DEPTHS)}")
    return DEPTHS[name]
