"""Deceptive perturbation of probabilities."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from scipy.special import expit, logit

from mex import Incompatible, Scope, Target
from mex.dataset import Rows
from mex.params import between, doc
from mex.toolkit.perturbation.inversion import Bounds, solve_increasing
from mex.toolkit.perturbation.outputs import DefendedOutput, has_probabilities
from mex.types import FloatArray

MOST_LOGIT, POINTS = 40.0, 4001
"""The grid on which the logit with the largest answer is searched; beyond it probabilities are 1 in floats."""


@attrs.frozen(kw_only=True)
class ReverseSigmoid:
    """Subtract a sigmoid of its logit from every probability, so that two different logits get the same answer.

    With s the sigmoid, r(y) = beta (s(gamma logit(y)) - 1/2), and the answer is y - r(y), divided by its sum. For gamma
    below 1 it is not monotone: most answers have two logits. The paper keeps the label; if for several classes the
    formula makes another class the largest, the two are exchanged.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex import FittedTarget
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> target = FittedTarget.wrap(DecisionTreeClassifier(random_state=0).fit(X, y))
    >>> defended = ReverseSigmoid(beta=0.6).protect(target, Rows(X, y), np.random.default_rng(0))
    >>> target.answer(X[:1], "proba"), defended.answer(X[:1], "proba").round(2)
    (array([[1., 0.]]), array([[0.7, 0.3]]))
    """

    beta: float = attrs.field(
        default=0.7,
        validator=between(0, 0.99),
        metadata=doc("magnitude of the perturbation; at 1 a probability of 1 would become a tie"),
    )
    gamma: float = attrs.field(
        default=0.2, validator=between(0, 1), metadata=doc("steepness of the perturbation near an even answer")
    )

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"))
    paper: ClassVar[str] = (
        "Lee, Edwards, Molloy and Su 2019, Defending Against Neural Network Model Stealing Attacks "
        "Using Deceptive Perturbations"
    )

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target with perturbed probabilities; nothing is random."""
        if not has_probabilities(target, "reverse-sigmoid"):
            return target
        return _Deceptive(target, self.beta, self.gamma)

    def bounds(self, answers: FloatArray) -> Bounds:
        """Between what the probabilities of two classes behind ``answers`` are: :class:`.Invertible`.

        The answer s(x) - beta (s(gamma x) - 1/2) to a logit x rises from 1/2 at 0 and, for gamma below 1, falls again
        towards 1 - beta / 2. An answer below that has one logit; another one has two, one on each side of the turn.

        Raises:
            Incompatible: for more classes. There the sum that divides the answers is not told, and a small probability
                has the answer of a larger one, so that an answer has several rows of probabilities of different order.
        """
        if answers.ndim != 2 or answers.shape[1] != 2:
            what = "gives values" if answers.ndim != 2 else f"has {answers.shape[1]}"
            raise Incompatible(f"reverse-sigmoid is inverted for two classes, and this model {what}")

        def answer(x: FloatArray) -> FloatArray:
            return np.asarray(expit(x) - self.beta * (expit(self.gamma * x) - 0.5))

        def falling(x: FloatArray) -> FloatArray:
            return -answer(x)

        grid = np.linspace(0, MOST_LOGIT, POINTS)
        last = 1 - self.beta / 2 if 0 < self.gamma < 1 else 1.0
        turn = grid[np.argmax(answer(grid))]
        second = answers[:, 1] > answers[:, 0]
        shown = answers.max(axis=1)
        spacing = grid[1]  # to which the turn is known
        least = expit(solve_increasing(answer, shown, 0.0, max(turn - spacing, 0.0)))
        most = expit(solve_increasing(falling, -shown, turn + spacing, MOST_LOGIT))
        most = np.where(shown < min(last, answer(turn)), least, most)
        low = np.stack([np.where(second, 1 - most, least), np.where(second, least, 1 - most)], axis=1)
        high = np.stack([np.where(second, 1 - least, most), np.where(second, most, 1 - least)], axis=1)
        return low, high


class _Deceptive(DefendedOutput):
    keeps_labels = True

    def __init__(self, target: Target, beta: float, gamma: float) -> None:
        super().__init__(target)
        self._beta = beta
        self._gamma = gamma

    def defended(self, P: FloatArray, X: FloatArray) -> FloatArray:
        return with_top_kept(P, reversed_sigmoid(P, self._beta, self._gamma))


def reversed_sigmoid(P: FloatArray, beta: float, gamma: float) -> FloatArray:
    """The perturbed and renormalised probabilities, shape (n, k); for beta at most 1 none is below 0."""
    with np.errstate(divide="ignore"):  # logit(0) and logit(1) are infinite, as they should be
        perturbed = P - beta * (expit(gamma * logit(P)) - 0.5) if gamma else P
    return np.asarray(perturbed / perturbed.sum(axis=1, keepdims=True))


def with_top_kept(P: FloatArray, Q: FloatArray) -> FloatArray:
    """``Q`` with its largest probability exchanged with that of the largest class of ``P``.

    >>> with_top_kept(np.array([[0.4, 0.3, 0.3]]), np.array([[0.3, 0.5, 0.2]]))
    array([[0.5, 0.3, 0.2]])
    """
    rows, top, now = np.arange(len(P)), np.argmax(P, axis=1), np.argmax(Q, axis=1)
    kept = Q.copy()
    kept[rows, now], kept[rows, top] = Q[rows, top], Q[rows, now]
    return kept
