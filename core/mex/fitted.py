"""An undefended f*: a fitted scikit-learn estimator, or any object with ``predict``, as a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt

from mex.dataset import Dataset, Rows, Table
from mex.domain import Domain
from mex.errors import UsageError
from mex.family import family_of, without_learner
from mex.knowledge import Family, Scope
from mex.schema import Schema
from mex.types import Answer, Array, BoolArray, Estimator, FloatArray, Sealed, read_only

__all__ = [
    "Deployed",
    "FittedTarget",
    "Model",
]


def _same(X: FloatArray) -> FloatArray:
    return X


@attrs.frozen(eq=False)
class FittedTarget(Sealed):
    """An undefended f*: a fitted scikit-learn estimator, or any object with ``predict``.

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
        """Put a public face on a fitted estimator; what is not given is read off it.

        Raises:
            UsageError: if it has no ``predict``, no domain is given and its width is unknown, or it classifies and no
                classes are given and there is no ``classes_``.
        """
        if not callable(getattr(estimator, "predict", None)):
            raise UsageError(f"a target needs a predict method, and {type(estimator).__name__} has none")
        if domain is None and schema is not None:
            domain = schema.domain
        if domain is None:
            width = getattr(estimator, "n_features_in_", None)
            if width is None:
                raise UsageError(f"{type(estimator).__name__} does not tell its number of features; give a domain")
            domain = Domain.reals(int(width))
        labels = _classes(estimator, classes, answers)
        if answers is None:
            classifies: tuple[Answer, ...] = ("label", "proba") if hasattr(estimator, "predict_proba") else ("label",)
            answers = ("value",) if labels is None else classifies
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
        rows = X.copy() if self.schema is None else self.schema.decode(X)
        if kind == "proba":
            return np.asarray(self.estimator.predict_proba(rows))
        if kind == "leaf":
            return np.asarray(self.estimator.apply(rows))
        answers = np.asarray(self.estimator.predict(rows))
        return answers[:, 0] if answers.shape == (len(X), 1) else answers  # a column is a label a row all the same


def _discrete(schema: Schema) -> list[str | int]:
    """The columns that are categories or truth values."""
    return [column.name for column in schema.columns if column.values]


def _classes(estimator: Estimator, given: npt.ArrayLike | None, answers: tuple[Answer, ...] | None) -> Array | None:
    """The labels of a classifier, None for a regressor; those ``given``, else its own."""
    found, name = getattr(estimator, "classes_", None) if given is None else given, type(estimator).__name__
    if isinstance(found, list) and any(np.ndim(part) for part in found):
        raise UsageError(f"{name} answers {len(found)} labels at once; a target answers one")
    if found is not None and np.size(found):
        return np.asarray(found)
    if _classifies(estimator, found) if answers is None else not {"label", "proba"}.isdisjoint(answers):
        raise UsageError(
            f"{name} answers with labels and does not say which there are; "
            "give classes=[...], in the order of its probabilities if it has any"
        )
    return None


def _classifies(estimator: Estimator, classes: object) -> bool:
    """Whether an estimator without classes is a classifier: as it says, else as its methods do."""
    try:
        kind = estimator.__sklearn_tags__().estimator_type
    except Exception:  # other libraries' estimators, and older ones
        kind = getattr(estimator, "_estimator_type", None)
    if kind is not None:
        return kind in ("classifier", "outlier_detector")
    # An empty ``classes_`` is that of a regressor which shares its class with classifiers.
    return classes is None and any(hasattr(estimator, name) for name in ("predict_proba", "decision_function"))


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
