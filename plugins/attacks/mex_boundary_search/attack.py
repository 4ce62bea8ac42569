"""Line search on the target, then a fit."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner
from mex.learner import Steps
from mex.params import above, doc, whole
from mex.toolkit.kernels.learner import KernelLearner
from mex.toolkit.kernels.parameters import KernelAttack


@attrs.frozen(kw_only=True)
class BoundarySearch(KernelAttack):
    """Bisect from random rows towards the nearest row of the other label, then fit all answers.

    The baseline of adaptive strategies: the queries do not depend on a model, and each boundary point costs as many
    queries as it has bits. A wrong label misleads one bisection; its row is fitted like the others.

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=200)
    >>> learner = BoundarySearch().learner(oracle.knowledge(pool=X), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.97)
    True
    """

    precision: float = attrs.field(
        default=0.1,
        validator=above(0),
        metadata=doc(
            "distance between the two ends of a search at its end, per root of the dimension, in standard units"
        ),
    )
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("searches to make side by side"))

    paper: ClassVar[str] = "Tramèr et al. 2016, Section 6 (line-search retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end."""
        return _BoundarySearch(self, knowledge, rng)


class _BoundarySearch(KernelLearner):
    def __init__(self, attack: BoundarySearch, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, known, rng)
        self._precision = attack.precision
        self._batch = attack.batch

    def queries(self) -> Steps:
        while len(starts := self.draw_unseen(self._batch)):
            signs = yield from self.query(starts)
            Z, rows, labels = self.encode(starts), self.rows, self.machine.y
            distance = ((Z[:, None] - self.machine.X) ** 2).sum(axis=2)
            distance[signs[:, None] == labels] = np.inf
            yield from self.bisect(starts, rows[np.argmin(distance, axis=1)], signs, self._precision)
