"""Detection of clients whose queries do not look like those of honest clients."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target, UsageError
from mex.dataset import Rows
from mex.defense import undefended
from mex.params import between, doc, one_of, optional, whole
from mex.toolkit.perturbation.rules import both
from mex.types import Answer, Array, BoolArray, FloatArray
from mex_query_detector.calibration import Calibration, FalseAlarms, Standard, Statistic, calibrated, tested
from mex_query_detector.distances import LEAST, Prada
from mex_query_detector.means import MMD, Hotelling

ROWS = 4000
"""The most benign rows to calibrate with, and the most fresh rows to measure false alarms with."""
BLOCKS = 50
"""The most blocks of rows that are tested at a time."""


@attrs.frozen(kw_only=True)
class QueryDetector:
    """Test whether the rows of a client are distributed like those of honest clients; raise the alarm if they are not.

    ``mmd`` compares their distribution with that of benign rows; ``hotelling`` only their mean (the paper's test of
    synthesised queries, which queries around the mean pass); ``prada`` tests the distances between a client's own rows.
    A third of the operator's rows is kept to measure false alarms (``false_alarms()`` of the defended target). The
    others are the benign rows that thresholds are calibrated with, such that an honest client raises the alarm in a
    window of rows with probability ``alpha``, however often it is tested in it. After each window the test starts over,
    so that k windows raise it with at most k times that probability. A window has at most a third as many rows as the
    operator, since no row is in a calibrated window twice.

    It does not detect attackers who send rows like the operator's (``passive:sampler=near``), hide queries among such
    rows, or have many accounts (a defended target is one client). Honest clients whose rows are distributed otherwise,
    or are ordered, are taken for attackers.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> target = mex.FittedTarget.wrap(LogisticRegression().fit(X, y))
    >>> defended = QueryDetector(action="refuse").protect(target, Rows(X[::2], y[::2]), np.random.default_rng(0))
    >>> uniform = np.random.default_rng(1).uniform(-3, 3, (100, 30))
    >>> int(defended.admit(uniform).sum()), defended.alarm
    (10, 10)
    """

    test: str = attrs.field(
        default="mmd", validator=one_of("hotelling", "mmd", "prada"), metadata=doc("what is tested")
    )
    action: str = attrs.field(
        default="refuse",
        validator=one_of("flag", "throttle", "refuse"),
        metadata=doc("what follows the alarm: nothing, answers to one row of so many only, or none"),
    )
    alpha: float = attrs.field(
        default=0.01, validator=between(0.001, 0.5), metadata=doc("false alarms per window of an honest client")
    )
    delta: float | None = attrs.field(
        default=None,
        validator=optional(between(0, 1)),
        metadata=doc("for prada: raise the alarm when W is below this, as its authors do, instead of by alpha"),
    )
    window: int = attrs.field(default=500, validator=whole(1), metadata=doc("rows after which the test starts over"))
    every: int = attrs.field(default=10, validator=whole(1), metadata=doc("rows between two tests"))
    one_in: int = attrs.field(
        default=10, validator=whole(2), metadata=doc("for throttle: rows of which one is answered")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = (
        "Chandrasekaran et al. 2020, Appendix A.3.2, Tables 6 and 7; Gretton et al. 2012; Juuti et al. 2019, Section V"
    )

    def __attrs_post_init__(self) -> None:
        if self.window < self.every:
            raise UsageError(f"window must be at least every, {self.every}, not {self.window!r}")
        if self.delta is not None and self.test != "prada":
            raise UsageError(f"delta is a threshold of prada; {self.test} goes by alpha")

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that watches one client.

        Raises:
            Incompatible: if there are too few training rows to calibrate with.
        """
        third = len(train.X) // 3
        if third < self.every:
            raise Incompatible(
                f"query-detector learns what honest rows are from at least {3 * self.every} training rows, "
                f"and there are {len(train.X)}"
            )
        rows = np.asarray(train.X, dtype=np.float64)[rng.permutation(len(train.X))]
        fresh, benign = rows[:third][:ROWS], rows[third:][:ROWS]
        window = self.window if self.delta is not None else min(self.window, len(benign) // 2)
        window -= window % self.every
        statistic = self._statistic(target, benign, window, rng)
        Z = statistic.describe(benign)
        if self.delta is None:
            bounds = calibrated(statistic, Z, window, self.every, self.alpha, rng)
        else:
            bounds = np.where(tested(statistic, window, self.every), np.log(max(1 - self.delta, 1e-12)), np.inf)
        calibration = Calibration(statistic, statistic.against(Z), self.every, bounds, statistic.describe(fresh))
        return Watched(target, self, calibration)

    def _statistic(self, target: Target, benign: FloatArray, window: int, rng: np.random.Generator) -> Statistic:
        standard = Standard.of(benign, target.domain)
        if self.test == "hotelling":
            return Hotelling(standard)
        if self.test == "mmd":
            return MMD.of(standard, benign, rng)
        first = LEAST if self.delta is not None else min(LEAST, window // 2)
        return Prada(standard, undefended(target), first)


class Watched(Defended):
    """A target that tests the rows of one client; a deep copy is another client with the same history."""

    every_kind: ClassVar[bool] = True

    def __init__(self, target: Target, detector: QueryDetector, calibration: Calibration) -> None:
        super().__init__(target)
        self._detector = detector
        self._calibration = calibration
        self._session = calibration.reference.session()
        self._waiting: FloatArray = np.empty((0, target.domain.n_features))  # rows that are not a block yet
        self._rows = 0
        self._tests = 0
        self._alarm: int | None = None  # after how many rows it was raised

    @property
    def rho(self) -> float | None:
        """That of the target behind, since answers are not changed."""
        return self._target.rho

    @property
    def alarm(self) -> int | None:
        """After how many rows the alarm was raised, here or behind."""
        return min((a for a in (self._alarm, self._target.alarm) if a is not None), default=None)

    @property
    def memory(self) -> Any:
        """The session, the rows that are not a block yet, how many rows and tests there were, and the alarm."""
        return [self._session.memory, self._waiting.tolist(), self._rows, self._tests, self._alarm]

    @memory.setter
    def memory(self, memory: Any) -> None:
        session, waiting, self._rows, self._tests, self._alarm = memory
        self._session = self._calibration.reference.session()
        self._session.memory = session
        self._waiting = np.array(waiting, dtype=np.float64).reshape(-1, self.domain.n_features)

    def false_alarms(self, windows: int = 200) -> FalseAlarms:
        """How often honest clients raise the alarm in a window, on rows kept from the calibration."""
        return self._calibration.false_alarms(windows)

    def admit(self, X: FloatArray) -> BoolArray:
        """Admit all rows up to the alarm, and then what the action allows."""
        self._watch(X)
        admitted = np.ones(len(X), dtype=bool)
        if self._alarm is not None and self._detector.action != "flag":
            since = self._rows + 1 + np.arange(len(X)) - self._alarm
            k = self._detector.one_in
            admitted = (since <= 0) | ((since % k == 0) if self._detector.action == "throttle" else False)
        self._rows += len(X)
        if admitted.any():
            admitted[admitted] = self._target.admit(X[admitted])
        return admitted

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """As the target behind."""
        return self._target.answer(X, kind)

    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels of the target behind, shapes (n, k) and (n,)."""
        return both(self._target, X)

    def _watch(self, X: FloatArray) -> None:
        """Test the rows in blocks; the result does not depend on the batches in which they come."""
        if self._alarm is not None:
            return
        every, bounds = self._detector.every, self._calibration.bounds
        rows = np.concatenate([self._waiting, X])
        while len(rows) >= every:
            test = self._tests % len(bounds)
            if test == 0:
                self._session = self._calibration.reference.session()
            blocks = min(len(rows) // every, len(bounds) - test, BLOCKS)
            Z = self._calibration.statistic.describe(rows[: blocks * every])
            over = self._session.add(Z, every) > bounds[test : test + blocks]
            if over.any():
                self._alarm = (self._tests + 1 + int(np.argmax(over))) * every
                return
            self._tests += blocks
            rows = rows[blocks * every :]
        self._waiting = rows
