"""The input domain of an interface: what rows it accepts, and how to draw and repair them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from mex.errors import UsageError
from mex.types import Array, BoolArray, FloatArray

__all__ = [
    "TOLERANCE",
    "Domain",
]

TOLERANCE = 1e-9
"""How far past a bound, as a share of the feature's range, rounding may put a row that still counts as inside."""


def _vector(value: npt.ArrayLike) -> FloatArray:
    return np.atleast_1d(np.asarray(value, dtype=np.float64))


def _mask(value: npt.ArrayLike) -> BoolArray:
    return np.atleast_1d(np.asarray(value, dtype=bool))


def _groups(value: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(i) for i in group) for group in value)


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


@attrs.frozen(eq=False)
class Domain:
    """A box in R^d with integer features and one-hot groups.

    Bounds may be infinite: such a feature is taken to be in standard units, so drawing from it uses
    the standard normal distribution (a direction drawn so is uniform on the sphere), and its absolute value
    counted from the one bound that there is.

    Attributes:
        lower, upper: bounds, shape (d,).
        integer: which features take whole numbers only, shape (d,).
        groups: one tuple of column numbers per one-hot encoded categorical feature; in each row
            exactly one column of a group is 1 and the others are 0.
        names: feature names, d of them, or none.
        incomplete: whether a row may leave features out: their columns are NaN, those of a group all together.

    >>> domain = Domain([0, 0, 0], [9, 1, 1], integer=[True, False, False], groups=[(1, 2)])
    >>> domain.clip(np.array([[3.6, 0.2, 0.7]]))
    array([[4., 0., 1.]])
    """

    lower: FloatArray = attrs.field(converter=_vector)
    upper: FloatArray = attrs.field(converter=_vector)
    integer: BoolArray = attrs.field(converter=_mask, kw_only=True)
    groups: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=_groups, kw_only=True)
    names: tuple[str, ...] = attrs.field(default=(), converter=_names, kw_only=True)
    incomplete: bool = attrs.field(default=False, kw_only=True)

    @integer.default
    def _none_integer(self) -> BoolArray:
        return np.zeros(len(self.lower), dtype=bool)

    def __attrs_post_init__(self) -> None:
        if not (self.lower.shape == self.upper.shape == self.integer.shape and self.lower.ndim == 1):
            raise UsageError("a domain's lower, upper and integer must be vectors of one length")
        if not np.all(self.lower <= self.upper):  # false for NaN as well
            i = int(np.flatnonzero(~(self.lower <= self.upper))[0])
            raise UsageError(f"feature {i} of the domain has lower bound {self.lower[i]} and upper {self.upper[i]}")
        if (self.integer & ((np.round(self.lower) != self.lower) | (np.round(self.upper) != self.upper))).any():
            raise UsageError("the bounds of a domain's integer features must be whole numbers")
        columns = [i for group in self.groups for i in group]
        if len(set(columns)) < len(columns) or not set(columns) <= set(range(self.n_features)):
            raise UsageError(f"the groups of a domain must be of different columns, 0 to {self.n_features - 1}")
        if self.names and len(self.names) != self.n_features:
            raise UsageError(f"a domain of {self.n_features} features was given {len(self.names)} names")

    @classmethod
    def reals(cls, n_features: int) -> Domain:
        """All of R^d, the domain of the paper's halfspaces."""
        return cls(np.full(n_features, -np.inf), np.full(n_features, np.inf))

    @classmethod
    def of(cls, X: Array) -> Domain:
        """The box that the rows of ``X`` span; a column of whole numbers only is an integer feature."""
        X = np.asarray(X, dtype=np.float64)
        return cls(X.min(axis=0), X.max(axis=0), integer=np.all(np.round(X) == X, axis=0))

    @property
    def n_features(self) -> int:
        """The number of columns, one-hot columns counted each."""
        return len(self.lower)

    @property
    def bounded(self) -> bool:
        """Whether every feature has two finite bounds."""
        return bool(np.isfinite(self.lower).all() and np.isfinite(self.upper).all())

    @property
    def continuous(self) -> bool:
        """Whether there is no integer feature and no one-hot group."""
        return not self.discrete.any()

    @property
    def discrete(self) -> BoolArray:
        """Which columns are integer features or part of a one-hot group, shape (d,)."""
        mask = self.integer.copy()
        mask[[i for group in self.groups for i in group]] = True
        return mask

    @property
    def middle(self) -> FloatArray:
        """The centre of the box, shape (d,): 0 where a feature is unbounded, 1 inside of the only bound there is."""
        low, high = np.isfinite(self.lower), np.isfinite(self.upper)
        lower, upper = np.where(low, self.lower, 0.0), np.where(high, self.upper, 0.0)
        return np.where(low & high, (lower + upper) / 2, lower + upper + 1.0 * (low & ~high) - 1.0 * (high & ~low))

    @property
    def half_width(self) -> FloatArray:
        """Half the range of each feature, 1 where a bound is missing or it is a single value, shape (d,)."""
        finite = np.isfinite(self.lower) & np.isfinite(self.upper)
        half = (np.where(finite, self.upper, 2) - np.where(finite, self.lower, 0)) / 2
        return np.where(half > 0, half, 1.0)

    def units(self) -> list[tuple[int, ...]]:
        """The features that change together: each one-hot group, and each other column by itself."""
        grouped = {i for group in self.groups for i in group}
        return [(i,) for i in range(self.n_features) if i not in grouped] + list(self.groups)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows uniformly from the domain, shape (n, d); normally where a bound is missing."""
        finite = np.isfinite(self.lower) & np.isfinite(self.upper)
        low, high = np.where(finite, self.lower, 0.0), np.where(finite, self.upper, 1.0)
        high = np.where(self.integer, high + 1, high)  # so that the last whole number is as likely
        X = low + (high - low) * rng.random((n, self.n_features))
        if not finite.all():
            Z = rng.standard_normal((n, int((~finite).sum())))
            lower, upper = self.lower[~finite], self.upper[~finite]
            inwards = np.where(np.isfinite(lower), lower + np.abs(Z), Z)
            X[:, ~finite] = np.where(np.isfinite(upper), upper - np.abs(Z), inwards)
        X[:, self.integer] = np.floor(X[:, self.integer])
        for group in self.groups:
            X[:, group] = np.eye(len(group))[rng.integers(len(group), size=n)]
        return np.clip(X, self.lower, self.upper)

    def clip(self, X: FloatArray) -> FloatArray:
        """The nearest rows inside the domain: clipped, rounded, the largest of each group set to 1."""
        X = np.clip(X, self.lower, self.upper)
        X[:, self.integer] = np.round(X[:, self.integer])
        for group in self.groups:
            X[:, group] = np.eye(len(group))[np.argmax(X[:, group], axis=1)]
        return X

    def objection(self, X: FloatArray) -> str | None:
        """Why the interface would refuse some row of ``X``, shape (n, d), or None."""
        missing = np.isnan(X) if self.incomplete else np.zeros(X.shape, dtype=bool)
        strange = ~np.isfinite(X) & ~missing
        if strange.any():
            row, i = np.argwhere(strange)[0]
            return f"row {row}: {self.name(i)} is {X[row, i]}, not a finite number"
        slack = TOLERANCE * self.half_width
        outside = (self.lower - slack > X) | (self.upper + slack < X)
        if outside.any():
            row, i = np.argwhere(outside)[0]
            return f"row {row}: {self.name(i)} is {X[row, i]:g}, outside {self.lower[i]:g} to {self.upper[i]:g}"
        fraction = self.integer & (np.round(X) != X) & ~missing
        if fraction.any():
            row, i = np.argwhere(fraction)[0]
            return f"row {row}: {self.name(i)} takes whole numbers, not {X[row, i]:g}"
        for group in self.groups:
            one = np.isin(X[:, group], (0, 1)).all(axis=1) & (X[:, group].sum(axis=1) == 1)
            wrong = ~(one | missing[:, group].all(axis=1))
            if wrong.any():
                members = self._members(group)
                return f"row {int(np.argmax(wrong))}: exactly one of {members} must be 1 and the others 0"
        return None

    def name(self, i: int) -> str:
        """What to call feature ``i`` in a sentence."""
        return repr(self.names[i]) if self.names else f"feature {i}"

    def _members(self, group: Sequence[int]) -> str:
        shown = [self.name(i) for i in group[:3]]
        return ", ".join(shown) + (f" … ({len(group)} columns)" if len(group) > 3 else "")
