"""Targets: a fitted f* behind its public face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np

from mex.dataset import Dataset, Rows
from mex.domain import Domain
from mex.errors import Incompatible, UsageError
from mex.families import Family, family_of
from mex.knowledge import Knowledge, Scope
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray


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
        per row, or one per row and tree. Answers for a batch are those for the rows one by one.
        """
        ...


def _usual_answers(estimator: Estimator) -> tuple[Answer, ...]:
    if not hasattr(estimator, "classes_"):
        return ("value",)
    return ("label", "proba") if hasattr(estimator, "predict_proba") else ("label",)


def _same(X: FloatArray) -> FloatArray:
    return X


@attrs.frozen(eq=False)
class FittedTarget:
    """An undefended f*: a fitted scikit-learn estimator, or any object with ``predict``.

    Attributes:
        estimator: the fitted f*, on rows of the domain.
        encode: turns rows of the dataset into rows of the domain (the same by default; standardised
            where the interface takes standardised features).
    """

    estimator: Estimator = attrs.field(repr=False)
    domain: Domain = attrs.field(repr=False)
    family: Family
    classes: Array | None
    answers: tuple[Answer, ...]
    encode: Callable[[FloatArray], FloatArray] = attrs.field(default=_same, repr=False)
    rho: float | None = 0.0
    alarm: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def wrap(
        cls,
        estimator: Estimator,
        *,
        domain: Domain | None = None,
        family: Family | None = None,
        answers: tuple[Answer, ...] | None = None,
        encode: Callable[[FloatArray], FloatArray] = _same,
    ) -> FittedTarget:
        """Put a public face on a fitted estimator; what is not given is read off it.

        Raises:
            UsageError: if it has no ``predict``, or no domain is given and its width is unknown.
        """
        if not callable(getattr(estimator, "predict", None)):
            raise UsageError(f"a target needs a predict method, and {type(estimator).__name__} has none")
        if domain is None:
            width = getattr(estimator, "n_features_in_", None)
            if width is None:
                raise UsageError(f"{type(estimator).__name__} does not tell its number of features; give a domain")
            domain = Domain.reals(int(width))
        classes = getattr(estimator, "classes_", None)
        if answers is None:
            answers = _usual_answers(estimator)
        family = family or family_of(estimator)
        return cls(estimator, domain, family, None if classes is None else np.asarray(classes), answers, encode)

    def admit(self, X: FloatArray) -> BoolArray:
        """Every row: nobody watches."""
        return np.ones(len(X), dtype=bool)

    def __deepcopy__(self, memo: dict[int, Any]) -> FittedTarget:
        """Itself: f* is a function, and what remembers clients is a defense."""
        return self

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`Target.answer` says."""
        if kind == "proba":
            return np.asarray(self.estimator.predict_proba(X))
        if kind == "leaf":
            return np.asarray(self.estimator.apply(X))
        return np.asarray(self.estimator.predict(X))


@runtime_checkable
class Model(Protocol):
    """What a model component is: it fits a target on the operator's rows."""

    scope: ClassVar[Scope]

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """Return the unfitted estimator for a task, for attacks that learn over the same class."""
        ...

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit f* on ``train`` (rows of ``dataset``, which tells the domain and the task).

        Raises:
            Incompatible: if the model cannot learn this dataset.
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
