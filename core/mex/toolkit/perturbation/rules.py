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

UNEXPLAINED = 0.02
"""The largest share of labels that may not follow from the rule, for a defense that decides by it."""
ROWS, BETWEEN = 2000, 500
"""The most training rows, and rows between them, that a rule is checked on; on the former a model is surer."""
ROUNDS, POINTS = 10, 34
"""Rounds, and points in each, of the search for a threshold on the line between two rows; 33**10 is about 2**50."""
ROUNDING = 1e-9
"""How far a score may be rounded otherwise in another batch, or by another way to the label; of large ones, a share."""

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

        The labels of most models are the most probable classes. For two classes, a threshold may have been moved by
        hand, by tuning, or by a calibration that the labels do not follow.
        """
        classes = target.classes
        assert classes is not None

        def scored(X: FloatArray) -> tuple[FloatArray, BoolArray]:
            P, labels = both(twin(target), X)
            return P[:, 1], labels == classes[1]

        X = trial_rows(target, train, rng)
        if not len(X):
            return cls(), 0.0
        cut = threshold(scored, X, 0.5, target.domain) if len(classes) == 2 else 0.5
        rule = cls(None if cut == 0.5 else cut)
        P, labels = both(twin(target), X)
        explained = classes[rule(P)] == labels
        if rule.threshold is None:  # of classes that are as probable as each other a model may answer any
            explained |= P[np.arange(len(P)), class_index(classes, labels)] == P.max(axis=1)
        return rule, float(np.mean(~explained))


def known_rule(name: str, target: Target, train: Rows, rng: np.random.Generator) -> DecisionRule:
    """The rule of ``target``, for the defense called ``name`` that decides by changed probabilities.

    Raises:
        Incompatible: if its labels follow no rule.
    """
    rule, wrong = DecisionRule.of(target, train, rng)
    if wrong > UNEXPLAINED:
        raise Incompatible(
            f"{name} decides by changed probabilities, and {wrong:.1%} of the labels behind it follow neither the most"
            " probable class nor a threshold: put it next to the model, or show labels only and defend those"
        )
    return rule


def both(target: Target, X: FloatArray) -> tuple[FloatArray, Array]:
    """The probabilities and the labels of the rows of ``X``, shapes (n, k) and (n,).

    A target with randomness has a method ``both``, which draws once for the two; others are asked twice. If an
    interface shows no labels, they are the most probable classes.
    """
    if hasattr(target, "both"):
        P, labels = target.both(X)
        return P, labels
    P = np.asarray(target.answer(X, "proba"), dtype=np.float64)
    if "label" in target.answers:
        return P, target.answer(X, "label")
    assert target.classes is not None
    return P, np.asarray(target.classes[np.argmax(P, axis=1)])


def class_index(classes: Array, labels: Array) -> npt.NDArray[np.intp]:
    """The index of each of ``labels`` in ``classes``, which are in any order, shape (n,)."""
    order = np.argsort(classes)
    return np.asarray(order[np.searchsorted(classes, labels, sorter=order)])


def trial_rows(target: Target, train: Rows, rng: np.random.Generator) -> FloatArray:
    """Rows to check a model on: the operator's and rows between them, shape (n, d).

    Without any, rows of the domain if there are two classes. For more classes there are none then: far from the data,
    votes of pairs of classes contradict each other.
    """
    domain = target.domain
    if not len(train.X):
        return domain.sample(0 if target.classes is None or len(target.classes) > 2 else BETWEEN, rng)
    rows = train.X[rng.permutation(len(train.X))[:ROWS]]
    return np.concatenate([rows, between_rows(rows, domain, BETWEEN, rng)])


def threshold(scored: Scored, X: FloatArray, usual: float, domain: Domain | None = None) -> float:
    """The score above which labels are the second class, estimated on the rows ``X``, shape (n, d).

    If one threshold explains all labels, the line between the two rows next to it is searched until no score lies
    between those of the two classes; scores that come in steps, as those of trees, are cut in the middle of the gap.
    Otherwise it is the threshold that explains most labels, or the ``usual`` one if that explains as many.
    """
    score, positive = scored(X)
    cut = best_cut(score, positive)
    wrong, wrong_usually = (np.sum((score > t) != positive) for t in (cut, usual))
    explained = not wrong and positive.any() and not positive.all()
    if explained:
        last, first = np.argmax(np.where(positive, -np.inf, score)), np.argmin(np.where(positive, score, np.inf))
        low, high = _narrowed(scored, X[[last, first]], (float(score[last]), float(score[first])), domain)
        return usual if low - ROUNDING <= usual < high + ROUNDING else _between(low, high)
    return usual if wrong == wrong_usually else cut


def best_cut(score: FloatArray, positive: BoolArray) -> float:
    """The threshold above which most scores are ``positive`` and below which most are not, both of shape (n,).

    >>> best_cut(np.array([1.0, 2.0, 3.0, 4.0]), np.array([False, False, True, True]))
    2.5
    """
    order = np.argsort(score, kind="stable")
    score, positive = np.concatenate([[-np.inf], score[order], [np.inf]]), positive[order]
    wrong = np.append(0, np.cumsum(positive)) + np.append(np.cumsum(~positive[::-1])[::-1], 0)
    k = int(np.argmin(np.where(score[:-1] < score[1:], wrong, len(score))))  # equal scores are on one side
    return _between(float(score[k]), float(score[k + 1]))


def _between(low: float, high: float) -> float:
    """A number from ``low`` on, below ``high``; next to the other one if one of them is infinite."""
    if not np.isfinite([low, high]).all():
        end, side = (low, 1) if np.isfinite(low) else (high, -1)
        return end + side * ROUNDING * max(1.0, abs(end))
    middle = low + (high - low) / 2
    return middle if middle < high else low


def _narrowed(
    scored: Scored, ends: FloatArray, scores: tuple[float, float], domain: Domain | None
) -> tuple[float, float]:
    """The ``scores`` next to the threshold, of the first and of the second class, on the line between two rows."""
    low, high = scores
    for _ in range(ROUNDS):
        line = ends[0] + np.linspace(0, 1, POINTS)[:, None] * (ends[1] - ends[0])
        line = line if domain is None else domain.clip(line)
        score, positive = scored(line)
        if not positive.any() or positive.all():
            break
        low_here, high_here = max(low, float(score[~positive].max())), min(high, float(score[positive].min()))
        if low_here >= high_here:
            break  # no threshold on this line
        low, high = low_here, high_here
        first = int(np.argmax(positive))
        ends = line[[max(first - 1, 0), first]]
    return low, high
