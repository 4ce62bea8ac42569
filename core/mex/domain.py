"""The input domain of an interface: what rows it accepts, and how to draw and repair them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

import attrs
import numpy as np
import numpy.typing as npt

from mex.errors import UsageError
from mex.types import Array, BoolArray, FloatArray, Sealed, dense, read_only

__all__ = ["TOLERANCE", "Domain"]

TOLERANCE = 1e-9
"""How far past a bound, as a share of the feature's range, rounding may put a row that still counts as inside."""


def _vector(value: npt.ArrayLike) -> FloatArray:
    return read_only(np.atleast_1d(np.array(value, dtype=np.float64)))


def _mask(value: npt.ArrayLike) -> BoolArray:
    return read_only(np.atleast_1d(np.array(value, dtype=bool)))


def _groups(value: Iterable[Iterable[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(i) for i in group) for group in value if group)


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return tuple(value)


@attrs.frozen(eq=False)
class Domain(Sealed):
    """A box in R^d with integer features and one-hot groups, in arrays that are read-only.

    Bounds may be infinite: such a feature is taken to be in standard units, so drawing from it uses the standard normal
    distribution (a direction drawn so is uniform on the sphere); with one bound, its absolute value counted from there.

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
    integer: BoolArray = attrs.field(
        default=attrs.Factory(lambda self: np.zeros(len(self.lower)), takes_self=True), converter=_mask, kw_only=True
    )
    groups: tuple[tuple[int, ...], ...] = attrs.field(default=(), converter=_groups, kw_only=True)
    names: tuple[str, ...] = attrs.field(default=(), converter=_names, kw_only=True)
    incomplete: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not (self.lower.shape == self.upper.shape == self.integer.shape and self.lower.ndim == 1):
            raise UsageError("a domain's lower, upper and integer must be vectors of one length")
        if not np.all(self.lower <= self.upper):  # false for NaN as well
            i = int(np.flatnonzero(~(self.lower <= self.upper))[0])
            raise UsageError(f"feature {i} of the domain has lower bound {self.lower[i]} and upper {self.upper[i]}")
        if (self.integer & ((np.rint(self.lower) != self.lower) | (np.rint(self.upper) != self.upper))).any():
            raise UsageError("the bounds of a domain's integer features must be whole numbers")
        columns = list(chain(*self.groups))
        if len(set(columns)) < len(columns) or not set(columns) <= set(range(self.n_features)):
            raise UsageError(f"the groups of a domain must be of different columns, 0 to {self.n_features - 1}")
        if self.names and len(self.names) != self.n_features:
            raise UsageError(f"a domain of {self.n_features} features was given {len(self.names)} names")

    @classmethod
    def reals(cls, n_features: int) -> Domain:
        """All of R^d, the domain of the paper's halfspaces."""
        return cls(np.full(n_features, -np.inf), np.full(n_features, np.inf))

    @classmethod
    def of(cls, X: npt.ArrayLike) -> Domain:
        """The box that the rows of ``X`` span; a column of whole numbers only is an integer feature."""
        X = dense(X).astype(np.float64)
        return cls(X.min(axis=0), X.max(axis=0), integer=np.all(np.round(X) == X, axis=0))

    @property
    def n_features(self) -> int:
        """The number of columns, one-hot columns counted each."""
        return len(self.lower)

    @property
    def bounded(self) -> bool:
        """Whether every feature has two finite bounds."""
        return bool(self._finite.all())

    @cached_property
    def discrete(self) -> BoolArray:
        """Which columns are integer features or part of a one-hot group, shape (d,)."""
        mask = self.integer.copy()
        mask[list(chain(*self.groups))] = True
        return read_only(mask)

    @cached_property
    def middle(self) -> FloatArray:
        """The centre of the box, shape (d,): 0 where a feature is unbounded, 1 inside of the only bound there is."""
        bound, inwards = self._open
        both = np.where(self._finite, self.lower, 0) + np.where(self._finite, self.upper, 0)
        return read_only(np.where(self._finite, both / 2, bound + inwards))

    @cached_property
    def half_width(self) -> FloatArray:
        """Half the range of each feature, 1 where a bound is missing or it is a single value, shape (d,)."""
        half = (np.where(self._finite, self.upper, 2) - np.where(self._finite, self.lower, 0)) / 2
        return read_only(np.where(half > 0, half, 1.0))

    def units(self) -> list[tuple[int, ...]]:
        """The features that change together: each one-hot group, and each other column by itself."""
        grouped = set(chain(*self.groups))
        return [(i,) for i in range(self.n_features) if i not in grouped] + list(self.groups)

    def sample(self, n: int, rng: np.random.Generator) -> FloatArray:
        """Draw ``n`` rows uniformly from the domain, shape (n, d); normally where a bound is missing."""
        finite = self._finite  # of a whole number one more, so that the last one is as likely
        low, high = np.where(finite, self.lower, 0.0), np.where(finite, self.upper, 1.0) + self.integer
        X = low + (high - low) * rng.random((n, self.n_features))
        if not finite.all():
            Z, (bound, inwards) = rng.standard_normal((n, int((~finite).sum()))), (v[~finite] for v in self._open)
            X[:, ~finite] = bound + np.where(inwards == 0, Z, inwards * np.abs(Z))
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
        if self._accepts(X):
            return None
        missing = np.isnan(X) if self.incomplete else np.zeros(X.shape, dtype=bool)
        for wrong, why in (
            (~np.isfinite(X) & ~missing, "is {}, not a finite number"),
            ((self._limits[0] > X) | (self._limits[1] < X), "is {:g}, outside {:g} to {:g}"),
            (self.integer & (np.round(X) != X) & ~missing, "takes whole numbers, not {:g}"),
        ):
            if wrong.any():
                row, i = np.argwhere(wrong)[0]
                return f"row {row}: {self.name(i)} " + why.format(X[row, i], self.lower[i], self.upper[i])
        for group in self.groups:
            one = np.isin(X[:, group], (0, 1)).all(axis=1) & (X[:, group].sum(axis=1) == 1)
            others = ~(one | missing[:, group].all(axis=1))
            if others.any():
                names = ", ".join(map(self.name, group[:3])) + f" … ({len(group)} columns)" * (len(group) > 3)
                return f"row {int(np.argmax(others))}: exactly one of {names} must be 1 and the others 0"
        return None

    def _accepts(self, X: FloatArray) -> bool:
        """Whether all rows are complete and acceptable: the quick check, which does not say why not."""
        low, high, whole, grouped, starts = self._limits
        inside = np.count_nonzero((low <= X) & (high >= X)) == X.size  # counting is quicker than all()
        if not inside or (len(whole) and np.count_nonzero(np.rint(part := X[:, whole]) != part)):
            return False
        if not self.groups:
            return True
        ones = np.add.reduceat((part := X[:, grouped]) == 1, starts, axis=1, dtype=int)
        return bool((ones == 1).all()) and np.count_nonzero(part) == ones.size

    @cached_property
    def _limits(self) -> tuple[Array, ...]:
        """The least and greatest numbers allowed, the integer columns, those of groups, and where each group starts."""
        slack, most = TOLERANCE * self.half_width, np.finfo(np.float64).max  # infinity is no number
        edges = np.maximum(self.lower - slack, -most), np.minimum(self.upper + slack, most)
        starts = np.cumsum([0, *map(len, self.groups)])[:-1]
        return (*edges, np.flatnonzero(self.integer), np.array(list(chain(*self.groups)), dtype=int), starts)

    @property
    def _open(self) -> tuple[FloatArray, FloatArray]:
        """Of features that lack a bound: the other one, or 0, and the way inwards from it: 1, -1, or 0 for none."""
        low, high = np.isfinite(self.lower), np.isfinite(self.upper)
        return np.where(low, self.lower, np.where(high, self.upper, 0.0)), 1.0 * low - high

    @property
    def _finite(self) -> BoolArray:
        return np.isfinite(self.lower) & np.isfinite(self.upper)

    def name(self, i: int) -> str:
        """What to call feature ``i`` in a sentence."""
        return repr(self.names[i]) if self.names else f"feature {i}"
