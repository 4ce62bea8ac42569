"""An attack that checks itself: some of its questions are kept to see whether what it hands over is right."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs
import numpy as np

from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.toolkit.checking.choice import choose
from mex.toolkit.checking.readings import Told
from mex.toolkit.checking.rows import both_sides, natural
from mex.toolkit.checking.verdict import errors, objection
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray

SHARE, MOST = 0.03, 40
"""The share of an attack's queries that check it, and how many at most."""
ON_THE_WAY, FIRST, FEWEST = 1 / 3, 16, 2
"""The part of them that is asked on the way, after how many queries the first, and how many at the end at least."""
TOLERATED = 0.01
"""The share of rows that a hypothesis may miss and count as right."""


def self_checked(
    knowledge: Knowledge,
    rng: np.random.Generator,
    start: Callable[[Knowledge, np.random.Generator], Learner],
    *,
    eps: float = 0.0,
    tolerated: float = TOLERATED,
) -> SelfChecked:
    """Start a learner that checks itself: the one that ``start`` makes of the knowledge, with a little less budget.

    Args:
        knowledge: what the attacker knows.
        rng: for the learner, as without a check, and for the rows of the check.
        start: makes the learner.
        eps: the geometric error that a linear hypothesis allows itself; nearer to its boundary nothing is checked.
        tolerated: the share of rows that the hypothesis may miss.
    """
    budget = knowledge.budget
    kept = 0 if budget is None else min(MOST, int(SHARE * budget))
    stream = rng.spawn(1)[0]
    inner = start(attrs.evolve(knowledge, budget=None if budget is None else budget - kept), rng)
    return SelfChecked(inner, knowledge, stream, kept, eps, tolerated)


class SelfChecked:
    """A learner around another one that assumes something: it finds out whether that holds, and what to hand over.

    On the way a few rows like the data are asked now and then. As long as the learner is not done, the hypothesis is
    its own only if that is right on these rows as often as the best fit to the transcript, or the commonest label.
    When it is done, rows near the data, on the domain and on both sides of the boundary of its hypothesis are asked,
    and more of them if one is answered otherwise. If that is oftener than noise explains, :attr:`note` says so, and
    the best model of the transcript, of whatever class, is handed over.

    The learner may have ``settled``, whether its hypothesis is the better one of two that are right as often;
    ``exact``, whether its values claim to be; and ``confirmed``, whether it has checked itself when it is done.
    """

    def __init__(
        self, inner: Learner, known: Knowledge, rng: np.random.Generator, kept: int, eps: float, tolerated: float
    ) -> None:
        self._inner = inner
        self._known = known
        self._rng = rng
        self._seed = random_state(rng)
        self._kept = kept  # rows of the budget that are for checks
        self._eps = eps
        self._tolerated = tolerated
        self._transcript = Told(known)
        self._check = Told(known)
        self._natural = Told(known)  # those of the check that are like the data
        self._pending: FloatArray | None = None  # rows of the check, first those like the data
        self._near = 0  # how many of them are
        self._ended = ""  # how the learner inside has: "done", or "cut" by its part of the budget
        self._rounds = 0  # of the check after that
        self._wrong = 0
        self._failed = ""
        self._chosen: tuple[tuple[int, int, str], Estimator] | None = None

    @property
    def takes_refusals(self) -> bool:
        """As the learner inside does."""
        return bool(getattr(self._inner, "takes_refusals", False))

    @property
    def note(self) -> str:
        """The learner's sentence, and one about a check that failed."""
        return "; ".join(filter(None, (getattr(self._inner, "note", ""), self._failed)))

    def ask(self) -> FloatArray | None:
        """The rows of the learner inside, or of a check."""
        if self._pending is None and not self._ended and (X := self._wanted()) is not None:
            return X
        if self._pending is None:
            self._plan(*self._last_check())
        return self._pending

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Tell the learner inside, or take the answers of a check."""
        if self._pending is None:
            self._transcript.add(X, answers)
            self._inner.tell(X, answers)
            self._plan(*self._check_on_the_way())
            return
        self._natural.add(X[: self._near], answers[: self._near])
        self._check.add(X, answers)
        self._pending = None
        if self._ended == "done":
            hypothesis, exact = self._inner.hypothesis(), getattr(self._inner, "exact", True)
            self._wrong, n = errors(hypothesis, self._check, self._transcript, self._known, self._eps, exact)
            self._failed = objection(self._wrong, n, hypothesis, self._transcript, self._known, self._tolerated)

    def _wanted(self) -> FloatArray | None:
        """What the learner inside asks, as far as its part of the budget goes."""
        X = self._inner.ask()
        if X is None:
            self._ended = "done"
        elif self._known.budget is not None:
            X = X[: max(self._known.budget - self._kept - self._transcript.asked, 0)]
            if len(X) == 0:
                self._ended, X = "cut", None
        return X

    def _plan(self, rows: FloatArray, near: int) -> None:
        self._pending, self._near = (rows if len(rows) else None), near

    def _check_on_the_way(self) -> tuple[FloatArray, int]:
        asked = self._transcript.asked
        due = 1 + int(SHARE * ON_THE_WAY * asked) if asked >= FIRST else 0
        n = max(min(due, MOST // 2, MOST if self._known.budget is None else self._kept) - self._check.asked, 0)
        return natural(self._known, n, self._rng), n

    def _last_check(self) -> tuple[FloatArray, int]:
        """Rows for what the learner hands over; none at the end."""
        asked, checked, budget = self._transcript.asked, self._check.asked, self._known.budget
        left = max(MOST - checked if budget is None else min(MOST - checked, budget - asked - checked), 0)
        self._rounds += 1
        if self._ended == "cut":
            left = left if self._rounds == 1 else 0
            return natural(self._known, left, self._rng), left
        if self._rounds == 1 and not getattr(self._inner, "confirmed", False):
            return self._mixed_rows(min(left, max(math.ceil(SHARE * asked) - checked, FEWEST)))
        return self._mixed_rows(left if self._rounds == 2 and self._wrong else 0)

    def _mixed_rows(self, n: int) -> tuple[FloatArray, int]:
        """Rows, of which the first, as many as returned, are like the data, the others in pairs or on the domain."""
        near = natural(self._known, n // 2 if n > 2 * FEWEST else 0, self._rng)
        rows = np.empty((0, self._known.domain.n_features))
        if self._check.labels and n > 0:
            hypothesis, asked = self._inner.hypothesis(), self._transcript.X
            rows = both_sides(hypothesis, asked, self._known, n - len(near), self._eps, self._rng)
        far = self._known.domain.sample(n - len(near) - len(rows), self._rng)
        return np.concatenate([near, rows, far]), len(near)

    def hypothesis(self) -> Estimator:
        """The learner's, if it is done and right or nothing is better; else a fit to the transcript, or a constant."""
        inner = self._inner.hypothesis()
        if (self._ended == "done" and not self._failed) or len(self._transcript.told) == 0:
            return inner
        key = len(self._transcript.told), len(self._natural.told), self._failed
        if self._chosen is None or self._chosen[0] != key:
            failed = bool(self._failed)
            settled = getattr(self._inner, "settled", False) and not failed
            parts = (self._transcript, self._natural, self._known, self._seed)
            self._chosen = key, choose(inner, settled, *parts, any_class=failed)
        return self._chosen[1]
