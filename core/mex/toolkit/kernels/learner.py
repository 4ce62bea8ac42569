"""What the attacks on kernel machines share: everything but the choice of the queries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator

import numpy as np

from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.active.candidates import Candidates
from mex.toolkit.estimators import constant
from mex.toolkit.kernels.classifier import KernelClassifier
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.parameters import KernelAttack
from mex.toolkit.kernels.segments import Segments
from mex.toolkit.kernels.selection import encoder, extract_and_test, penalty, public_kernel, rbf_grid, without_checks
from mex.types import Array, Estimator, FloatArray

UNKNOWN_RHO = 0.1
"""The probability of a wrong label that is assumed where the scenario does not declare one."""
PAIRS_FROM, HALVINGS = 1500, 10
"""The boundary of the machine is searched between pairs of so many rows, with so many halvings of each."""
GROWTH = 1.5
"""Kernel and penalty are chosen again when the number of answers has grown by this factor."""


class KernelLearner(GeneratorLearner):
    """A base for learners with a kernel machine that follows the answers; a subclass says what to ask.

    Attributes:
        known, rng: what the attacker knows, and where all is drawn from.
        machine: the machine fitted to all answers so far.
        error_rate: how often labels are taken to be wrong, between 0.01 and 0.49.

    Raises:
        Incompatible: if the sampler draws from a pool and there is none, or never ends and there is no budget.
    """

    def __init__(self, attack: KernelAttack, known: Knowledge, rng: np.random.Generator) -> None:
        assert known.classes is not None
        has_pool = known.pool is not None and len(known.pool) > 0
        sampler = attack.sampler or ("near" if has_pool else "uniform")
        self._attack = attack
        self.known = known
        self.rng = rng
        self._rho = UNKNOWN_RHO if known.rho is None else known.rho
        self.error_rate = min(max(self._rho, 0.01), 0.49)
        self._candidates = Candidates("this attack", sampler, known, rng)
        self._encoder = encoder(known, rng)
        self._transform = without_checks(self._encoder)
        self._asked: list[FloatArray] = []
        Z = self.encode(self.draw(1000))
        kernel = public_kernel(known, Z) if attack.kernel == "public" else None
        self._kernels = [kernel] if kernel else rbf_grid(Z)
        self._scales = {k: max(float(k.diagonal(Z).mean()), 1e-12) for k in self._kernels}  # mean k(x, x)
        self._choose_again_at = 0.0  # a number of answers
        middle = self._kernels[len(self._kernels) // 2]
        self.machine = KernelMachine(middle, 1 / self._scales[middle])  # until the first answers

    @abstractmethod
    def queries(self) -> Steps:
        """Yield what to ask, from the first answers of both labels on."""

    def steps(self) -> Steps:
        """Ask random rows until both labels were seen, then :meth:`queries`."""
        while not self.has_both_labels:
            rows = self.draw_unseen(self._attack.start)
            if len(rows) == 0:
                return
            yield from self.query(rows)
        yield from self.queries()

    @property
    def n(self) -> int:
        """The number of answers so far."""
        return len(self.machine.y)

    @property
    def has_both_labels(self) -> bool:
        return len(np.unique(self.machine.y)) == 2

    @property
    def rows(self) -> FloatArray:
        """The rows asked, as the interface takes them, shape (n, d)."""
        return np.concatenate(self._asked)

    def query(self, X: FloatArray) -> Generator[FloatArray, Array, FloatArray]:
        """Ask rows, refit the machine, and return the answers as signs, shape (len(X),)."""
        answers = yield X
        return self._learn(X, answers)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Learn from what the budget left of the last batch."""
        self._learn(X, answers)

    def _learn(self, X: FloatArray, answers: Array) -> FloatArray:
        assert self.known.classes is not None
        signs = np.where(answers == self.known.classes[1], 1.0, -1.0)
        self._asked.append(X)
        self._candidates.mark_asked(X)
        self.machine.add(self.encode(X), signs)
        if self.n >= self._choose_again_at:
            self._choose_again_at = GROWTH * self.n
            self._choose_machine()
        self.machine.fit()
        return signs

    def _choose_machine(self) -> None:
        """Choose kernel and penalty again, as far as the parameters leave them open."""
        C = self._attack.C or penalty(self.n, self._rho)
        settings = [(kernel, C / self._scales[kernel]) for kernel in self._kernels]
        if len(settings) == 1:
            self.machine.set_penalty(settings[0][1])
        elif self.has_both_labels:
            self.machine = extract_and_test(self.machine.X, self.machine.y, settings, self.error_rate)

    def encode(self, X: FloatArray) -> FloatArray:
        """Rows of the interface as the kernel takes them."""
        if len(X) == 0:  # transformers refuse it
            return X
        return self._transform(X)

    def decision_function(self, X: FloatArray) -> FloatArray:
        """The machine's decision values of rows of the interface, shape (len(X),)."""
        return self.machine.decision_function(self.encode(X))

    def draw(self, n: int) -> FloatArray:
        """Draw ``n`` rows, of the pool at most as many as it has, whether they were asked before or not."""
        return self._candidates.draw(n)[:n]

    def draw_unseen(self, n: int) -> FloatArray:
        """Draw up to ``n`` different rows that were not asked before (:meth:`.Candidates.unseen`)."""
        return self.unseen(self._candidates.draw(n))[:n]

    def unseen(self, rows: FloatArray) -> FloatArray:
        """The different ones of ``rows``, without those asked before (:meth:`.Candidates.unseen`)."""
        return self._candidates.unseen(rows)

    def boundary_rows(self, n: int) -> FloatArray:
        """Up to ``n`` unseen rows on the boundary of the machine, found without a query.

        Random pairs of candidates on either side of it are bisected; of the two ends of the last bracket the one with
        the smaller decision value is taken. If the sampler is the pool: its unseen rows nearest the boundary.
        """
        X = self.draw_unseen(max(n, PAIRS_FROM))
        values = self.decision_function(X)
        if self._candidates.from_pool:
            return X[np.argsort(np.abs(values), kind="stable")[:n]]
        positive, negative = X[values > 0], X[values <= 0]
        if len(positive) == 0 or len(negative) == 0:
            return X[:0]
        a, b = (side[self.rng.integers(len(side), size=n)] for side in (positive, negative))
        segments = Segments.between(self.known.domain, a, b, self.rng)
        for _ in range(HALVINGS):
            segments.narrow(self.decision_function(segments.middle()) > 0)
        first, second = segments.ends()
        nearer = np.abs(self.decision_function(first)) <= np.abs(self.decision_function(second))
        return self.unseen(np.where(nearer[:, None], first, second))

    def bisect(self, a: FloatArray, b: FloatArray, signs: FloatArray, precision: float) -> Steps:
        """Bisect by queries from the rows ``a``, answered with ``signs``, to rows ``b`` of the other label.

        All pairs are halved in one batch. A pair is done when its bracket, in units of the distance between encoded
        rows per root of the dimension, is at most ``precision``, or when no row lies between its ends.
        """
        segments = Segments.between(self.known.domain, a, b, self.rng)
        length = np.sqrt(((self.encode(a) - self.encode(b)) ** 2).mean(axis=1))
        while True:
            (first, second), middle = segments.ends(), segments.middle()
            wide = (segments.high - segments.low) * length > precision
            wide &= (middle != first).any(axis=1) & (middle != second).any(axis=1)
            if not wide.any():
                return
            segments, signs, length = segments.take(wide), signs[wide], length[wide]
            answers = yield from self.query(middle[wide])
            segments.narrow(answers == signs)

    def hypothesis(self) -> Estimator:
        """The machine so far; a constant as long as all answers are of one class."""
        classes = self.known.classes
        assert classes is not None
        if not self.has_both_labels:
            return constant(classes[int(self.n > 0 and self.machine.y[0] > 0)], self.known.domain.n_features)
        return self.classifier(self.machine)

    def classifier(self, machine: KernelMachine) -> Estimator:
        """A machine as a classifier of rows of the interface."""
        assert self.known.classes is not None
        return KernelClassifier.of(machine, self._encoder, self.known.classes, self.known.domain.n_features)
