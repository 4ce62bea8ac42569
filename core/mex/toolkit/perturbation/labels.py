"""Label noise: defenses that change labels at random, with a probability known for each row."""

from __future__ import annotations

from abc import abstractmethod

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
    """A base for targets with noisy labels. They show labels only: a probability beside a changed one would tell.

    A subclass gives :attr:`_most`, :meth:`_chance` and :meth:`answer`. :attr:`rho` and :meth:`rho_at` add the noise
    of the defenses behind. Of two classes, two wrong answers make a right one, and ``rho_at`` is exact; of more,
    both count as if no two errors ever undid each other.
    """

    def __init__(self, name: str, target: Target, draws: Draws) -> None:
        """Put noise called ``name`` before ``target``.

        Raises:
            Incompatible: if the target has no labels to change.
        """
        super().__init__(target)
        self._labels, self._draws = _labels(name, target), draws

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Labels."""
        return ("label",)

    @property
    @abstractmethod
    def _most(self) -> float:
        """The largest probability with which this noise changes a label."""

    @abstractmethod
    def _chance(self, X: FloatArray) -> FloatArray:
        """The probability with which this noise changes the label of each row, shape (n,)."""

    @property
    def rho(self) -> float | None:
        """A bound on rho_D(f*, x) over all rows; None if a defense behind declares none."""
        behind = self._target.rho
        if behind is None or len(self._labels) > 2:
            return None if behind is None else 1 - (1 - behind) * (1 - self._most)
        both = behind + self._most - 2 * behind * self._most
        return max(behind, self._most, both)  # one of the two may be silent at a row

    def rho_at(self, X: FloatArray) -> FloatArray:
        """rho_D(f*, x), the probability of a wrong label (paper, equation 3), of each row, shape (n,).

        NaN if a defense behind does not declare its own.
        """
        behind, here = rho_at(self._target, X), self._chance(X)
        if len(self._labels) > 2:
            return np.asarray(1 - (1 - behind) * (1 - here))
        return np.asarray(behind + here - 2 * behind * here)


def rho_at(target: Target, X: FloatArray) -> FloatArray:
    """rho_D(f*, x) of each row of ``X``, or the declared bound on it, shape (n,); NaN if there is none."""
    if isinstance(target, LabelNoise):
        return target.rho_at(X)
    return np.full(len(X), np.nan if target.rho is None else target.rho)


def _labels(name: str, target: Target) -> Array:
    if target.classes is None:
        raise Incompatible(f"{name} changes labels, and a regressor has none")
    if "label" not in target.answers:
        raise Incompatible(f"{name} changes labels, and this interface gives {' and '.join(target.answers)}")
    return target.classes


def margins_behind(name: str, target: Target, train: Rows, rng: np.random.Generator) -> Margins:
    """The margins of the f* behind ``target``, for the defense called ``name``.

    They are tried on the rows that :func:`mex.toolkit.perturbation.rules.trial_rows` gives.

    Raises:
        Incompatible: if the target has no labels to change, or f* no margins.
    """
    _labels(name, target)
    return Margins.of(undefended(target), trial_rows(target, train, rng))


class RunnerUpNoise(LabelNoise):
    """A base for noise near the boundary of f*: it exchanges the best class of a row with the second.

    The boundary next to a row is that between these two, so they are what noise has to hide; a third class would give
    the noise away, and honest users would be further off. Another label, of a defense behind, stays as it is.
    """

    def __init__(self, name: str, target: Target, draws: Draws, margins: Margins) -> None:
        super().__init__(name, target, draws)
        self._margins = margins

    @abstractmethod
    def _chance_by(self, lead: FloatArray) -> FloatArray:
        """The probability of an exchange at a lead, shape (n,)."""

    @abstractmethod
    def _exchanges(self, X: FloatArray, ranking: Ranking) -> BoolArray:
        """Draw which rows have their two classes exchanged, shape (n,)."""

    def _chance(self, X: FloatArray) -> FloatArray:
        return self._chance_by(self._margins(X).lead)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer labels, as :meth:`mex.Target.answer` says."""
        answers, ranking = self._target.answer(X, kind), self._margins(X)
        first, second = self._labels[ranking.first], self._labels[ranking.second]
        other = np.where(answers == first, second, np.where(answers == second, first, answers))
        return np.where(self._exchanges(X, ranking), other, answers)
