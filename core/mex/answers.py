"""Kinds of answer: what an interface gives to a query, how it is asked for, checked and read. Plugins add theirs."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from mex.errors import AnswerError, UsageError, sentence
from mex.hooks import extension, extensions
from mex.types import Answer, Array, Estimator, Function

__all__ = [
    "OURS",
    "USUAL",
    "AnswerKind",
    "answer_kind",
    "answer_kinds",
    "checked_answers",
    "given_kinds",
    "shown_kinds",
    "side_by_side",
]

SUM = 1e-5
"""How far from 1 probabilities may sum: many models compute them in float32."""
FEW = 30
"""Labels, or classes, that are compared one by one."""
USUAL: tuple[Answer, ...] = ("label", "value")
"""What a hypothesis predicts: f*(x) itself, of a classifier or a regressor."""
TYPES: tuple[Any, ...] = (np.float64, np.int64, None)


@attrs.frozen(kw_only=True)
class AnswerKind:
    """A kind of answer: one label or number a row, shape (n,), or as many numbers for each row, shape (n, m).

    A plugin adds one by ``mex.Component("answer", name, "package.module:KIND", summary)``. Attacks that take it name it
    in their scope; others are told the label or value beside it, if the interface gives one or it can be read off.

    Attributes:
        words: what such answers are called, in the plural.
        ask: how a fitted estimator is asked: the name of its method, or a function of the estimator and its rows.
        objection: given answers (finite, one or two axes) and the classes or None, what they are not, after "answered
            {words} that are not …"; "" if nothing is wrong.
        dtype: float64 or int64; None for that of the classes: they are labels.
        given_by: whether a fitted estimator gives such answers, whatever kinds its model declares.
        labels: the label (or value) of each answer, given the answers and the classes; None if they do not tell it.
        beside: whether the label or value is shown beside such an answer, in one query: the oracle answers a structured
            array, with a field for each.
        shift: how far answers are from others to the same rows, as a defense costs; None for the share that differ.
    """

    words: str
    ask: str | Callable[[Estimator, Any], npt.ArrayLike]
    objection: Callable[[Array, Array | None], str]
    dtype: type | None = attrs.field(default=np.float64, validator=attrs.validators.in_(TYPES))
    given_by: Callable[[Estimator], bool] = lambda estimator: False
    labels: Callable[[Array, Array | None], Array] | None = None
    beside: bool = False
    shift: Callable[[Array, Array], float] | None = None

    def asked(self, estimator: Estimator, rows: Any) -> Array:
        """What ``estimator`` answers to ``rows``, as it takes them; a function of rows has one kind of answer."""
        if isinstance(estimator, Function):
            return estimator.predict(rows)
        return np.asarray(self.ask(estimator, rows) if callable(self.ask) else getattr(estimator, self.ask)(rows))

    def type_of(self, classes: Array | None) -> npt.DTypeLike | None:
        """The dtype of answers about ``classes``; None where they are labels of unknown ones."""
        return self.dtype if self.dtype is not None or classes is None else classes.dtype


def _no_labels(y: Array, classes: Array | None) -> str:
    fine = classes is not None and y.ndim == 1 and _among(y, classes)
    strange = None if fine else next((v for v in y.tolist() if classes is None or v not in classes.tolist()), None)
    return "" if fine else f"among the classes {classes}, such as {strange!r}"


def _no_probabilities(P: Array, classes: Array | None) -> str:
    fits = classes is not None and P.shape == (len(P), len(classes))
    if fits and (P < 0).any():
        return f"between 0 and 1, such as {P.min():g}"
    return "" if fits and (abs(P.sum(axis=1) - 1) <= SUM).all() else f"{len(P)} rows, one for each class, that sum to 1"


def _no_ids(ids: Array, classes: Array | None) -> str:
    return "" if (np.round(ids) == ids).all() else "whole numbers, one per row or one per row and tree"


def _no_values(values: Array, classes: Array | None) -> str:
    return "" if values.ndim == 1 else f"one for each row: they have shape {values.shape}"


LABEL = AnswerKind(words="labels", ask="predict", objection=_no_labels, dtype=None, labels=lambda y, classes: y)
PROBA = AnswerKind(
    words="probabilities",
    ask="predict_proba",
    objection=_no_probabilities,
    labels=lambda P, classes: np.asarray(classes)[np.argmax(P, axis=1)],
    shift=lambda P, bare: float(np.abs(P - bare).sum(axis=1).mean() / 2),  # total variation
)
LEAF = AnswerKind(words="leaf ids", ask="apply", objection=_no_ids, dtype=np.int64, beside=True)
VALUE = AnswerKind(
    words="values",
    ask="predict",
    objection=_no_values,
    labels=lambda y, classes: y,
    shift=lambda y, bare: float(np.mean(np.abs(y - bare)) / (np.std(bare) or 1.0)),  # in standard deviations
)
OURS: Mapping[Answer, AnswerKind] = {"label": LABEL, "proba": PROBA, "leaf": LEAF, "value": VALUE}
"""The kinds that every component may be given."""


def answer_kinds() -> tuple[Answer, ...]:
    """The names of all kinds of answer: ours, and those that installed plugins add."""
    return tuple(dict.fromkeys((*OURS, *extensions("answer"))))


def answer_kind(name: Answer) -> AnswerKind:
    """The kind of answer of that name; a :class:`UsageError` if there is none, or a plugin adds something else."""
    if name in OURS:
        return OURS[name]
    found = extension("answer", name)
    if not isinstance(found, AnswerKind):
        raise UsageError(f"the answer {name!r} of a plugin must be a mex.answers.AnswerKind, not {found!r}")
    return found


def given_kinds(estimator: Estimator) -> tuple[Answer, ...]:
    """The kinds of plugins that a fitted estimator gives; a plugin that raises an error is named, and left out."""
    found = []
    for name in () if isinstance(estimator, Function) else answer_kinds()[len(OURS) :]:
        try:
            if answer_kind(name).given_by(estimator):
                found.append(name)
        except Exception as error:
            warnings.warn(f"the answer {name!r} of a plugin is left out: {sentence(error)}", stacklevel=2)
    return tuple(found)


def shown_kinds(kind: Answer, given: Sequence[Answer]) -> tuple[Answer, ...]:
    """The kinds of answer that a client who asks for one is shown: beside the id of a leaf its label or value.

    >>> shown_kinds("leaf", ("label", "proba", "leaf")), shown_kinds("proba", ("label", "proba", "leaf"))
    (('leaf', 'label'), ('proba',))
    """
    return (kind, *(other for other in USUAL if answer_kind(kind).beside and other in given))


def side_by_side(parts: Mapping[Answer, Array]) -> Array:
    """The answers of each kind to the same rows in one array: a structured one where others are shown beside the first.

    >>> side_by_side({"leaf": np.array([3, 4]), "label": np.array(["a", "b"])})["label"]
    array(['a', 'b'], dtype='<U1')
    """
    first = next(iter(parts))
    if not answer_kind(first).beside:
        return parts[first]
    together = np.empty(len(parts[first]), dtype=[(kind, part.dtype, part.shape[1:]) for kind, part in parts.items()])
    for kind, part in parts.items():
        together[kind] = part
    return together


def checked_answers(
    given: npt.ArrayLike, n: int, kind: Answer | AnswerKind, classes: Array | None, who: str = "the target"
) -> Array:
    """A copy of ``given`` in the type of its kind: labels in that of ``classes``.

    Raises:
        AnswerError: unless it is what an interface promises for ``n`` rows; ``who`` answered.
    """
    try:
        answers = np.array(given)
    except ValueError:
        raise AnswerError(f"{who} was asked {n} rows and answered no array") from None
    if answers.ndim == 0 or len(answers) != n:
        raise AnswerError(f"{who} was asked {n} rows and answered an array of shape {answers.shape}")
    of, objection = kind if isinstance(kind, AnswerKind) else answer_kind(kind), "finite numbers, one or several a row"
    numbers = answers.dtype.kind in "fiub" and np.count_nonzero(np.isfinite(answers)) == answers.size
    if of.dtype is None or (numbers and answers.ndim <= 2):
        objection = of.objection(answers, classes)
    if objection:
        raise AnswerError(f"{who} answered {of.words} that are not {objection}")
    return answers.astype(of.type_of(classes), copy=False)


def _among(labels: Array, classes: Array) -> bool:
    """Whether all labels are among the classes: as ``np.isin`` has it, in a tenth of its time where either are few."""
    if len(labels) <= FEW:
        return bool((labels[:, None] == classes).any(axis=1).all())
    if len(classes) <= FEW:
        return bool(functools.reduce(np.logical_or, (labels == label for label in classes)).all())
    return bool(np.isin(labels, classes).all())
