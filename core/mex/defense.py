"""Defenses: what answers instead of f*."""

from __future__ import annotations

import copy
import functools
import operator
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np

from mex.answers import OURS
from mex.dataset import Rows
from mex.domain import Domain
from mex.errors import Incompatible
from mex.fitted import FittedTarget
from mex.knowledge import Family, Scope
from mex.target import Target
from mex.types import Answer, Array, BoolArray, FloatArray

__all__ = [
    "Defended",
    "Defense",
    "Nested",
    "twin",
    "undefended",
]


@runtime_checkable
class Defense(Protocol):
    """What a defense component is: given what an honest operator has, it returns a defended target."""

    scope: ClassVar[Scope]

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Return a target that answers instead of ``target``.

        ``train`` holds the operator's rows as the interface takes them. Draws come from ``rng`` only, a
        row at a time, so that the answers for a batch are those for its rows one by one.

        Raises:
            Incompatible: if it cannot protect this target.
        """
        ...


class Defended(ABC):
    """A base for defended targets: the public face of the target behind, and your own :meth:`answer`.

    For subclasses ``self._target`` is the target behind. What is protected shows in no attribute without an underscore.
    A subclass narrows :attr:`answers` if it does not protect every kind, and overrides :attr:`rho`. One that remembers
    its client overrides :meth:`admit`, and :attr:`memory` with its setter.

    Attributes:
        every_kind: whether it protects kinds of answer that it does not know, as one does that changes, counts or
            refuses rows. Otherwise those of plugins are withheld, unless :attr:`answers` names them.
    """

    every_kind: ClassVar[bool] = False

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def domain(self) -> Domain:
        """The domain of the target behind."""
        return self._target.domain

    @property
    def classes(self) -> Array | None:
        """The labels of the target behind."""
        return self._target.classes

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The kinds of answer given."""
        return tuple(kind for kind in self._target.answers if self.every_kind or kind in OURS)

    @property
    def family(self) -> Family:
        """The public class F."""
        return self._target.family

    @property
    def rho(self) -> float | None:
        """The declared bound on the probability of a wrong label; unknown unless overridden."""
        return None

    @property
    def alarm(self) -> int | None:
        """After how many rows a defense raised the alarm over this client; None if none did."""
        return self._target.alarm

    @property
    def memory(self) -> Any:
        """What it remembers of its client, the target behind left out: JSON-ready, None for nothing.

        A server with many clients keeps it for each of them, and sets it before a client is asked for again.
        """
        return None

    @memory.setter
    def memory(self, memory: Any) -> None:
        assert memory is None, f"{type(self).__name__} remembers nothing"

    def unanswered(self, rows: int) -> None:  # noqa: B027 (most have no limit)
        """So many rows that were admitted last have not been answered after all: a limit gives them back."""

    def admit(self, X: FloatArray) -> BoolArray:
        """Which rows are answered at all, shape (n,); by default those that the target behind admits."""
        return self._target.admit(X)

    @abstractmethod
    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says."""


@attrs.frozen
class Nested:
    """Several defenses, the first nearest to the model."""

    nest: tuple[Defense, ...]

    @property
    def scope(self) -> Scope:
        """What all of them work on.

        Raises:
            Incompatible: if there is nothing.
        """
        return functools.reduce(operator.and_, (defense.scope for defense in self.nest))

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Protect with each defense in turn, each with a stream of its own."""
        for defense, stream in zip(self.nest, rng.spawn(len(self.nest)), strict=True):
            target = defense.protect(target, train, stream)
        return target


def undefended(target: Target) -> FittedTarget:
    """The f* behind ``target``, for defenses that look at more of it than its answers: an operator has it.

    Raises:
        Incompatible: if what stands behind is not a fitted model.
    """
    while isinstance(target, Defended):
        target = target._target
    if not isinstance(target, FittedTarget):
        raise Incompatible(f"this defense needs the model itself, and {type(target).__name__} does not show it")
    return target


def twin(target: Target, instead: tuple[Target, Target] | None = None) -> Target:
    """A copy in the same state, for honest users: asking it leaves the attacker's answers as they were.

    Of a pair ``instead`` the copy has the second wherever ``target`` has the first.
    """
    return copy.deepcopy(target, {} if instead is None else {id(instead[0]): instead[1]})
