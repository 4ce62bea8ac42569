"""Targets: f* behind its public face, what that face tells, and refusals among its answers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from mex.answers import USUAL, answer_kind, checked_answers
from mex.domain import Domain
from mex.errors import Incompatible
from mex.knowledge import Family, Knowledge
from mex.types import Answer, Array, BoolArray, FloatArray

__all__ = [
    "Target",
    "knowledge",
    "labels",
    "refusals",
    "spread",
    "withheld",
]


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
        per row, or one per row and tree; kinds of plugins as they say (:class:`mex.answers.AnswerKind`). Answers for a
        batch are those for the rows one by one. A client that asks for leaves is shown the label or value beside each
        (:func:`mex.answers.shown_kinds`): the row counts once.
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
    """What an honest user reads off an interface: its label or value, else what another kind of answer tells of it.

    Of probabilities that is the most probable class.

    Raises:
        AnswerError: if the target answers something that its interface does not allow.
        Incompatible: if the interface gives none that tells it.
    """
    for kind in (*(usual for usual in USUAL if usual in target.answers), *target.answers):
        if (read := answer_kind(kind).labels) is not None:
            return read(checked_answers(target.answer(X, kind), len(X), kind, target.classes), target.classes)
    raise Incompatible(f"{' and '.join(target.answers)} answers tell no label or value")


def refusals(answers: Array) -> BoolArray:
    """Which answers of :meth:`Oracle.ask` are refusals, shape (n,).

    >>> refusals(np.ma.masked_array([1, 0], mask=[False, True])), refusals(np.array([1, 0]))
    (array([False,  True]), array([False, False]))
    """
    if np.ma.getmask(answers) is np.ma.nomask:
        return np.zeros(len(answers), dtype=bool)
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
