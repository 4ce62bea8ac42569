"""What signatures share: names of types, what estimators are, arrays that are lent, streams of random numbers."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from mex.errors import AnswerError, UsageError

__all__ = [
    "Answer",
    "Array",
    "BoolArray",
    "Estimator",
    "FloatArray",
    "Function",
    "Sealed",
    "classes_of",
    "dense",
    "kind_of",
    "read_only",
    "stream",
]

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Answer: TypeAlias = str
"""The name of a kind of answer: ``label``, ``proba``, ``leaf``, ``value``, or one of a plugin (:mod:`mex.answers`)."""

Estimator: TypeAlias = Any
"""A scikit-learn estimator (scikit-learn publishes no types)."""


GROUPING = ("clusterer", "density_estimator")
"""Kinds of estimators whose answers are the numbers of groups: no values, although they have no classes."""


class Function:
    """A function as an estimator: it is given rows, shape (n, d), or tables, and gives one answer a row, of one kind.

    >>> Function(lambda X: (X[:, 0] > 1).astype(int)).predict(np.array([[0.0, 5.0], [2.0, 5.0]]))
    array([0, 1])
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def predict(self, rows: Any) -> Array:
        """What the function answers: labels or values, shape (n,), probabilities, or leaves.

        Raises:
            UsageError: if it takes one row at a time.
            AnswerError: if it does not give one answer a row.
        """
        n = len(rows)
        if n > 1 and np.shape(rows) == (n, n):  # here an answer for each column would look like one for each row
            return np.concatenate([self.predict(rows[:1]), self.predict(rows[1:])])
        try:
            answers = np.asarray(self.function(rows))
        except Exception as error:
            self._check_takes_many(rows, error)
            raise
        if answers.ndim == 0 or len(answers) != n:
            self._check_takes_many(rows)
            asked = f"the function was given rows of shape {np.shape(rows)}"
            raise AnswerError(
                f"{asked} and answered an array of shape {answers.shape}: it has to give one answer a row"
            )
        return answers

    predict_proba = apply = predict

    def _check_takes_many(self, rows: Any, error: Exception | None = None) -> None:
        """Raise :class:`UsageError` if it has one answer when it is given one row alone."""
        alone = None
        with contextlib.suppress(Exception):
            alone = np.size(self.function(rows[0]))
        if alone == 1:
            raise UsageError(
                f"a function is given many rows at once, shape (n, {rows.shape[1]}), and this one takes one row: "
                "give lambda X: [function(x) for x in X]"
            ) from error


def classes_of(estimator: Estimator, given: npt.ArrayLike | None, answers: tuple[Answer, ...] | None) -> Array | None:
    """The labels of a classifier, None for a regressor; those ``given``, else its own.

    Raises:
        UsageError: if it classifies and does not say what, or answers with several labels a row.
    """
    found, name = getattr(estimator, "classes_", None) if given is None else given, type(estimator).__name__
    if isinstance(found, list) and any(np.ndim(part) for part in found):
        raise UsageError(f"{name} answers {len(found)} labels at once; a target answers one")
    if found is not None and np.size(found):
        return np.asarray(found)
    if kind_of(estimator) == "outlier_detector":
        return np.array([-1, 1])
    if kind_of(estimator) in GROUPING and (groups := _groups(estimator)) is not None:
        return groups
    if _classifies(estimator, found) if answers is None else not {"label", "proba"}.isdisjoint(answers):
        raise UsageError(
            f"{name} answers with labels and does not say which there are; "
            "give classes=[...], in the order of its probabilities if it has any; or fit it, if it is not fitted"
        )
    return None


def _groups(estimator: Estimator) -> Array | None:
    """The numbers of the groups into which a fitted clusterer or mixture puts rows, if it tells."""
    while steps := getattr(estimator, "steps", None):
        estimator = steps[-1][1]
    for each in ("cluster_centers_", "weights_"):  # labels may be those of the last batch that it learned
        if (groups := getattr(estimator, each, None)) is not None:
            return np.arange(len(groups))
    labels = getattr(estimator, "labels_", None)
    return None if labels is None else np.unique(labels)


def _classifies(estimator: Estimator, classes: object) -> bool:
    """Whether an estimator without classes is a classifier: as it says, else as its methods do."""
    kind = kind_of(estimator)
    if kind is not None:
        return kind == "classifier" or kind in GROUPING
    # An empty ``classes_`` is that of a regressor which shares its class with classifiers.
    return classes is None and any(hasattr(estimator, name) for name in ("predict_proba", "decision_function"))


def kind_of(estimator: Estimator) -> str | None:
    """What scikit-learn takes an estimator for, or None if it does not tell."""
    kind: str | None
    try:
        kind = estimator.__sklearn_tags__().estimator_type
    except Exception:  # other libraries' estimators, and older ones
        kind = getattr(estimator, "_estimator_type", None)
    return kind


def dense(rows: npt.ArrayLike) -> Array:
    """Rows as an array, whatever holds them: lists, a sparse matrix, a data frame of numbers.

    >>> dense([range(3), [3, 4, 5]])
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    toarray: Callable[[], npt.ArrayLike] | None = getattr(rows, "toarray", None)
    return np.asarray(rows if toarray is None else toarray())


def read_only(array: npt.ArrayLike) -> Array:
    """A view of an array that cannot be written to: what is lent stays what it is for whoever comes next.

    >>> pool = read_only([3.0, 1.0, 2.0])
    >>> pool.sort()
    Traceback (most recent call last):
    ValueError: sort array is read-only
    """
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


@attrs.frozen(eq=False)
class Sealed:
    """A base of attrs classes with read-only arrays: a pickle is built anew, as numpy forgets what was read-only."""

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {field.alias: getattr(self, field.name) for field in attrs.fields(type(self)) if field.init}
        return _built, (type(self), fields)


def _built(cls: type, fields: dict[str, Any]) -> Any:
    return cls(**fields)


def stream(secret: int | str | bytes, purpose: str) -> np.random.Generator:
    """The random generator of a seed, or a secret, for one purpose: the same for both in every process.

    Generators for different purposes share nothing, and what a generator tells of where it started is a one-way digest:
    whoever gets one can neither rebuild the others nor read off the seed (but a small seed can be guessed by trying).
    """
    given = secret if isinstance(secret, bytes) else str(secret).encode()
    digest = hashlib.blake2b(given, person=hashlib.blake2b(purpose.encode(), digest_size=16).digest()).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
