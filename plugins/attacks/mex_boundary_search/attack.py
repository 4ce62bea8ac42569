"""Points bisected to the boundary of the target, then a fit: the baseline of line search."""

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

    What line search makes of the answers, without a model in the loop: each crossing costs as many queries as
    it has bits, wherever it is, which is what adaptive strategies save. Ways go through rows that the
    interface accepts; a label that is wrong leads a search astray, and is a labelled row all the same.

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=200)
    >>> stolen = mex.extract(oracle, BoundarySearch().learner(oracle.knowledge(pool=X), np.random.default_rng(0)))
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.97)
    True
    """

    precision: float = attrs.field(
        default=0.1,
        validator=above(0),
        metadata=doc("how near the ends of a search come, per root of the dimension, in standard units"),
    )
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("searches to make at once"))

    paper: ClassVar[str] = "Tramèr et al. 2016, Section 6 (line-search retraining)"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end."""
        return _BoundarySearch(self, knowledge, rng)


class _BoundarySearch(KernelLearner):
    def __init__(self, attack: BoundarySearch, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, known, rng)
        self._precision, self._batch = attack.precision, attack.batch

    def rounds(self) -> Steps:
        """Search after search."""
        while len(starts := self.candidates(self._batch)):
            signs = yield from self.query(starts)
            Z, rows, labels = self.encode(starts), self.rows, self.machine.y
            distance = ((Z[:, None] - self.machine.X) ** 2).sum(axis=2)
            distance[signs[:, None] == labels] = np.inf
            yield from self.search(starts, rows[np.argmin(distance, axis=1)], signs, self._precision)
