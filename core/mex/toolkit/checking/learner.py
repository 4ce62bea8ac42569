"""A learner that checks itself."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.learner import Learner
from mex.toolkit.checking.allowance import Allowance
from mex.toolkit.checking.choice import alike, choose
from mex.toolkit.checking.readings import Told
from mex.toolkit.checking.repeats import Repeats
from mex.toolkit.checking.rows import PoolRows, natural, telling
from mex.toolkit.checking.verdict import verdict, verdict_before_the_end
from mex.toolkit.estimators import random_state
from mex.types import Array, Estimator, FloatArray

PAIRS_ONLY = 8
"""With so few rows at the end, or fewer, all are in pairs on the two sides of the boundary of a classifier."""


class SelfChecked:
    """A learner around another one that assumes something: it finds out whether that holds, and what to hand over.

    On the way some rows like the data are asked. As long as the learner is not done, the hypothesis is its own only if
    that is right on these rows more often than the best fit to all answers; one of the fits is the commonest label.
    When it is done, rows near the data, on the domain and on both sides of the boundary of its hypothesis are asked,
    and more of them if it is suspected to be wrong (:func:`.verdict.verdict`). If it is oftener than noise explains,
    :attr:`note` says so, and the best model of all answers, of whatever class, is handed over. When the budget ends it,
    some of the rows asked first are asked again: :attr:`note` says if the target was changed meanwhile.

    The learner may have ``settled``, whether its hypothesis is taken unless another is right more often than by chance;
    ``exact``, whether that claims to be; ``confirmed``, whether it has checked itself when it is done;
    ``natural``, how many of the rows that it asks, the first, are like the data; and ``error``, as ``eps``.

    Attributes:
        inner: that learner.
    """

    def __init__(
        self,
        inner: Learner,
        known: Knowledge,
        rng: np.random.Generator,
        allowance: Allowance,
        eps: float,
        tolerated: float,
    ) -> None:
        """The arguments are those of :func:`.self_check.self_checked`; ``rng`` is for the check alone."""
        self.inner = inner
        self._known = known
        self._rng = rng
        self._seed = random_state(rng)
        self._pool_rows = PoolRows(known, rng)
        self._allowance = allowance
        self._eps = eps
        self._tolerated = tolerated
        self._transcript = Told(known)
        self._check = Told(known)
        self._wanted = 0  # how many rows the learner inside has asked last
        self._pending: FloatArray | None = None  # rows of a check, first those like the data
        self._near = 0  # how many of them are
        self._repeats = Repeats(known)
        self._again = 0  # how many of them, the last, were asked before
        self._changed = ""
        self._ended = ""  # how the learner inside has: "done", or "cut" by its part of the budget
        self._rounds = 0  # of the check after that
        self._suspected = False
        self._failed = ""
        self._chosen: tuple[tuple[int, str], Estimator] | None = None

    @property
    def takes_refusals(self) -> bool:
        """As the learner inside does."""
        return bool(getattr(self.inner, "takes_refusals", False))

    @property
    def note(self) -> str:
        """The learner's sentence, and one about a check that failed."""
        return "; ".join(filter(None, (getattr(self.inner, "note", ""), self._failed, self._changed)))

    def ask(self) -> FloatArray | None:
        """The rows of the learner inside, or of a check."""
        if self._pending is None and not self._ended and (X := self._next_rows()) is not None:
            return X
        if self._pending is None:
            self._plan(*self._last_check())
        return self._pending

    def _next_rows(self) -> FloatArray | None:
        """What the learner inside asks, as far as its part of the budget goes."""
        X = self.inner.ask()
        if X is None:
            self._ended = "done"
            return None
        self._wanted = len(X)
        budget = self._allowance.of_attack
        X = X if budget is None else X[: max(budget - self._transcript.asked, 0)]
        if len(X) == 0:
            self._ended = "cut"
            return None
        return X

    def tell(self, X: FloatArray, answers: Array) -> None:
        """Tell the learner inside, or take the answers of a check."""
        if self._pending is None:
            self._transcript.add(X, answers, getattr(self.inner, "natural", 0))
            self._repeats.keep(X, answers)
            self.inner.tell(X, answers)
            if len(answers) < self._wanted:
                self._ended = "cut"
            else:
                n = self._allowance.on_the_way(self._transcript.asked, self.checked)
                self._plan(self._pool_rows.draw(n), n)
            return
        fresh = len(self._pending) - self._again  # the others were asked before
        self._check.add(X[:fresh], answers[:fresh], self._near)
        self._check.asked += len(X[fresh:])
        self._changed = self._repeats.sentence(answers[fresh:])
        self._pending = None
        self._judge()

    @property
    def _error(self) -> float:
        return max(self._eps, getattr(self.inner, "error", 0.0))

    @property
    def checked(self) -> int:
        """How many rows were asked for checks."""
        return self._check.asked

    def _plan(self, rows: FloatArray, near: int) -> None:
        self._pending, self._near = (self._known.domain.clip(rows) if len(rows) else None), near

    def _last_check(self) -> tuple[FloatArray, int]:
        """Rows that tell what to hand over, and how many of them, the first, are like the data; none at the end."""
        asked, self._rounds = self._transcript.asked, self._rounds + 1
        left, n = self._allowance.left(asked, self.checked), 0
        if self._ended == "cut":
            left = left if self._rounds == 1 else 0
            again = self._repeats.draw(left, self._rng)
            self._again = len(again)
            return np.concatenate([self._pool_rows.draw(left - len(again)), again]), left - len(again)
        if self._rounds == 1 and not getattr(self.inner, "confirmed", False):
            n = self._allowance.at_the_end(asked, self.checked)
        elif self._suspected and (self._rounds == 2 or (self._rounds == 3 and not self._failed)):
            n = self._allowance.left(asked, self.checked, doubted=self._rounds == 3)
        if n == 0:
            return np.empty((0, self._known.domain.n_features)), 0
        labels = self._transcript.labels
        near = n - n // 2 if not labels or n > PAIRS_ONLY else 0
        rows = natural(self._known, near, self._rng)
        if n > near and labels:
            asked_of = self._transcript.X
            far = telling(self.inner.hypothesis(), asked_of, self._known, n - near, self._error, self._rng)
        else:
            far = self._known.domain.sample(n - near, self._rng)
        return np.concatenate([rows, far]), near

    def _judge(self) -> None:
        """Find out how often the hypothesis is wrong, once it is no more to change."""
        if self._ended == "cut" and getattr(self.inner, "settled", False):
            self._failed = verdict_before_the_end(self.inner.hypothesis(), self._check.natural(), self._known)
        elif self._ended == "done":
            self._suspected, self._failed = verdict(
                self.inner.hypothesis(),
                self._check,
                self._transcript.complete(),
                self._known,
                eps=self._error,
                tolerated=self._tolerated,
                exact=getattr(self.inner, "exact", True),
            )

    def hypothesis(self) -> Estimator:
        """The learner's, if it is done and right or nothing is better; else a fit to all answers."""
        own = self.inner.hypothesis()
        told = self._transcript + self._check
        if self._ended == "done" and not self._failed and not alike(told, self._known):
            return own
        key = len(told), self._failed
        if self._chosen is None or self._chosen[0] != key:
            settled, wrong = getattr(self.inner, "settled", False), bool(self._failed)
            best = choose(own, settled, told.complete(), self._known, self._seed, any_class=wrong)
            self._chosen = key, best
        return self._chosen[1]
