"""Majority votes: an attack on noisy labels made of an attack on right ones (Proposition 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import attrs
import numpy as np
from scipy.stats import binom

from mex import Attack, Incompatible, Knowledge, Learner, Scope
from mex.params import between, component, doc, one_of, optional, whole
from mex.toolkit.bounds import repeats as paper_repeats
from mex.types import Array, Estimator, FloatArray

ROWS = 20_000
"""The most rows to ask at once, which bounds the memory."""
CHANCE = 1e-6
"""If no repeated answer has ever differed, and that has less than this probability, noise is taken for sticky."""


@attrs.frozen(kw_only=True)
class MajorityVote:
    """Ask every query of another attack r times and tell it the majority label.

    If each label is wrong with a probability of at most rho < 1/2, independently for each query, an attack of q
    noise-free queries becomes one of q r queries with r = 8 / (1 - 2 rho)^2 ln(q / delta), and all its q majorities
    are right with probability 1 - delta. Against sticky noise repeating has no effect, which the note says. Of several
    classes the most frequent one counts.

    >>> from mex.toolkit.bounds import repeats
    >>> repeats(100, 0.05, 0.1), fewest_repeats(100, 0.05, 0.1)
    (96, 11)
    """

    inner: Attack | str = attrs.field(
        default="version-space", metadata=component("attack", "the attack whose queries are repeated")
    )
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, 0.4999)),
        metadata=doc("bound on the probability of a wrong label; by default the one that is public"),
    )
    delta: float = attrs.field(
        default=0.05,
        validator=between(1e-12, 0.5),
        metadata=doc("probability that some majority is wrong; the paper's complexity is for 1 - 2 delta in all"),
    )
    q: int | None = attrs.field(
        default=None,
        validator=optional(whole(1)),
        metadata=doc("queries of the inner attack; by default as many as the budget allows with their repeats"),
    )
    repeats: str = attrs.field(
        default="paper",
        validator=one_of("paper", "exact"),
        metadata=doc(
            "how often to ask: by the paper's Chernoff bound, or the fewest times by the binomial distribution"
        ),
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 5, Proposition 1 and its proof (A.1.1)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start the inner attack on noise-free labels and a smaller budget.

        Raises:
            Incompatible: if the inner attack is a name that no registry has replaced, if rho is unknown or not below
                1/2, if there is neither q nor a budget, if the budget does not allow one query with its repeats, or if
                the inner attack does not work here.
        """
        if isinstance(self.inner, str):
            raise Incompatible(f"majority-vote repeats an attack, not the name {self.inner!r}: let a registry build it")
        rho = knowledge.rho if self.rho is None else self.rho
        if rho is None:
            raise Incompatible("a vote needs to know how often labels are wrong: this defense does not say; give rho")
        if rho >= 0.5:
            raise Incompatible(
                f"a majority is right only if labels are wrong less than half the time, and rho is {rho:g}"
            )
        q, r = self._plan(knowledge.budget, rho)
        noise_free = attrs.evolve(knowledge, rho=0.0, budget=q)
        self.inner.scope.check("the inner attack", noise_free)
        assert knowledge.classes is not None
        streams = rng.spawn(2)
        return _Voting(self.inner.learner(noise_free, streams[0]), q, r, rho, knowledge.classes, streams[1])

    def _plan(self, budget: int | None, rho: float) -> tuple[int, int]:
        """The number of queries of the inner attack, and how often to ask each."""
        count: Callable[[int, float, float], int] = paper_repeats if self.repeats == "paper" else fewest_repeats

        def r(q: int) -> int:
            return count(q, self.delta, rho) if rho > 0 else 1

        if self.q is not None:
            return self.q, r(self.q)
        if budget is None:
            raise Incompatible("a vote repeats by the number of queries it plans for: give q, or a budget")
        if r(1) > budget:
            raise Incompatible(f"at rho = {rho:g} one query takes {r(1)} repeats, and the budget is {budget}")
        low, high = 1, budget + 1  # q r(q) grows with q
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if middle * r(middle) <= budget else (low, middle)
        return low, r(low)


def fewest_repeats(q: int, delta: float, rho: float) -> int:
    """The smallest r for which each of ``q`` majorities of r answers is wrong with probability delta / q at most.

    It is odd, since with ties broken at random an even r is no better than r - 1. For several classes the worst case is
    that all wrong answers agree, so the number is the same.
    """

    def enough(half: int) -> bool:
        return bool(binom.sf(half, 2 * half + 1, rho) <= delta / q)

    low, high = -1, 1  # r = 2 half + 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return 2 * high + 1


class _Voting:
    def __init__(self, inner: Learner, q: int, r: int, rho: float, classes: Array, rng: np.random.Generator) -> None:
        self._inner = inner
        self._left = q  # queries of the inner learner
        self._r = r
        self._rho = rho
        self._classes = classes
        self._rng = rng
        self._waiting: FloatArray | None = None  # the batch of the inner learner
        self._votes: list[Array] = []  # the majority labels of its first rows
        self._asked = 0  # rows sent by the last ask, repeats included
        self._rows = 0  # rows with a majority
        self._differed = False  # whether answers to one row have ever differed

    @property
    def note(self) -> str:
        """The inner learner's note, and whether repeating had no effect."""
        notes = [getattr(self._inner, "note", "")]
        if not self._differed and self._rows * self._r * math.log1p(-self._rho) < math.log(CHANCE):
            notes.append(
                f"no repeated query was ever answered differently, though rho = {self._rho:g}:"
                " the noise is sticky or absent, and voting buys nothing"
            )
        return "; ".join(filter(None, notes))

    def ask(self) -> FloatArray | None:
        """Return the inner learner's rows, each r times."""
        if self._waiting is None:
            X = self._inner.ask() if self._left else None
            self._waiting = None if X is None else X[: self._left]
        if self._waiting is None:
            return None
        rows = self._waiting[len(self._votes) :][: max(1, ROWS // self._r)]
        self._asked = len(rows) * self._r
        return np.repeat(rows, self._r, axis=0)

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Count the votes; when all rows of the batch have theirs, or the budget is spent, tell the inner learner."""
        assert self._waiting is not None
        cut, rows = len(answers) < self._asked, len(answers) // self._r
        self._votes.extend(self._majorities(answers[: rows * self._r].reshape(rows, self._r)))
        if cut or len(self._votes) == len(self._waiting):
            self._left = 0 if cut else self._left - len(self._votes)
            if self._votes:
                self._inner.tell(self._waiting[: len(self._votes)], np.array(self._votes))
            self._waiting, self._votes = None, []

    def _majorities(self, answers: Array) -> Array:
        """The most frequent label of each row of ``answers``, shape (n, r); ties are broken at random."""
        counts = (answers[:, :, None] == self._classes).sum(axis=1)
        self._rows += len(answers)
        self._differed |= bool((counts.max(axis=1, initial=0) < self._r).any())
        return np.asarray(self._classes[np.argmax(counts + 0.5 * self._rng.random(counts.shape), axis=1)])

    def hypothesis(self) -> Estimator:
        """The inner learner's hypothesis."""
        return self._inner.hypothesis()
