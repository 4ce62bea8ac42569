"""Learning a Boolean function by its large Fourier coefficients."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import Check, between, doc, one_of, optional
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.estimators import constant
from mex.toolkit.generators import relay
from mex.types import Array, BoolArray, Estimator, FloatArray
from mex_kushilevitz_mansour import search
from mex_kushilevitz_mansour.fourier import BitChart, FourierSign, characters

ROWS = 2**16
"""The most rows to ask at once."""
UP_TO_1 = Check("a number above 0 and at most 1", lambda v: isinstance(v, int | float) and 0 < v <= 1)

MISSED = 0.1
"""The share of rows that the coefficients left out may decide."""


@attrs.frozen(kw_only=True)
class KushilevitzMansour:
    """Find all Fourier coefficients of f* of at least ``theta``; the hypothesis is the sign of the sum.

    The absolute coefficients of a tree of m parity nodes sum to at most m + 1, so few of them are large (Kushilevitz
    and Mansour 1993; the paper's Example 3). The error on uniform rows is at most the sum of the squares of those that
    are not found. Without noise the relevant bits are found first, by binary search. If they are few (a junta), all
    their combinations are asked, which is exact. Otherwise ``search`` finds the coefficients: ``prefix`` is the search
    of 1993; ``subspace`` is Levin's, which takes about theta^2 times as many rows. Labels that are wrong with
    probability rho scale all coefficients by 1 - 2 rho.

    >>> import mex
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X = (np.arange(2**10)[:, None] >> np.arange(10)) & 1
    >>> tree = DecisionTreeClassifier().fit(X, (X[:, 0] ^ X[:, 4]) | X[:, 7])
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(tree, domain=mex.Domain.of(X)))
    >>> learner = KushilevitzMansour().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> stolen.hypothesis.subsets_.astype(int)[:, [0, 4, 7]].tolist(), stolen.hypothesis.coefficients_.tolist()
    ([[0, 0, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], [-0.5, 0.5, 0.5, 0.5])
    """

    theta: float = attrs.field(default=0.1, validator=UP_TO_1, metadata=doc("least absolute coefficient to be found"))
    delta: float = attrs.field(
        default=0.05, validator=between(1e-9, 0.5), metadata=doc("probability that the search misses one of these")
    )
    eps: float = attrs.field(
        default=0.01,
        validator=between(1e-6, 0.5),
        metadata=doc("error on uniform rows due to relevant bits that are not found"),
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
        chart = BitChart.of(knowledge.domain)

        def start(known: Knowledge, stream: np.random.Generator) -> Learner:
            return _Fourier(self, known, stream, chart, rho or 0.0)

        return self_checked(attrs.evolve(knowledge, rho=rho or 0.0), rng, start, tolerated=MISSED)


class _Fourier(GeneratorLearner):
    def __init__(
        self, attack: KushilevitzMansour, known: Knowledge, rng: np.random.Generator, chart: BitChart, rho: float
    ) -> None:
        assert known.classes is not None
        self._attack = attack
        self._known = known
        self._rng = rng
        self._chart = chart
        self._classes = known.classes
        self._scale = 1 - 2 * rho  # of the coefficients of the noisy labels
        self._n = len(chart.columns)
        self._asked = 0
        self._uniform: list[tuple[BoolArray, FloatArray]] = []  # rows drawn uniformly, and their signs
        self._found: tuple[BoolArray, FloatArray] | None = None  # the subsets and their coefficients
        self.note = "" if known.rho is not None or attack.rho is not None else "rho is not known and taken for 0"

    def steps(self) -> Steps:
        """Find the relevant bits if there is no noise, then the coefficients over them."""
        n, attack = self._n, self._attack
        bits = np.full(n, True)
        if self._scale == 1 and n > 1:
            enough = math.ceil(math.log(1 / attack.delta) / attack.eps)
            pairs = min(enough, max(1, (self._known.budget or 8 * enough) // 8))
            if 2**n > 2 * pairs:
                bits = yield from self._run(search.relevant(n, pairs, self._rng), np.full(n, True))
                if pairs < enough and not bits.all():
                    self._note_budget("eps: bits that matter may be missing")
        k, theta = int(bits.sum()), attack.theta * self._scale
        left = math.inf if self._known.budget is None else self._known.budget - self._asked
        dimension = min(k, search.subspace_dimension(theta))
        if self._scale == 1 and (k == 0 or 2**k <= min(left, 2 * (k + 1) * 2**dimension)):
            subsets, coefficients = yield from self._run(search.cube(k), bits)
            self._found = self._over_all_bits(subsets, bits), coefficients
            return
        subsets = yield from self._run(self._search(k, theta, left), bits, uniform=True)
        self._found = self._estimated(self._over_all_bits(subsets, bits))

    def _search(self, k: int, theta: float, left: float) -> search.Search[BoolArray]:
        """The search of the parameters, with fewer rows or rounds if the budget is too small for its guarantee."""
        attack = self._attack
        if attack.search == "prefix":
            suffixes, prefixes = search.prefix_plan(k, theta, attack.delta)
            if suffixes * prefixes * k > left:
                self._note_budget("theta: coefficients may be missing")
                suffixes = max(1, int(left / (prefixes * k)))
            return search.by_prefixes(k, suffixes, prefixes, theta, self._rng)
        dimension = min(k, search.subspace_dimension(theta))
        if (k + 1) * 2**dimension > left:
            self._note_budget("theta: coefficients may be missing")
            dimension = max(0, int(math.log2(max(1, left / (k + 1)))))
            theta = max(theta, 4 / 2 ** (dimension / 2))
        rounds = 1 + math.ceil(math.log2(1 / attack.delta))
        rounds = max(1, int(min(rounds, left // ((k + 1) * 2**dimension))))
        return search.by_subspaces(k, dimension, min(theta, 1.0), rounds, self._rng)

    def _note_budget(self, purpose: str) -> None:
        self.note = "; ".join(filter(None, [self.note, f"the budget is too small for {purpose}"]))

    def _run(
        self, inner: search.Search[search.T], bits: BoolArray, uniform: bool = False
    ) -> Generator[FloatArray, Array, search.T]:
        """Run a search over some of the bits, and draw the others at random.

        Args:
            inner: the search.
            bits: which bits it is over, shape (n,).
            uniform: whether all rows that it asks are uniform.
        """

        def ask(wanted: BoolArray) -> Generator[FloatArray, Array, FloatArray]:
            signs = []
            for start in range(0, len(wanted), ROWS):
                part = wanted[start : start + ROWS]
                rows = self._rng.random((len(part), self._n)) < 0.5
                rows[:, bits] = part
                answers = yield self._chart.rows(rows)
                signs.append(self._signs(answers))
                self._asked += len(rows)
                if uniform or not self._uniform:  # the first rows are uniform, or all rows
                    self._uniform.append((rows, signs[-1]))
            return np.concatenate(signs)

        return relay(inner, ask)

    def _signs(self, answers: Array) -> FloatArray:
        return np.where(answers == self._classes[0], 1.0, -1.0)

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Keep the answers to the first rows of the first batch: they are uniform."""
        if not self._uniform:
            self._uniform.append((self._chart.bits(X), self._signs(answers)))

    def _over_all_bits(self, subsets: BoolArray, bits: BoolArray) -> BoolArray:
        wide = np.zeros((len(subsets), self._n), dtype=bool)
        wide[:, bits] = subsets
        return wide

    def _estimated(self, subsets: BoolArray) -> tuple[BoolArray, FloatArray]:
        """Subsets with coefficients estimated from all uniform rows: those above half of theta and two deviations."""
        count = sum(len(rows) for rows, _ in self._uniform)
        total = np.sum([signs @ characters(rows, subsets) for rows, signs in self._uniform], axis=0)
        coefficients = total / (count * self._scale)
        kept = np.abs(coefficients) >= max(self._attack.theta / 2, 2 / (math.sqrt(count) * self._scale))
        return subsets[kept], coefficients[kept]

    def hypothesis(self) -> Estimator:
        """The expansion found; before that, one over single bits (the low-degree algorithm of Linial et al.)."""
        if not self._uniform:
            return constant(self._classes[0], self._known.domain.n_features)
        if self._found is not None:
            subsets, coefficients = self._found
        else:
            subsets, coefficients = self._estimated(np.eye(self._n + 1, self._n, -1, dtype=bool))
        if len(subsets) == 0:  # no coefficient is large: the more frequent label
            subsets = np.zeros((1, self._n), dtype=bool)
            coefficients = np.array([float(np.sum([signs.sum() for _, signs in self._uniform]))])
        wide = np.zeros((len(subsets), self._known.domain.n_features), dtype=bool)
        wide[:, self._chart.columns] = subsets
        middle = (self._known.domain.lower + self._known.domain.upper) / 2
        return FourierSign().set(wide, coefficients, middle, self._classes)
