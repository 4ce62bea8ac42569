"""Which sets of steps are likely to be terms: those of which several subsets are.

The steps on a path of a tree make terms in most of their combinations; so the union of terms that differ in one step
each is nearly always a term as well if at least three of its subsets with one step less are.
"""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter

from mex_boosted_exact.sums import Conditions
from mex_boosted_exact.thresholds import Step

ENOUGH = 3
"""How many subsets of a likely term are terms."""

Steps = frozenset[Step]


class Likely:
    """Learns terms, and tells which others are likely."""

    def __init__(self) -> None:
        self._terms = set[Steps]()
        self._over = defaultdict[Steps, list[Steps]](list)  # the terms with one step more than a set
        self._told = set[Steps]()

    def learn(self, term: Conditions) -> list[list[Step]]:
        """Take a term; the sets that are likely terms by now and have not been told, by axis."""
        steps = frozenset(step for step, _ in term)
        self._terms.add(steps)
        found = list[list[Step]]()
        for step, _ in term:
            rest = steps - {step}
            for other in self._over[rest] if rest else ():
                both = steps | other
                if both not in self._told and both not in self._terms and self._is_likely(both):
                    self._told.add(both)
                    found.append(sorted(both, key=attrgetter("axis")))
            self._over[rest].append(steps)
        return found

    def _is_likely(self, steps: Steps) -> bool:
        axes = {step.axis for step in steps}
        return len(axes) == len(steps) and sum(steps - {step} in self._terms for step in steps) >= ENOUGH
