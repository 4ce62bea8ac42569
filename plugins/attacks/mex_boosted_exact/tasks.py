"""What the peeling works on: tasks, the boxes that they look for, and what they find on the way."""

from __future__ import annotations

from collections import Counter

import attrs

from mex.types import FloatArray
from mex_boosted_exact.differences import Difference
from mex_boosted_exact.paths import Place
from mex_boosted_exact.thresholds import Step

Gates = dict[tuple[int, int], Step]
"""The step at which a box ends, by axis and direction: 1 up, -1 down."""


@attrs.frozen(eq=False)
class Above:
    """A node above one that was peeled: its step, a point where it shows, and gates that it may have."""

    step: Step
    z: FloatArray
    hints: Gates


@attrs.define(eq=False)
class Task:
    """A search under way, which climbs a tree from one of its nodes.

    Attributes:
        version: of the sum, as how many terms, by which residuals are computed.
        path: the steps of the differences that are being peeled, each because of the next.
        above: what is to be peeled next.
        awaited: the task that holds a step that this one needs.
    """

    version: int = 0
    path: list[Step] = attrs.field(factory=list)
    above: list[Above] = attrs.field(factory=list)
    awaited: Task | None = None


@attrs.define(eq=False)
class Box:
    """The box on which a mixed difference is constant, as far as it is known.

    Attributes:
        task: the search for it.
        difference, jump: the difference, and its value on the box.
        z: a point in it.
        gates: where it ends.
        stuck: axes and directions in which answers are too coarse to tell where.
        tries: how often what is below at a step was peeled.
        known: places on the way to its end that were asked.
        stale: whether another task has changed the difference meanwhile.
    """

    task: Task
    difference: Difference
    z: FloatArray
    jump: float
    gates: Gates = attrs.field(factory=dict)
    stuck: set[tuple[int, int]] = attrs.field(factory=set)
    tries: Counter[Step] = attrs.field(factory=Counter)
    known: set[Place] = attrs.field(factory=set)
    stale: bool = False

    @property
    def size(self) -> int:
        """How many conditions the term of it has."""
        return len(self.difference.steps) + len(self.gates)
