"""Bases for defenses that change or hide the probabilities or values of an interface, row by row."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, undefended
from mex.errors import Incompatible
from mex.target import Target
from mex.toolkit.perturbation.rules import DecisionRule, both
from mex.types import Answer, Array, BoolArray, FloatArray


class _DefendedConfidence(Defended):
    """A base for targets whose probabilities are changed or partly hidden.

    Leaves are withheld, since they would reveal the probabilities.

    Attributes:
        keeps_labels: whether the labels are those of the target behind.
    """

    keeps_labels: ClassVar[bool] = False

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Labels and probabilities, as far as the target behind gives them."""
        return tuple(kind for kind in self._target.answers if kind in ("label", "proba"))

    @property
    def rho(self) -> float | None:
        """That of the target behind if labels are kept, else None."""
        return self._target.rho if self.keeps_labels else None

    @abstractmethod
    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels that agree with them (drawn once for both), shapes (n, k) and (n,)."""

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says."""
        if kind == "label" and self.keeps_labels:
            return self._target.answer(X, kind)
        P, labels = self.both(X)
        return P if kind == "proba" else labels


class DefendedOutput(_DefendedConfidence):
    """A base for targets whose probabilities are changed; a subclass gives :meth:`defended`.

    A label is that of the target behind, unless the decision rule (for most models the most probable class) says
    another class of the changed probabilities than of the original ones; then it is that class, so that labels and
    probabilities agree. A subclass with ``keeps_labels`` never changes which class the rule says.
    """

    def __init__(self, target: Target, rule: DecisionRule | None = None) -> None:
        """Protect ``target``, whose labels follow ``rule``: by default the most probable class."""
        super().__init__(target)
        self._rule = rule or DecisionRule()

    @abstractmethod
    def defended(self, P: FloatArray, X: FloatArray) -> FloatArray:
        """Change ``P``, the probabilities of the rows ``X``, shape (n, k), to probabilities of the same shape."""

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says."""
        if kind == "proba":
            return self.defended(np.asarray(self._target.answer(X, kind), dtype=np.float64), X)
        return super().answer(X, kind)

    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels that agree with them, shapes (n, k) and (n,)."""
        P, labels = both(self._target, X)
        Q = self.defended(P, X)
        if self.keeps_labels:
            return Q, labels
        assert self.classes is not None
        before, after = self._rule(P), self._rule(Q)
        return Q, np.where(before == after, labels, self.classes[after])


class TruncatedOutput(_DefendedConfidence):
    """A base for targets that hide some of their probabilities; a subclass gives :meth:`shown`.

    The class of the label is always shown. (If a model's threshold was moved, the most probable class may be another
    one, and showing only that would reveal a second boundary.)
    """

    keeps_labels = True

    def __init__(self, target: Target, *, spread: bool) -> None:
        """Protect ``target``; ``spread`` as in :func:`conceal`."""
        super().__init__(target)
        self._spread = spread

    @abstractmethod
    def shown(self, P: FloatArray, label: BoolArray) -> BoolArray:
        """Which of ``P`` to show, shape (n, k); ``label`` marks the class of each label, which is shown anyway."""

    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels that agree with them, shapes (n, k) and (n,)."""
        P, labels = both(self._target, X)
        label = labels[:, None] == self.classes
        return conceal(P, label | self.shown(P, label), self._spread), labels


class DefendedValues(Defended):
    """A base for regressors whose values are changed; a subclass gives :meth:`defended`."""

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Values only."""
        return ("value",)

    @abstractmethod
    def defended(self, values: FloatArray, X: FloatArray) -> FloatArray:
        """Change ``values``, those of the rows ``X``, shape (n,)."""

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says."""
        return self.defended(np.asarray(self._target.answer(X, kind), dtype=np.float64), X)


def has_probabilities(target: Target, label: str) -> bool:
    """Whether there are probabilities for the defense called ``label`` to change.

    False if the model has some and a defense behind withholds them: then ``target`` needs no change.

    Raises:
        Incompatible: if the model has none, so that the defense would do nothing.
    """
    if "proba" in target.answers:
        return True
    if target.classes is None:
        raise Incompatible(f"{label} changes probabilities, and a regressor has none")
    if isinstance(target, Defended) and "proba" in undefended(target).answers:
        return False
    raise Incompatible(f"{label} changes probabilities, and this interface gives {' and '.join(target.answers)}")


def conceal(P: FloatArray, shown: BoolArray, spread: bool) -> FloatArray:
    """Hide the probabilities that are not ``shown``.

    Args:
        P: probabilities, shape (n, k).
        shown: which of them are shown, shape (n, k), at least one in each row.
        spread: whether the hidden ones of a row are replaced by their mean; otherwise they are 0, and the shown ones
            are divided by their sum (equal if that is 0).

    >>> conceal(np.array([[0.5, 0.3, 0.2]]), np.array([[True, False, False]]), spread=True)
    array([[0.5 , 0.25, 0.25]])
    """
    if not spread:
        kept = np.where(shown, P, 0.0)
        kept = np.where(kept.any(axis=1, keepdims=True), kept, shown)
        return np.asarray(kept / kept.sum(axis=1, keepdims=True))
    hidden = np.where(shown, 0.0, P)
    mean = hidden.sum(axis=1, keepdims=True) / np.maximum((~shown).sum(axis=1, keepdims=True), 1)
    # Rounding could put a mean above the largest, and so a hidden class on top.
    return np.where(shown, P, np.minimum(mean, hidden.max(axis=1, keepdims=True)))


def value_spread(target: Target, train: Rows, label: str) -> float:
    """The standard deviation of f*'s values on the training rows, for defenses in units of it.

    Raises:
        Incompatible: if there are no training rows.
    """
    if len(train.X) == 0:
        raise Incompatible(f"{label} is relative to the answers to the operator's training rows, and none are given")
    return float(np.std(undefended(target).answer(train.X, "value")))
