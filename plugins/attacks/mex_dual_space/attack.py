"""Active learning in the dual space of a support vector machine."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner
from mex.learner import Steps
from mex.params import between, doc, one_of, whole
from mex.toolkit.kernels.diversity import diverse_batch
from mex.toolkit.kernels.learner import KernelLearner
from mex.toolkit.kernels.parameters import KernelAttack
from mex.types import FloatArray


@attrs.frozen(kw_only=True)
class DualSpace(KernelAttack):
    """Ask the row that halves the version space best, by the margins of a support vector machine.

    In the dual space a row is a hyperplane through the version space (the weight vectors that agree with all answers),
    and the machine is the centre of the largest ball inside it, whose radius is the margin.

    ``margin="simple"`` takes the row whose hyperplane is nearest the centre: the smallest decision value. For
    ``maxmin`` and ``ratio`` the machine is fitted with the row labelled either way; they take the row with the largest
    smaller one of the two margins, or with the largest ratio of the smaller to the larger. Only ``finalists`` rows are
    fitted: those that are best in closed form, which is exact if no other row becomes active or ceases to be. The
    margin of a soft-margin machine counts as 1 / sqrt(2 objective).

    Candidates are rows of the pool (``sampler="pool"``), as in the original, or synthesised. The rows of a batch are
    kept diverse by their angles in feature space (Brinker 2003).

    >>> import mex
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.svm import SVC
    >>> X, y = make_moons(400, noise=0.2, random_state=0)
    >>> family = mex.Family("kernel", {"kernel": "rbf", "gamma": 1.0}, SVC(gamma=1.0))
    >>> target = mex.FittedTarget.wrap(SVC(gamma=1.0).fit(X, y), domain=mex.Domain.of(X), family=family)
    >>> oracle = mex.Oracle(target, budget=60)
    >>> attack = DualSpace(margin="ratio")
    >>> learner = attack.learner(oracle.knowledge(pool=X), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X) == target.answer(X, "label")) > 0.97)
    True
    """

    margin: str = attrs.field(
        default="simple",
        validator=one_of("simple", "maxmin", "ratio"),
        metadata=doc("the criterion by which rows are chosen"),
    )
    candidates: int = attrs.field(default=300, validator=whole(1), metadata=doc("rows to choose from"))
    finalists: int = attrs.field(
        default=8, validator=whole(1), metadata=doc("for maxmin and ratio: rows with which the machine is fitted")
    )
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("rows to ask between two fits"))
    weight: float = attrs.field(
        default=0.7,
        validator=between(0, 1),
        metadata=doc("in a batch, the weight of the criterion; the rest is the weight of diversity"),
    )

    paper: ClassVar[str] = "Tong and Koller 2001; Brinker 2003 for batches; Chandrasekaran et al. 2020, Section 7.1"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no pool to draw from, or no end."""
        return _DualSpace(self, knowledge, rng)


class _DualSpace(KernelLearner):
    def __init__(self, attack: DualSpace, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(attack, known, rng)
        self._dual = attack

    def queries(self) -> Steps:
        attack = self._dual
        while len(X := self.draw_unseen(attack.candidates)):
            Z = self.encode(X)
            cost = np.abs(self.machine.decision_function(Z))
            if attack.margin != "simple":
                approximate = self._cost(self._objectives_in_closed_form(Z))
                finalists = np.argsort(approximate, kind="stable")[: max(attack.finalists, attack.batch)]
                X, Z = X[finalists], Z[finalists]
                cost = self._cost(self._objectives(Z))
            yield from self.query(X[diverse_batch(self.machine.kernel, Z, cost, attack.batch, attack.weight)])

    def _cost(self, objectives: FloatArray) -> FloatArray:
        """The criterion to minimise, shape (m,), of rows that give these objectives with either label, shape (m, 2)."""
        margins = 1 / np.sqrt(2 * np.maximum(objectives, 1e-300))
        if self._dual.margin == "maxmin":
            return np.asarray(-margins.min(axis=1))
        return np.asarray(-margins.min(axis=1) / margins.max(axis=1))

    def _objectives(self, Z: FloatArray) -> FloatArray:
        """The objective of the machine fitted with each row labelled -1 and 1, shape (m, 2)."""
        return np.array([[self.machine.objective_with(z, sign) for sign in (-1.0, 1.0)] for z in Z])

    def _objectives_in_closed_form(self, Z: FloatArray) -> FloatArray:
        """The same, exact if no other row becomes active or ceases to be."""
        machine = self.machine
        short = np.maximum(1 - np.outer(machine.decision_function(Z), [-1.0, 1.0]), 0)
        return np.asarray(machine.objective + short**2 / (2 * (machine.variance(Z)[:, None] + 1 / machine.C)))
