"""How well a network is certified: what random rows, drawn after it was found, say of it."""

from __future__ import annotations

import attrs
import numpy as np

EXACT = 1e-8, 1e-9
"""Up to which share of the size of scores an exact network is off; by how much in probabilities of nearly 0 or 1."""
CHANCE = 0.05
"""The chance that a network is wrong on more rows than it says."""


@attrs.define
class Certificate:
    """What is known of the errors of a network.

    Attributes:
        certified: how many random rows were explained by the network as it was found; they were drawn after that.
        trials: how many networks were tried on such rows.
        saturated: how many of them told nothing of kinks.
        hidden: how far the network is off at one of these at most, in probability.
        fresh: how far the network was off, as a share of the size of scores, at the rows asked last, before it was
            fitted to them too.
        largest: how far the network is off at most, as a share of the size of scores, at any row that is answered as
            exactly as usual; it is also that at others, if it is more than their rounding.
        doubt: how far, as such a share, it may be off at random rows that were not asked, as the answers that it was
            fitted to are rounded.
    """

    certified: int = 0
    trials: int = 0
    saturated: int = 0
    hidden: float = 0.0
    fresh: float = np.inf
    largest: float = np.inf
    doubt: float = 0.0

    def wrong(self) -> float:
        """Below which share of random rows the network is off (95 % confidence): those of the three kinds in turn.

        Of the k-th network that is tried on such rows the chance that it passes although it is off on more is 0.05 / k
        (k + 1), which add up to 0.05.
        """
        return float(1 - (CHANCE / (self.trials * (self.trials + 1))) ** (1 / self.certified))

    @property
    def exact(self) -> bool:
        """Whether the network is off by no more than rounding."""
        return max(self.largest, self.doubt) <= EXACT[0] and self.hidden <= EXACT[1]

    def verdict(self, neurons: str, answers: str) -> str:
        """What was found, and how sure that is."""
        off = max(self.largest, float(np.finfo(np.float64).eps))
        dim, beside = "", f", and to about {self.doubt:.1g} at others" if self.doubt > off else ""
        if self.saturated:
            dim = f"; {self.saturated} of these are too near to 0 or 1 to tell, and right to {self.hidden:.1g}"
        return (
            f"{'exact' if self.exact else 'done'}: {neurons} have their kink inside the domain;"
            f" {answers} right to {off:.1g} of their size at all answers,"
            f" the last {self.certified} random rows among them{dim}{beside}; so off on less than"
            f" {self.wrong():.1%} of rows like these (95 % confidence): a neuron that shows on fewer may be missing"
        )
