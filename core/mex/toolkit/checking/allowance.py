"""How many of an attack's questions check what it hands over, and when they are asked."""

from __future__ import annotations

import math

import attrs

from mex.knowledge import Knowledge
from mex.toolkit.bounds import capacity, sphere_bits

SHARE, MOST = 0.03, 40
"""The share of an attack's queries that check it, and how many at most. Where labels of a halfspace are wrong at a
known rate, it is the share of those that as many bits take without: its many answers contradict a wrong model."""
ON_THE_WAY, FIRST, EVERY = 1 / 3, 16, 2
"""The part of them that is asked on the way, after how many queries the first, and at most one for so many of these."""
SHORT, ROUGH = 0.8, 1e-3
"""The share of a budget of hardly any queries that is asked on the way, as rows like the data tell more of a halfspace
than an attack finds out that cannot end. It falls to nothing where one may know the halfspace within an error of 1e-3.
"""
DIRECT, MIXED = 1.25, 2.0
"""How many times the bits of a halfspace it takes about to know it; where features are discrete."""
OTHERS, FLOOR, PART = 300, 40, 10
"""With how many queries models of other classes are known roughly; of a larger budget so many rows are for checks, but
no more than one of so many: with fewer rows like the data not even their commonest label is known."""
DOUBTED = 120
"""How many rows check a hypothesis at most that is suspected still after the share above: 40 rows miss a fifth of those
that are wrong on a quarter of rows where a tenth of labels is."""
LATER = 4
"""One of so many is kept for the end."""
FEWEST = ((32, 4), (0, 2))
"""After how many queries at least how many are asked at the end, in pairs: one pair misses a third of what two find.
Where labels are wrong at a known rate, as many times more as tell as much, up to four times: beyond, few rows tell
nothing."""
NOISIEST = 4.0


@attrs.frozen
class Allowance:
    """The rows that a check may ask.

    Attributes:
        budget: of the attack and its check together, None for no limit.
        least: how many queries the attack takes at least to come to its end; 0 if nothing is known of it.
        rough: with how many it may know its target roughly; 0 if it is exact as soon as it is done.
        floor: how many rows of a budget that is large enough are for checks at least.
        share: the share of the attack's queries that check it.
    """

    budget: int | None
    least: float = 0.0
    rough: float = 0.0
    floor: int = 0
    share: float = SHARE

    @classmethod
    def of(
        cls, known: Knowledge, eps: float, least: float = 0.0, rough: float | None = None, *, anytime: bool = False
    ) -> Allowance:
        """That of an attack; one on halfspaces does not know it within ``eps`` by half the bits that this takes.

        One that is worth its queries at ``anytime`` has no use for more rows like the data where the budget is small.
        """
        if anytime and known.family.kind != "linear":
            return cls(known.budget, least)
        if rough is not None or known.family.kind != "linear":
            return cls(known.budget, least, OTHERS if rough is None else rough, FLOOR)
        share = SHARE * capacity(known.rho or 0.0)
        if eps <= 0:
            return cls(known.budget, least, share=share)
        d = int((known.domain.lower < known.domain.upper).sum())
        bits, coarse = (sphere_bits(d + 1, min(max(eps, least), 1.0)) for least in (1e-15, ROUGH))
        coarse = 0.0 if anytime else coarse * (MIXED if known.domain.discrete.any() else DIRECT)
        return cls(known.budget, bits / 2, coarse, share=share)

    @property
    def kept(self) -> int:
        """The rows of the budget that are for checks."""
        if self.budget is None:
            return MOST
        floor = min(self.floor, self.budget // PART)
        return max(min(MOST, int(self.share * self.budget)), int(self._short * self.budget), floor)

    @property
    def of_attack(self) -> int | None:
        """The budget of the attack without them."""
        return None if self.budget is None else self.budget - self.kept

    @property
    def _short(self) -> float:
        """The share of a budget that is too small, 0 of others."""
        return 0.0 if self.budget is None else SHORT * max(1 - self.budget / max(self.rough, 1.0), 0.0) ** 2

    def on_the_way(self, asked: int, checked: int) -> int:
        """How many to ask after ``asked`` queries of the attack, if ``checked`` were asked for checks already.

        They are due after 16, 32, 64 … queries, as early as the shares above allow.

        >>> [Allowance(2000, least=1050).on_the_way(asked, 0) for asked in (8, 16, 17, 32, 64, 1000)]
        [0, 8, 8, 10, 10, 10]
        """
        if asked < FIRST:
            return 0
        due = 1 << (asked.bit_length() - 1)
        if not self._short:
            due = min(due // EVERY, MOST // 2, 2 * int(self.share * ON_THE_WAY / 2 * max(asked, self.least)))
        if due <= checked:  # after most batches
            return 0
        return max(min(due, self.kept - self.kept // LATER) - checked, 0)

    def left(self, asked: int, checked: int, *, doubted: bool = False) -> int:
        """How many can be asked at all; more where those so far leave the hypothesis ``doubted``."""
        left = max(DOUBTED if doubted else MOST, self.kept) - checked
        return max(left if self.budget is None else min(left, self.budget - asked - checked), 0)

    def at_the_end(self, asked: int, checked: int) -> int:
        """How many to ask when the attack is done."""
        fewest = next(n for least, n in FEWEST if asked >= least)
        noisier = SHARE / self.share if self.share else math.inf
        fewest = math.ceil(fewest * noisier) if noisier <= NOISIEST else fewest
        return min(self.left(asked, checked), max(int(self.share * asked) - checked, fewest))
