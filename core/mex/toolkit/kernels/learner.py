"""What the attacks on kernel machines share: everything but the choice of the next queries."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator

import numpy as np

from mex.errors import Incompatible
from mex.knowledge import Knowledge
from mex.learner import GeneratorLearner, Steps
from mex.toolkit.active.samplers import sampler
from mex.toolkit.estimators import constant
from mex.toolkit.kernels.classifier import KernelClassifier
from mex.toolkit.kernels.machine import KernelMachine
from mex.toolkit.kernels.parameters import KernelAttack
from mex.toolkit.kernels.segments import Paths
from mex.toolkit.kernels.selection import encoder, extract_and_test, grid, penalty, public_kernel
from mex.types import Array, Estimator, FloatArray

UNKNOWN = 0.1
"""How often answers are taken to be wrong where the scenario does not say."""
CANDIDATES, HALVINGS = 1500, 10
"""How many rows the local boundary is looked for between, and how often each pair is halved."""
GROWTH = 1.5
"""By which factor the number of answers grows before kernel and penalty are chosen again."""


class KernelLearner(GeneratorLearner):
    """A kernel machine that follows the answers; a subclass says what to ask.

    Raises:
        Incompatible: if there is no pool to draw from, or no end.
    """

    def __init__(self, attack: KernelAttack, known: Knowledge, rng: np.random.Generator) -> None:
        pool = known.pool if known.pool is not None and len(known.pool) else None
        name = attack.sampler or ("uniform" if pool is None else "near")
        if pool is None and name != "uniform":
            raise Incompatible(f"the sampler {name} draws from the pool, and this scenario grants none")
        if known.budget is None and name != "pool":
            raise Incompatible("this attack asks until a budget is spent, and this scenario sets none")
        assert known.classes is not None
        self._attack, self.known, self.rng = attack, known, rng
        self._rho = UNKNOWN if known.rho is None else known.rho
        self.floor = min(max(self._rho, 0.01), 0.49)  # of wrong answers, where they are compared with predictions
        self._source = sampler(name)
        self._pool = pool[rng.permutation(len(pool))] if pool is not None and name == "pool" else None
        self._encoder = encoder(known, rng)
        self._asked: list[FloatArray] = []
        self._seen: set[bytes] = set()
        Z = self.encode(self.draw(1000))
        kernel = public_kernel(known, Z) if attack.kernel == "public" else None
        self._kernels = [kernel] if kernel else grid(Z)
        self._units = {k: max(float(k.diagonal(Z).mean()), 1e-12) for k in self._kernels}
        self._next_choice = 0.0
        middle = self._kernels[len(self._kernels) // 2]
        self.machine = KernelMachine(middle, 1 / self._units[middle])  # until the first answers

    @abstractmethod
    def rounds(self) -> Steps:
        """What to ask once both labels are seen."""

    def steps(self) -> Steps:
        """Random rows until both labels are seen, then the subclass's rounds."""
        while not self.both:
            rows = self.candidates(self._attack.start)
            if len(rows) == 0:
                return
            yield from self.query(rows)
        yield from self.rounds()

    @property
    def n(self) -> int:
        """The number of answers so far."""
        return len(self.machine.y)

    @property
    def both(self) -> bool:
        """Whether both labels were seen."""
        return len(np.unique(self.machine.y)) == 2

    @property
    def rows(self) -> FloatArray:
        """The rows asked, as the interface takes them, shape (n, d)."""
        return np.concatenate(self._asked)

    def query(self, X: FloatArray) -> Generator[FloatArray, Array, FloatArray]:
        """Ask, learn, and return the answers as signs."""
        answers = yield X
        return self._learn(X, answers)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Learn from what the budget left of the last batch."""
        self._learn(X, answers)

    def _learn(self, X: FloatArray, answers: Array) -> FloatArray:
        assert self.known.classes is not None
        signs = np.where(answers == self.known.classes[1], 1.0, -1.0)
        self._asked.append(X)
        self._seen.update(row.tobytes() for row in X)
        self.machine.add(self.encode(X), signs)
        if self.n >= self._next_choice:
            self._next_choice = GROWTH * self.n
            self._choose()
        self.machine.fit()
        return signs

    def _choose(self) -> None:
        """Choose kernel and penalty again, as far as they are open."""
        C = self._attack.C or penalty(self.n, self._rho)
        settings = [(kernel, C / self._units[kernel]) for kernel in self._kernels]
        if len(settings) == 1:
            self.machine.penalise(settings[0][1])
        elif self.both:
            self.machine = extract_and_test(self.machine.X, self.machine.y, settings, self.floor)

    def encode(self, X: FloatArray) -> FloatArray:
        """Rows as the kernel takes them."""
        if len(X) == 0:  # transformers refuse it
            return X
        return np.asarray(self._encoder.transform(X), dtype=np.float64)

    def decide(self, X: FloatArray) -> FloatArray:
        """The decision values of rows as the interface takes them, shape (len(X),)."""
        return self.machine.decide(self.encode(X))

    def draw(self, n: int) -> FloatArray:
        """Draw ``n`` rows, asked before or not."""
        if self._pool is not None:
            return self._pool[:n]
        return self._source.draw(self.known, n, self.rng)

    def candidates(self, n: int) -> FloatArray:
        """Draw up to ``n`` rows worth asking (:meth:`new`); rows of the pool are asked once each."""
        rows = self.new(self.draw(n) if self._pool is None else self._pool)
        if self._pool is not None:
            self._pool = rows
        return rows[:n]

    def new(self, rows: FloatArray) -> FloatArray:
        """The different ones of ``rows``, without those asked before unless their answer may have been wrong."""
        repeat = self.known.rho != 0 and self._pool is None
        first = {row.tobytes(): i for i, row in reversed([*enumerate(rows)])}
        return np.asarray(rows[sorted(i for key, i in first.items() if repeat or key not in self._seen)])

    def crossings(self, n: int) -> FloatArray:
        """Up to ``n`` new rows on the boundary of the machine, found without a query.

        Random pairs of candidates on either side of it are bisected; of the two rows that remain the one
        with the smaller decision value counts. If the sampler is the pool, its rows nearest the boundary.
        """
        X = self.candidates(max(n, CANDIDATES))
        values = self.decide(X)
        if self._pool is not None:
            return X[np.argsort(np.abs(values), kind="stable")[:n]]
        above, below = X[values > 0], X[values <= 0]
        if len(above) == 0 or len(below) == 0:
            return X[:0]
        a, b = (side[self.rng.integers(len(side), size=n)] for side in (above, below))
        ways = Paths.between(self.known.domain, a, b, self.rng)
        for _ in range(HALVINGS):
            ways.narrow(self.decide(ways.middle()) > 0)
        first, second = ways.ends()
        nearer = np.abs(self.decide(first)) <= np.abs(self.decide(second))
        return self.new(np.where(nearer[:, None], first, second))

    def search(self, a: FloatArray, b: FloatArray, signs: FloatArray, precision: float) -> Steps:
        """Bisect from the rows ``a``, answered with ``signs``, to rows ``b`` of the other label, all at once.

        A search ends when its bracket, as a share of the distance of encoded rows, is at most ``precision`` per
        root of the dimension, or its ends are next to each other.
        """
        ways = Paths.between(self.known.domain, a, b, self.rng)
        length = np.sqrt(((self.encode(a) - self.encode(b)) ** 2).mean(axis=1))
        while True:
            (first, second), middle = ways.ends(), ways.middle()
            wide = (ways.high - ways.low) * length > precision
            wide &= (middle != first).any(axis=1) & (middle != second).any(axis=1)
            if not wide.any():
                return
            ways, signs, length = ways.take(wide), signs[wide], length[wide]
            answers = yield from self.query(middle[wide])
            ways.narrow(answers == signs)

    def hypothesis(self) -> Estimator:
        """The machine so far; the only label seen, if there is only one."""
        classes = self.known.classes
        assert classes is not None
        if not self.both:
            return constant(classes[int(self.n > 0 and self.machine.y[0] > 0)], self.known.domain.n_features)
        return self.classifier(self.machine)

    def classifier(self, machine: KernelMachine) -> Estimator:
        """A machine as a classifier of rows as the interface takes them."""
        assert self.known.classes is not None
        return KernelClassifier.of(machine, self._encoder, self.known.classes, self.known.domain.n_features)
