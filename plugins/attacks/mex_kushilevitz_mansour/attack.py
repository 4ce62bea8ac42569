"""Learning a Boolean function from its large Fourier coefficients."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import Check, between, doc, one_of, optional
from mex.toolkit.estimators import constant
from mex.types import Array, BoolArray, Estimator, FloatArray
from mex_kushilevitz_mansour import search
from mex_kushilevitz_mansour.fourier import BitChart, FourierSign, characters

ROWS = 2**16
"""The most rows to ask at once."""
LARGEST = Check("a number above 0 and at most 1", lambda v: isinstance(v, int | float) and 0 < v <= 1)


@attrs.frozen(kw_only=True)
class KushilevitzMansour:
    """Find every subset of bits whose parity correlates with f* by ``theta`` or more; answer with the sign of the sum.

    A tree of m parity nodes has coefficients that sum to at most m + 1, so few of them are large and the rest
    matters little (Kushilevitz and Mansour 1993; the paper's Example 3). The uniform error is at most
    the sum of the squares of what is not found. Without noise the bits that matter are found first, by
    binary search; if they are few (a junta) all their combinations are asked, which is exact. Else ``search``
    decides: ``prefix`` is the search of 1993, ``subspace`` that of Levin, which asks about theta^2 times
    as many rows. Labels that are wrong with a probability of rho scale every coefficient by 1 - 2 rho.

    >>> import mex
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    >>> tree = DecisionTreeClassifier().fit(X, (X[:, 0] ^ X[:, 4]) | X[:, 7])
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X)))
    >>> stolen = mex.extract(oracle, KushilevitzMansour().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> stolen.hypothesis.subsets_.astype(int)[:, [0, 4, 7]].tolist(), stolen.hypothesis.coefficients_.tolist()
    ([[0, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], [-0.5, 0.5, 0.5, 0.5])
    """

    theta: float = attrs.field(default=0.1, validator=LARGEST, metadata=doc("least coefficient that must be found"))
    delta: float = attrs.field(
        default=0.05, validator=between(1e-9, 0.5), metadata=doc("probability that the search misses one")
    )
    eps: float = attrs.field(
        default=0.01,
        validator=between(1e-6, 0.5),
        metadata=doc("uniform error that bits may cause which are taken for irrelevant"),
    )
    search: str = attrs.field(
        default="subspace",
        validator=one_of("subspace", "prefix"),
        metadata=doc("how large coefficients are found: Levin 1993, or Kushilevitz and Mansour 1993"),
    )
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, 0.4999)),
        metadata=doc("probability of a wrong label; by default the one that is public"),
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", answers="label")
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Example 3; Kushilevitz and Mansour 1993; Levin 1993"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses features of more than two values, and labels that are wrong half the time."""
        rho = knowledge.rho if self.rho is None else self.rho
        if rho is not None and rho >= 0.5:
            raise Incompatible(f"labels that are wrong with probability {rho:g} correlate with nothing")
        return _Fourier(self, knowledge, rng, BitChart.of(knowledge.domain), rho or 0.0)


class _Fourier(GeneratorLearner):
    def __init__(
        self, attack: KushilevitzMansour, known: Knowledge, rng: np.random.Generator, chart: BitChart, rho: float
    ) -> None:
        assert known.classes is not None
        self._attack, self._known, self._rng, self._chart = attack, known, rng, chart
        self._classes, self._scale = known.classes, 1 - 2 * rho
        self._n = len(chart.columns)
        self._asked = 0
        self._uniform: list[tuple[BoolArray, FloatArray]] = []  # rows drawn uniformly, and their signs
        self._found: tuple[BoolArray, FloatArray] | None = None
        self.note = "" if known.rho is not None or attack.rho is not None else "rho is not known and taken for 0"

    def steps(self) -> Steps:
        """Yield rows of the domain; keep the subsets and coefficients found."""
        n, attack = self._n, self._attack
        bits = np.full(n, True)
        if self._scale == 1 and n > 1:
            enough = math.ceil(math.log(1 / attack.delta) / attack.eps)
            pairs = min(enough, max(1, (self._known.budget or 8 * enough) // 8))
            if 2**n > 2 * pairs:
                bits = yield from self._rows(search.relevant(n, pairs, self._rng), np.full(n, True))
                if pairs < enough and not bits.all():
                    self._fall_short("eps: bits that matter may be missing")
        k, theta = int(bits.sum()), attack.theta * self._scale
        left = math.inf if self._known.budget is None else self._known.budget - self._asked
        dimension = min(k, search.subspaces_bits(theta))
        if self._scale == 1 and (k == 0 or 2**k <= min(left, 2 * (k + 1) * 2**dimension)):
            subsets, coefficients = yield from self._rows(search.cube(k), bits)
            self._found = self._widened(subsets, bits), coefficients
            return
        subsets = yield from self._rows(self._search(k, theta, left), bits, uniform=True)
        self._found = self._estimated(self._widened(subsets, bits))

    def _search(self, k: int, theta: float, left: float) -> search.Search[BoolArray]:
        """The search asked for; where the budget is too small for its promise, the best that the budget buys."""
        attack = self._attack
        if attack.search == "prefix":
            suffixes, prefixes = search.prefix_plan(k, theta, attack.delta)
            if suffixes * prefixes * k > left:
                self._fall_short("theta: coefficients may be missing")
                suffixes = max(1, int(left / (prefixes * k)))
            return search.by_prefixes(k, suffixes, prefixes, theta, self._rng)
        dimension = min(k, search.subspaces_bits(theta))
        if (k + 1) * 2**dimension > left:
            self._fall_short("theta: coefficients may be missing")
            dimension = max(0, int(math.log2(max(1, left / (k + 1)))))
            theta = max(theta, 4 / 2 ** (dimension / 2))
        rounds = 1 + math.ceil(math.log2(1 / attack.delta))
        rounds = max(1, int(min(rounds, left // ((k + 1) * 2**dimension))))
        return search.by_subspaces(k, dimension, min(theta, 1.0), rounds, self._rng)

    def _fall_short(self, of: str) -> None:
        self.note = "; ".join(filter(None, [self.note, f"the budget is too small for {of}"]))

    def _rows(
        self, inner: search.Search[search.T], bits: BoolArray, uniform: bool = False
    ) -> Generator[FloatArray, Array, search.T]:
        """Run a search over some of the bits: the others are drawn at random."""
        wanted = next(inner)
        while True:
            signs = []
            for start in range(0, len(wanted), ROWS):
                part = wanted[start : start + ROWS]
                rows = self._rng.random((len(part), self._n)) < 0.5
                rows[:, bits] = part
                answers = yield self._chart.rows(rows)
                signs.append(self._signs(answers))
                self._asked += len(rows)
                if uniform or not self._uniform:
                    self._uniform.append((rows, signs[-1]))
            try:
                wanted = inner.send(np.concatenate(signs))
            except StopIteration as done:
                found: search.T = done.value
                return found

    def _signs(self, answers: Array) -> FloatArray:
        return np.where(answers == self._classes[0], 1.0, -1.0)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers to the first rows of the first batch: they are uniform."""
        if not self._uniform:
            self._uniform.append((self._chart.bits(X), self._signs(answers)))

    def _widened(self, subsets: BoolArray, bits: BoolArray) -> BoolArray:
        wide = np.zeros((len(subsets), self._n), dtype=bool)
        wide[:, bits] = subsets
        return wide

    def _estimated(self, subsets: BoolArray) -> tuple[BoolArray, FloatArray]:
        """The coefficients of ``subsets`` from all uniform rows, without those below half theta or two deviations."""
        count = sum(len(rows) for rows, _ in self._uniform)
        total = np.sum([signs @ characters(rows, subsets) for rows, signs in self._uniform], axis=0)
        coefficients = total / (count * self._scale)
        kept = np.abs(coefficients) >= max(self._attack.theta / 2, 2 / (math.sqrt(count) * self._scale))
        return subsets[kept], coefficients[kept]

    def hypothesis(self) -> Estimator:
        """The expansion found; until then over single bits (the low-degree algorithm of Linial, Mansour and Nisan)."""
        if not self._uniform:
            return constant(self._classes[0], self._known.domain.n_features)
        if self._found is not None:
            subsets, coefficients = self._found
        else:
            subsets, coefficients = self._estimated(np.eye(self._n + 1, self._n, -1, dtype=bool))
        if len(subsets) == 0:  # nothing is large: the more frequent label
            subsets = np.zeros((1, self._n), dtype=bool)
            coefficients = np.array([float(np.sum([signs.sum() for _, signs in self._uniform]))])
        wide = np.zeros((len(subsets), self._known.domain.n_features), dtype=bool)
        wide[:, self._chart.columns] = subsets
        middle = (self._known.domain.lower + self._known.domain.upper) / 2
        return FourierSign().set(wide, coefficients, middle, self._classes)
