"""Models of libraries that know no scikit-learn, behind its methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mex import UsageError
from mex.types import Array

Function = Callable[[Any], Any]


class Adapter:
    """A model as an estimator: what of it is a function of a table is given, its methods are those there are.

    Args:
        name: what to call it.
        width: how many columns it takes, if it tells.
        names: the columns, if it tells.
        levels: the levels of the columns that are categories, as far as it tells.
        scores: the probabilities of the classes, shape (n, k), or of the second one, (n,) or (n, 1); of a regressor, or
            a model whose probabilities nobody is told, None.
        values: the labels, or values, shape (n,) or (n, 1); by default the likeliest class, of two the second where its
            probability is above 0.5.
        leaves: the ids of the leaves, shape (n,) or (n, trees).
        own: the classes as it answers them, in the order of its probabilities; None for a regressor.
        classes: what to call them.

    Raises:
        UsageError: if ``classes`` are not as many as its own.
    """

    categorical_features: str | None = None
    """``from_dtype`` if what is a category is told by the type of a table's column."""

    def __init__(
        self,
        name: str,
        *,
        width: int | None = None,
        names: Sequence[str] | None = None,
        levels: Mapping[str | int, list[Any] | None] | None = None,
        scores: Function | None = None,
        values: Function | None = None,
        leaves: Function | None = None,
        own: Sequence[Any] | Array | None = None,
        classes: Sequence[Any] | None = None,
    ) -> None:
        self.name = name
        self.levels_ = dict(levels or {})
        self._scores, self._values = scores, values
        if width is not None:
            self.n_features_in_ = int(width)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
            self.n_features_in_ = len(names)
        if own is not None:
            self._own = np.asarray(own)
            self.classes_ = _named(name, self._own, classes)
            if scores is not None:
                self.predict_proba = self._probabilities
        if leaves is not None:
            self.apply = lambda X: _column(leaves(X))

    def predict(self, X: Any) -> Array:
        """The labels or values of the rows of a table, shape (n,)."""
        if not hasattr(self, "classes_"):
            assert self._values is not None
            return _column(self._values(X))
        if self._values is None:
            P = self._probabilities(X)
            chosen = (P[:, 1] > 0.5).astype(int) if P.shape[1] == 2 else P.argmax(axis=1)
            return np.asarray(self.classes_[chosen])
        labels = _column(self._values(X))
        occurring, indices = np.unique(labels, return_inverse=True)
        place = {label: i for i, label in enumerate(self._own.tolist())}
        strange = [label for label in occurring.tolist() if label not in place]
        if strange:
            raise ValueError(f"it answers {strange[0]!r}, none of its classes {self._own.tolist()}")
        return np.asarray(self.classes_[[place[label] for label in occurring.tolist()]][indices.reshape(-1)])

    def _probabilities(self, X: Any) -> Array:
        assert self._scores is not None
        P = np.asarray(self._scores(X))
        if P.ndim == 1 or P.shape[1] == 1:
            P = P.reshape(-1)
            return np.stack([1 - P, P], axis=1)
        return P

    def __repr__(self) -> str:
        return self.name


def _column(answers: Any) -> Array:
    array = np.asarray(answers)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _named(name: str, own: Array, classes: Sequence[Any] | None) -> Array:
    """What to call the classes; a model that has names of its own keeps them."""
    if classes is None:
        return own
    if list(map(str, classes)) == list(map(str, own.tolist())):  # YDF has texts of all classes
        return np.asarray(classes)
    if own.tolist() != list(range(len(own))):
        raise UsageError(f"{name} has classes of its own, {own.tolist()}: classes= is for models that number them")
    if len(classes) != len(own):
        raise UsageError(f"{name} has {len(own)} classes, and classes= names {len(classes)}")
    return np.asarray(classes)
