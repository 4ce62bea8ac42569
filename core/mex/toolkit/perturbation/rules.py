"""Decision rules: how the labels of a classifier follow from its scores or probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from mex.dataset import Rows
from mex.defense import twin
from mex.domain import Domain
from mex.errors import Incompatible
from mex.target import Target
from mex.toolkit.active.samplers import between_rows
from mex.types import Array, BoolArray, FloatArray

UNEXPLAINED = 0.05
"""The largest share of labels that may follow from no rule where noise is to hide the boundary of them all."""
ROWS, BETWEEN = 2000, 500
"""Training rows, and rows between them, on which a rule is tried: of rows that it was fitted on a model is surer."""
BISECTIONS = 60

Scored: TypeAlias = Callable[[FloatArray], tuple[FloatArray, BoolArray]]
"""The score of each row, shape (n,), and whether its label is the second class, shape (n,)."""


@attrs.frozen
class DecisionRule:
    """The label of a row of probabilities: the most probable class, or the second of two above a threshold.

    >>> P = np.array([[0.2, 0.8], [0.6, 0.4]])
    >>> DecisionRule()(P), DecisionRule(threshold=0.9)(P)
    (array([1, 0]), array([0, 0]))
    """

    threshold: float | None = None

    def __call__(self, P: FloatArray) -> npt.NDArray[np.intp]:
        """The index of the class of each row of ``P``, shape (n, k)."""
        return np.argmax(P, axis=1) if self.threshold is None else (P[:, 1] > self.threshold).astype(np.intp)

    @classmethod
    def of(cls, target: Target, train: Rows, rng: np.random.Generator) -> tuple[DecisionRule, float]:
        """The rule that explains most labels of ``target``, and the share of labels that it does not explain.

        The labels of most models are the most probable classes; of two classes, a threshold may have been moved by
        hand, by tuning, or by a calibration that the labels do not follow.
        """
        classes = target.classes
        assert classes is not None
        X = trial_rows(target.domain, train, rng)
        P, labels = both(twin(target), X)
        rule, wrong = cls(), float(np.mean(classes[np.argmax(P, axis=1)] != labels))
        if wrong and len(classes) == 2:

            def scored(X: FloatArray) -> tuple[FloatArray, BoolArray]:
                P, labels = both(twin(target), X)
                return P[:, 1], labels == classes[1]

            moved = cls(threshold(scored, X, target.domain))
            still_wrong = float(np.mean(classes[moved(P)] != labels))
            rule, wrong = (moved, still_wrong) if still_wrong < wrong else (rule, wrong)
        return rule, wrong


def known_rule(name: str, target: Target, train: Rows, rng: np.random.Generator) -> DecisionRule:
    """The rule of ``target``, for the defense called ``name`` that decides by changed probabilities.

    Raises:
        Incompatible: if its labels follow no rule.
    """
    rule, wrong = DecisionRule.of(target, train, rng)
    if wrong > UNEXPLAINED:
        raise Incompatible(
            f"{name} decides by changed probabilities, and {wrong:.1%} of the labels of this model do not follow from"
            f" its own; the labels alone can be defended: nest label-only with a defense of labels"
        )
    return rule


def both(target: Target, X: FloatArray) -> tuple[FloatArray, Array]:
    """The probabilities of the rows of ``X`` and the labels beside them, shapes (n, k) and (n,).

    A target that draws for each question has a method ``both``, which draws once for the two; others are asked twice.
    Where an interface shows no labels, they are the most probable classes.
    """
    if hasattr(target, "both"):
        P, labels = target.both(X)
        return P, labels
    P = np.asarray(target.answer(X, "proba"), dtype=np.float64)
    if "label" in target.answers:
        return P, target.answer(X, "label")
    assert target.classes is not None
    return P, np.asarray(target.classes[np.argmax(P, axis=1)])


def trial_rows(domain: Domain, train: Rows, rng: np.random.Generator) -> FloatArray:
    """Rows to try a model on: the operator's and rows between them; without any, rows of the domain, shape (n, d)."""
    if not len(train.X):
        return domain.sample(BETWEEN, rng)
    rows = train.X[rng.permutation(len(train.X))[:ROWS]]
    return np.concatenate([rows, between_rows(rows, domain, BETWEEN, rng)])


def threshold(scored: Scored, X: FloatArray, domain: Domain | None = None) -> float:
    """The score above which labels are the second class, as far as the rows ``X`` and rows between them tell.

    Where one explains all labels, the two rows next to it are brought together until nothing lies between their
    scores; scores that come in steps, as those of trees, are cut in the middle of the gap. Otherwise it is the
    threshold that explains most of them.
    """
    score, positive = scored(X)
    order = np.argsort(score, kind="stable")
    score, positive = score[order], positive[order]
    below = np.append(-np.inf, score)
    possible = below < np.append(score, np.inf)  # equal scores are on one side
    wrong = np.append(0, np.cumsum(positive)) + np.append(np.cumsum(~positive[::-1])[::-1], 0)
    k = int(np.argmin(np.where(possible, wrong, len(X) + 1)))
    if k == 0:
        return float(np.nextafter(score[0], -np.inf))
    low, high = float(score[k - 1]), float(score[k]) if k < len(X) else np.inf
    if k == len(X) or wrong[k]:
        return low if k == len(X) else low + (high - low) / 2
    a, b = X[order[k - 1]], X[order[k]]
    for _ in range(BISECTIONS):
        middle = (a + b)[None] / 2 if domain is None else domain.clip((a + b)[None] / 2)
        between, second = scored(middle)
        at = float(between[0])
        if at >= high if not second[0] else at <= low:
            break  # no threshold after all
        a, b = (a, middle[0]) if second[0] else (middle[0], b)
        low, high = (low, min(high, at)) if second[0] else (max(low, at), high)
    cut = low + (high - low) / 2
    return cut if cut < high else low
