"""Targets: f* behind its public face, what that face tells, and what its answers must look like."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from mex.domain import Domain
from mex.errors import AnswerError, Incompatible
from mex.knowledge import Family, Knowledge
from mex.types import Answer, Array, BoolArray, FloatArray

__all__ = [
    "Target",
    "checked_answers",
    "knowledge",
    "labels",
    "refusals",
    "shown_kinds",
    "side_by_side",
    "spread",
    "withheld",
]

SUM = 1e-5
"""How far from 1 probabilities may sum: they come as float32 from many models."""
FEW = 30
"""Labels, or classes, that are compared one by one."""


@runtime_checkable
class Target(Protocol):
    """A fitted f* as its interface shows it. A defended target is a target, so defenses nest.

    Attributes:
        domain: the rows it accepts.
        classes: its labels, or None for a regressor.
        answers: the kinds of answer it gives, the usual one first.
        family: its public class F.
        rho: a public bound on the probability of a wrong label (paper, equation 3), None if not declared.
        alarm: after how many rows a defense raised the alarm over this client, None if none did.
    """

    @property
    def domain(self) -> Domain: ...
    @property
    def classes(self) -> Array | None: ...
    @property
    def answers(self) -> tuple[Answer, ...]: ...
    @property
    def family(self) -> Family: ...
    @property
    def rho(self) -> float | None: ...
    @property
    def alarm(self) -> int | None:
        return None

    def admit(self, X: FloatArray) -> BoolArray:
        """Which rows of ``X`` are answered at all, shape (n,): a defense may refuse some, or a client.

        The oracle asks this first, once for every row sent and in order, and then only for the answers
        to the rows admitted. Without a defense that watches, all are.
        """
        return np.ones(len(X), dtype=bool)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer the rows of ``X``, shape (n, d).

        ``label`` and ``value`` give shape (n,), ``proba`` (n, number of classes), ``leaf`` one integer
        per row, or one per row and tree. Answers for a batch are those for the rows one by one. A client that
        asks for leaves is shown the label or value beside each (:func:`shown_kinds`): the row counts once.
        """
        ...


def knowledge(
    target: Target, *, answers: Answer | None = None, pool: FloatArray | None = None, budget: int | None = None
) -> Knowledge:
    """What the public face of ``target`` tells an attacker.

    Raises:
        Incompatible: if the interface does not give that kind of answer.
    """
    kind = answers or target.answers[0]
    if kind not in target.answers:
        raise Incompatible(f"this interface gives {' and '.join(target.answers)} answers, not {kind}")
    return Knowledge(
        domain=target.domain,
        classes=target.classes,
        answers=kind,
        family=target.family,
        pool=pool,
        rho=target.rho,
        budget=budget,
    )


def labels(target: Target, X: FloatArray) -> Array:
    """What an honest user reads off an interface: its label or value, else the most probable class."""
    for kind in ("label", "value"):
        if kind in target.answers:
            return target.answer(X, kind)
    assert target.classes is not None
    return np.asarray(target.classes[np.argmax(target.answer(X, "proba"), axis=1)])


def shown_kinds(kind: Answer, given: Sequence[Answer]) -> tuple[Answer, ...]:
    """The kinds of answer that a client who asks for one is shown: beside the id of a leaf its label or value.

    >>> shown_kinds("leaf", ("label", "proba", "leaf")), shown_kinds("proba", ("label", "proba", "leaf"))
    (('leaf', 'label'), ('proba',))
    """
    usual: tuple[Answer, ...] = ("label", "value")
    return (kind, *(other for other in usual if kind == "leaf" and other in given))


def side_by_side(parts: Mapping[Answer, Array]) -> Array:
    """The answers of each kind to the same rows in one array: leaves in a structured one, with a field per kind.

    >>> side_by_side({"leaf": np.array([3, 4]), "label": np.array(["a", "b"])})["label"]
    array(['a', 'b'], dtype='<U1')
    """
    if "leaf" not in parts:
        return next(iter(parts.values()))
    fields = [(kind, part.dtype, part.shape[1:]) for kind, part in parts.items()]
    together = np.empty(len(parts["leaf"]), dtype=fields)
    for kind, part in parts.items():
        together[kind] = part
    return together


def refusals(answers: Array) -> BoolArray:
    """Which answers of :meth:`Oracle.ask` are refusals, shape (n,).

    >>> refusals(np.ma.masked_array([1, 0], mask=[False, True])), refusals(np.array([1, 0]))
    (array([False,  True]), array([False, False]))
    """
    mask: Array = np.ma.getmaskarray(answers)
    if mask.dtype.names:  # of a structured array: all fields alike
        mask = mask[mask.dtype.names[0]]
    return np.asarray(mask if mask.ndim == 1 else mask.any(axis=1))


def withheld(n: int, like: Array) -> Array:
    """``n`` refusals in the form of the answers ``like``."""
    return np.ma.masked_array(np.zeros((n, *like.shape[1:]), dtype=like.dtype), mask=True)


def spread(answers: Array, admitted: BoolArray) -> Array:
    """``answers`` to the admitted rows in the places of all rows, the others masked."""
    whole = withheld(len(admitted), answers)
    whole[admitted] = answers
    return whole


def checked_answers(
    given: npt.ArrayLike, n: int, kind: Answer, classes: Array | None, who: str = "the target"
) -> Array:
    """A copy of ``given``: labels in the type of ``classes``, ids as int64, everything else as float64.

    Raises:
        AnswerError: unless it is what an interface promises for ``n`` rows; ``who`` answered.
    """
    try:
        answers = np.array(given)
    except ValueError:
        raise AnswerError(f"{who} was asked {n} rows and answered no array") from None
    if answers.ndim == 0 or len(answers) != n:
        raise AnswerError(f"{who} was asked {n} rows and answered an array of shape {answers.shape}")
    if kind == "label":
        if classes is None or answers.ndim != 1 or not _among(answers, classes):
            raise AnswerError(f"{who} answered labels that are not among the classes {classes}")
        return answers.astype(classes.dtype, copy=False)
    numbers = answers.dtype.kind in "fiub" and np.count_nonzero(np.isfinite(answers)) == answers.size
    if kind == "leaf":
        if not (numbers and answers.ndim <= 2 and (np.round(answers) == answers).all()):
            raise AnswerError(f"{who} answered leaves that are not whole numbers, one per row or one per row and tree")
        return answers.astype(np.int64, copy=False)
    if kind == "proba":
        whole = numbers and classes is not None and answers.shape == (n, len(classes))
        if whole and (answers < 0).any():
            raise AnswerError(f"{who} answered probabilities that are not between 0 and 1, such as {answers.min():g}")
        if not (whole and (abs(answers.sum(axis=1) - 1) <= SUM).all()):
            raise AnswerError(f"{who} answered probabilities that are not {n} rows, one for each class, that sum to 1")
    elif not (numbers and answers.ndim == 1):
        raise AnswerError(f"{who} answered values that are not {n} finite numbers")
    return answers.astype(np.float64, copy=False)


def _among(labels: Array, classes: Array) -> bool:
    """Whether all labels are among the classes: as ``np.isin`` has it, in a tenth of its time where either are few."""
    if len(labels) <= FEW:
        return bool((labels[:, None] == classes).any(axis=1).all())
    if len(classes) <= FEW:
        return bool(functools.reduce(np.logical_or, (labels == label for label in classes)).all())
    return bool(np.isin(labels, classes).all())
