"""Label noise: bases for defenses that change labels at random, with a known probability for each row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np

from mex.dataset import Rows
from mex.defense import Defended, undefended
from mex.errors import Incompatible
from mex.target import Target
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.margins import Margins, Ranking
from mex.toolkit.perturbation.rules import trial_rows
from mex.types import Answer, Array, BoolArray, FloatArray


class LabelNoise(Defended):
    """A base for targets with noisy labels. They give labels only, since probabilities would tell which were changed.

    A subclass gives :attr:`most`, :meth:`chance` and :meth:`answer`, which draws from ``self._draws``. :attr:`rho` and
    :meth:`rho_at` include the noise of the defenses behind. For two classes, two errors cancel and ``rho_at`` is exact;
    for more it is an upper bound, which assumes that they never do.
    """

    def __init__(self, name: str, target: Target, draws: Draws) -> None:
        """Protect ``target``; ``name`` is the defense's name, for errors.

        Raises:
            Incompatible: if the target has no labels to change.
        """
        super().__init__(target)
        self._labels = _labels(name, target)
        self._draws = draws

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Labels only."""
        return ("label",)

    @property
    @abstractmethod
    def most(self) -> float:
        """The largest probability with which this noise changes a label."""

    @abstractmethod
    def chance(self, X: FloatArray) -> FloatArray:
        """The probability with which this noise changes the label of each row, shape (n,)."""

    @property
    def rho(self) -> float | None:
        """A bound on rho_D(f*, x) over all rows; None if a defense behind declares none."""
        behind = self._target.rho
        if behind is None or len(self._labels) > 2:
            return None if behind is None else 1 - (1 - behind) * (1 - self.most)
        both = behind + self.most - 2 * behind * self.most
        return max(behind, self.most, both)  # at a row, one of the two may never change the label

    def rho_at(self, X: FloatArray) -> FloatArray:
        """rho_D(f*, x), the probability of a wrong label (paper, equation 3), of each row, shape (n,).

        NaN if a defense behind does not declare its own.
        """
        behind, here = rho_at(self._target, X), self.chance(X)
        if len(self._labels) > 2:
            return np.asarray(1 - (1 - behind) * (1 - here))
        return np.asarray(behind + here - 2 * behind * here)


def rho_at(target: Target, X: FloatArray) -> FloatArray:
    """rho_D(f*, x) of each row of ``X``, shape (n,): what a method ``rho_at`` of the target says, of whatever base.

    Else the declared bound on it; NaN if there is none.
    """
    stated: Callable[[FloatArray], FloatArray] | None = getattr(target, "rho_at", None)
    if stated is not None:
        return stated(X)
    return np.full(len(X), np.nan if target.rho is None else target.rho)


def _labels(name: str, target: Target) -> Array:
    if target.classes is None:
        raise Incompatible(f"{name} changes labels, and a regressor has none")
    if "label" not in target.answers:
        raise Incompatible(f"{name} changes labels, and this interface gives {' and '.join(target.answers)}")
    return target.classes


def margins_behind(name: str, target: Target, train: Rows, rng: np.random.Generator) -> Margins:
    """The margins of the f* behind ``target``, for the defense called ``name``.

    They are checked on the rows of :func:`mex.toolkit.perturbation.rules.trial_rows`.

    Raises:
        Incompatible: if the target has no labels to change, or f* no margins.
    """
    _labels(name, target)
    return Margins.of(undefended(target), trial_rows(target, train, rng))


class RunnerUpNoise(LabelNoise):
    """A base for noise near the boundary of f*, which exchanges the best class of a row with the second.

    The boundary next to a row is that between these two classes. Any other label, which a defense behind may give,
    stays as it is.
    """

    def __init__(self, name: str, target: Target, draws: Draws, margins: Margins) -> None:
        super().__init__(name, target, draws)
        self._margins = margins

    @abstractmethod
    def chance_by(self, lead: FloatArray) -> FloatArray:
        """The probability of an exchange at each lead, shape (n,)."""

    @abstractmethod
    def exchanges(self, X: FloatArray, ranking: Ranking) -> BoolArray:
        """Draw which rows have their two classes exchanged, shape (n,)."""

    def chance(self, X: FloatArray) -> FloatArray:
        return self.chance_by(self._margins(X).lead)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer labels, as :meth:`mex.Target.answer` says."""
        answers, ranking = self._target.answer(X, kind), self._margins(X)
        first, second = self._labels[ranking.first], self._labels[ranking.second]
        other = np.where(answers == first, second, np.where(answers == second, first, answers))
        return np.where(self.exchanges(X, ranking), other, answers)
