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
"""The largest share of labels that may follow from no rule where noise is to hide the boundary of them all."""
ROWS, BETWEEN = 2000, 500
"""Training rows, and rows between them, on which a rule is tried: of rows that it was fitted on a model is surer."""
ROUNDS, POINTS = 10, 34
"""How often, and at how many points, the line between two rows is searched for a threshold: to the last digits."""

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


def class_index(classes: Array, labels: Array) -> npt.NDArray[np.intp]:
    """Which of ``classes``, in whatever order they are, each of ``labels`` is, shape (n,)."""
    order = np.argsort(classes)
    return np.asarray(order[np.searchsorted(classes, labels, sorter=order)])


def trial_rows(target: Target, train: Rows, rng: np.random.Generator) -> FloatArray:
    """Rows to try a model on: the operator's and rows between them, shape (n, d).

    Without any, rows of the domain if there are two classes. Of more there are none then: far from the data, a model
    that lets pairs of classes vote contradicts itself.
    """
    domain = target.domain
    if not len(train.X):
        return domain.sample(0 if target.classes is None or len(target.classes) > 2 else BETWEEN, rng)
    rows = train.X[rng.permutation(len(train.X))[:ROWS]]
    return np.concatenate([rows, between_rows(rows, domain, BETWEEN, rng)])


def threshold(scored: Scored, X: FloatArray, usual: float, domain: Domain | None = None) -> float:
    """The score above which labels are the second class, as far as the rows ``X`` and rows between them tell.

    Where one threshold explains all labels, the two rows next to it are brought together until nothing lies between
    their scores; scores that come in steps, as those of trees, are cut in the middle of the gap. Otherwise it is the
    threshold that explains most of them; where none explains more than the ``usual`` one does, that one.
    """
    score, positive = scored(X)
    cut = best_cut(score, positive)
    wrong, wrong_usually = (np.sum((score > t) != positive) for t in (cut, usual))
    explained = not wrong and positive.any() and not positive.all()
    if explained:
        last, first = np.argmax(np.where(positive, -np.inf, score)), np.argmin(np.where(positive, score, np.inf))
        low, high = _narrowed(scored, X[[last, first]], (float(score[last]), float(score[first])), domain)
        return usual if low <= usual < high else _between(low, high)
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
    """A number from ``low`` on, below ``high``; either may be infinite."""
    if not np.isfinite(high):
        return low
    middle = low + (high - low) / 2 if np.isfinite(low) else float(np.nextafter(high, -np.inf))
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
