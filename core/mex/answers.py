"""Answers: what an interface promises, and the rows it refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mex.errors import AnswerError
from mex.knowledge import Knowledge
from mex.types import Array, BoolArray


def refusals(answers: Array) -> BoolArray:
    """Which answers of :meth:`Oracle.ask` are refusals, shape (n,).

    >>> refusals(np.ma.masked_array([1, 0], mask=[False, True])), refusals(np.array([1, 0]))
    (array([False,  True]), array([False, False]))
    """
    mask = np.ma.getmaskarray(answers)
    return np.asarray(mask if mask.ndim == 1 else mask.any(axis=1))


def spread(answers: Array, admitted: BoolArray) -> Array:
    """``answers`` to the admitted rows in the places of all rows, the others masked."""
    if admitted.all():
        return answers
    whole = np.ma.masked_array(np.zeros((len(admitted), *answers.shape[1:]), dtype=answers.dtype), mask=True)
    whole[admitted] = answers
    return whole


def checked_answers(given: npt.ArrayLike, n: int, known: Knowledge) -> Array:
    """A copy of ``given``; raises :class:`AnswerError` unless it is what the interface promises for ``n`` rows."""
    try:
        answers = np.array(given)
    except ValueError:
        raise AnswerError(f"the target was asked {n} rows and answered no array") from None
    if answers.ndim == 0 or len(answers) != n:
        raise AnswerError(f"the target was asked {n} rows and answered an array of shape {answers.shape}")
    numbers = answers.dtype.kind in "fiub" and bool(np.isfinite(answers).all())
    if known.answers == "label":
        if known.classes is None or answers.ndim != 1 or not np.isin(answers, known.classes).all():
            raise AnswerError(f"the target answered labels that are not among its classes {known.classes}")
    elif known.answers == "proba":
        k = 0 if known.classes is None else len(known.classes)
        whole = numbers and answers.shape == (n, k) and (answers >= 0).all()
        if not (whole and np.allclose(answers.sum(axis=1), 1, atol=1e-6)):
            raise AnswerError(f"the target's probabilities are not {n} rows of {k} that sum to 1")
    elif known.answers == "leaf":
        if not (numbers and answers.ndim <= 2 and (np.round(answers) == answers).all()):
            raise AnswerError("the target's leaves are not whole numbers, one per row or one per row and tree")
    elif not (numbers and answers.ndim == 1):
        raise AnswerError(f"the target's values are not {n} finite numbers")
    return answers
