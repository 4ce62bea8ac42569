"""An undefended f*: a fitted scikit-learn estimator, any object with ``predict``, or a function, as a target."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt

from mex.answers import AnswerKind, answer_kind, given_kinds
from mex.dataset import Dataset, Rows, Table
from mex.domain import Domain
from mex.errors import RAISED_BY_MODEL, MexError, UsageError
from mex.family import family_of, without_learner
from mex.knowledge import Family, Scope
from mex.schema import Schema
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray, Function, Sealed, classes_of, read_only

__all__ = [
    "Deployed",
    "FittedTarget",
    "Model",
]

PAUSES = (0.2, 1.0)
"""Seconds before a model that could not be reached is asked again; one that raised another error, at once and once."""


def _same(X: FloatArray) -> FloatArray:
    return X


@attrs.frozen(eq=False)
class FittedTarget(Sealed):
    """An undefended f*: a fitted scikit-learn estimator, any object with ``predict``, or a function of rows.

    It is taken to remember nothing, so that rows to which it raised an error may be asked once more.

    Attributes:
        estimator: the fitted f*, on rows of the domain.
        encode: turns rows of the dataset into rows of the domain (the same by default; standardised
            where the interface takes standardised features).
        schema: the tables that the estimator takes, if it takes tables: rows of the domain are decoded into them.
    """

    estimator: Estimator = attrs.field(repr=False)
    domain: Domain = attrs.field(repr=False)
    family: Family
    classes: Array | None = attrs.field(converter=attrs.converters.optional(read_only))
    answers: tuple[Answer, ...]
    encode: Callable[[FloatArray], FloatArray] = attrs.field(default=_same, repr=False)
    rho: float | None = 0.0
    schema: Schema | None = attrs.field(default=None, repr=False)
    alarm: None = attrs.field(default=None, init=False, repr=False)

    @classmethod
    def wrap(
        cls,
        estimator: Estimator,
        *,
        domain: Domain | None = None,
        family: Family | None = None,
        classes: npt.ArrayLike | None = None,
        answers: tuple[Answer, ...] | None = None,
        encode: Callable[[FloatArray], FloatArray] = _same,
        schema: Schema | None = None,
    ) -> FittedTarget:
        """Put a public face on a fitted estimator, or a function of rows; what is not given is read off it.

        A function gives labels if there are ``classes``, unless ``answers`` says which kind it gives.

        Raises:
            UsageError: if it is no function and has no ``predict``, no domain is given and its width is unknown, or it
                classifies and no classes are given and there is no ``classes_``.
        """
        if inspect.isclass(estimator):
            raise UsageError(f"a target is an object, and {estimator.__name__} is a class: give {estimator.__name__}()")
        if not callable(getattr(estimator, "predict", None)):
            estimator, answers = _function(estimator, classes, answers)
        if domain is None and schema is not None:
            domain = schema.domain
        if domain is None:
            width = getattr(estimator, "n_features_in_", None)
            if width is None:
                raise UsageError(f"{type(estimator).__name__} does not tell its number of features; give a domain")
            domain = Domain.reals(int(width))
        labels = classes_of(estimator, classes, answers)
        if answers is None:
            classifies: tuple[Answer, ...] = ("label", "proba") if hasattr(estimator, "predict_proba") else ("label",)
            answers = (*(("value",) if labels is None else classifies), *given_kinds(estimator))
        if family is None:  # what learns tables is no learner of rows
            family = without_learner(estimator, _discrete(schema)) if schema else family_of(estimator)
        return cls(estimator, domain, family, labels, answers, encode, schema=schema)

    def admit(self, X: FloatArray) -> BoolArray:
        """Every row: nobody watches."""
        return np.ones(len(X), dtype=bool)

    def __deepcopy__(self, memo: dict[int, Any]) -> FittedTarget:
        """Itself: f* is a function, and what remembers clients is a defense."""
        return self

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`Target.answer` says; the model may do what it likes with the rows that it gets."""
        answers = self._asked(X, answer_kind(kind))
        column = answers.shape == (len(X), 1)
        if kind == "proba" and self.classes is not None and len(self.classes) == 2 and (column or answers.ndim == 1):
            p = answers.reshape(-1)  # of the second class
            return np.stack([1 - p, p], axis=1)
        return answers[:, 0] if column and kind in ("label", "value", "leaf") else answers

    def _asked(self, X: FloatArray, kind: AnswerKind) -> Array:
        """What the estimator answers, which is asked again if it raises an error of its own."""
        failures = 0
        while True:
            try:
                return self._attempt(X.copy() if self.schema is None else self.schema.decode(X), kind)
            except MexError:
                raise
            except Exception as error:
                pauses = PAUSES if isinstance(error, OSError) else (0.0,)
                if failures >= len(pauses):
                    error.add_note(f"{RAISED_BY_MODEL}, which was asked {len(X)} rows")
                    raise
                time.sleep(pauses[failures])
                failures += 1

    def _attempt(self, rows: Any, kind: AnswerKind) -> Array:
        return kind.asked(self.estimator, rows)


def _function(
    given: Any, classes: npt.ArrayLike | None, answers: tuple[Answer, ...] | None
) -> tuple[Function, tuple[Answer, ...]]:
    """A function as an estimator, and the kind of its answers."""
    if not callable(given):
        raise UsageError(f"a target needs a predict method, and {type(given).__name__} has none, nor is it a function")
    if answers is None and classes is None:
        raise UsageError("a function does not tell what it answers: give classes=[...] for labels, or answers='value'")
    kinds: tuple[Answer, ...] = answers or ("label",)
    if len(kinds) > 1:
        raise UsageError(f"a function gives answers of one kind, not {' and '.join(kinds)}")
    return Function(given), kinds


def _discrete(schema: Schema) -> list[str | int]:
    """The columns that are categories or truth values."""
    return [column.name for column in schema.columns if column.values]


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


@runtime_checkable
class Deployed(Protocol):
    """A model component whose f* is there already, in a file, as an object, behind an endpoint: it is opened."""

    scope: ClassVar[Scope]

    def open(self, table: Table | None) -> FittedTarget:
        """Open f*; ``table`` shows the tables that its users send, and its :attr:`~FittedTarget.schema` encodes them.

        Nothing is learned from the table: it tells kinds, levels and ranges of columns that f* itself does not tell.
        Without one, what f* itself tells has to do.

        Raises:
            UsageError: if f* cannot be opened, or the table has not the columns that it takes.
        """
        ...
