"""Retraining attacks: uniform, line-search and adaptive."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Incompatible, Knowledge, Learner
from mex.learner import Steps
from mex.params import above, doc, one_of, whole
from mex.toolkit.kernels.learner import KernelLearner
from mex.toolkit.kernels.parameters import KernelAttack

MOST = 2_000
"""The most rows of a round: no kernel machine is fitted to more."""


@attrs.frozen(kw_only=True)
class AdaptiveRetraining(KernelAttack):
    """Spend the budget in equal rounds, with a refit after each: first a seed, then rows on the boundary of the model.

    ``strategy="adaptive"``: the seed is line search against the target in the first two rounds (``seed="line-search"``,
    as in the authors' released code), or random rows in the first (``seed="uniform"``, as in their text). Each round
    that follows bisects random pairs on the fitted model, without a query, and asks the rows found.
    ``strategy="uniform"`` asks random rows only; ``strategy="line-search"`` only bisects random pairs on the target.
    The paper has uniform rows (``sampler="uniform"``) and 5 rounds.

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=200)
    >>> learner = AdaptiveRetraining().learner(oracle.knowledge(pool=X), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.98)
    True
    """

    strategy: str = attrs.field(
        default="adaptive",
        validator=one_of("adaptive", "uniform", "line-search"),
        metadata=doc("what to ask after the seed"),
    )
    seed: str = attrs.field(
        default="line-search",
        validator=one_of("line-search", "uniform"),
        metadata=doc("for adaptive: what to ask first, two rounds of line search or one of random rows"),
    )
    rounds: int = attrs.field(
        default=5,
        validator=whole(3),
        metadata=doc("how many equal parts the budget is divided into, with a refit after each"),
    )
    precision: float = attrs.field(
        default=0.1,
        validator=above(0),
        metadata=doc(
            "distance between the two ends of a line search at its end, per root of the dimension, in standard units"
        ),
    )

    paper: ClassVar[str] = "Tramèr et al. 2016, Section 6, and the released code"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no budget to divide into rounds, or no pool to draw from."""
        if knowledge.budget is None:
            raise Incompatible("adaptive-retraining divides a budget into rounds, and this scenario sets none")
        return _Retraining(self, knowledge, rng, min(max(1, knowledge.budget // self.rounds), MOST))


class _Retraining(KernelLearner):
    def __init__(self, attack: AdaptiveRetraining, known: Knowledge, rng: np.random.Generator, part: int) -> None:
        super().__init__(attack, known, rng)
        self._retraining = attack
        self._part = part

    def queries(self) -> Steps:
        attack, part = self._retraining, self._part
        if attack.strategy == "line-search":
            yield from self._search_lines()
        elif attack.strategy == "adaptive" and attack.seed == "line-search":
            yield from self._search_lines(until=2 * part)
        elif attack.strategy == "adaptive" and self.n < part:
            yield from self.query(self.draw_unseen(part - self.n))
        while True:
            X = self.boundary_rows(part) if attack.strategy == "adaptive" else self.draw_unseen(part)
            if len(X) == 0:
                X = self.draw_unseen(part)
            if len(X) == 0:
                return
            yield from self.query(X)

    def _search_lines(self, until: float = np.inf) -> Steps:
        """Bisect between random rows of different labels, ``start`` pairs at a time, for ``until`` answers in all."""
        ends, labels = self.rows, self.machine.y
        while self.n < until and len(starts := self.draw_unseen(self._retraining.start)):
            signs = yield from self.query(starts)
            opposite = [self.rng.choice(np.flatnonzero(labels != sign)) for sign in signs]
            yield from self.bisect(starts, ends[opposite], signs, self._retraining.precision)
            ends, labels = np.concatenate([ends, starts]), np.concatenate([labels, signs])
