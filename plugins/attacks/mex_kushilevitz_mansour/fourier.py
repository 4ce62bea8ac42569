"""Boolean functions: rows as bits, characters, the Fourier transform, and Fourier expansions as classifiers."""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin

from mex import Domain, Incompatible
from mex.types import Array, BoolArray, FloatArray


@attrs.frozen(eq=False)
class BitChart:
    """The rows of a domain as bits: one per feature of two values, and one per one-hot group of two columns.

    >>> chart = BitChart.of(Domain([0, 3, 0, 0], [1, 4, 1, 1], integer=[True] * 4, groups=[(2, 3)]))
    >>> chart.rows(np.array([[True, False, True]])), chart.bits(np.array([[1.0, 3.0, 1.0, 0.0]]))
    (array([[1., 3., 1., 0.]]), array([[ True, False,  True]]))
    """

    domain: Domain
    columns: Array  # of each bit, shape (n,)
    complements: Array  # the other column of its group, or the column itself, shape (n,)

    @classmethod
    def of(cls, domain: Domain) -> BitChart:
        """The chart of a domain; raises :class:`mex.Incompatible` if a feature has more than two values."""
        units = [u for u in domain.units() if len(u) > 1 or domain.lower[u[0]] < domain.upper[u[0]]]
        for unit in units:
            is_bit = len(unit) == 1 and domain.integer[unit[0]] and domain.upper[unit[0]] - domain.lower[unit[0]] == 1
            if not (is_bit or len(unit) == 2):
                raise Incompatible(f"kushilevitz-mansour asks about bits, and {domain.name(unit[0])} has more values")
        return cls(domain, np.array([u[0] for u in units], dtype=np.int64), np.array([u[-1] for u in units], np.int64))

    def rows(self, bits: BoolArray) -> FloatArray:
        """The rows with these bits, shape (m, d)."""
        X = np.repeat(self.domain.lower[None], len(bits), axis=0)
        lower, upper = self.domain.lower, self.domain.upper
        X[:, self.complements] = np.where(bits, lower[self.complements], upper[self.complements])
        X[:, self.columns] = np.where(bits, upper[self.columns], lower[self.columns])
        return X

    def bits(self, X: FloatArray) -> BoolArray:
        """The bits of rows, shape (m, number of bits)."""
        return np.asarray(X[:, self.columns] == self.domain.upper[self.columns])


def transform(values: FloatArray) -> FloatArray:
    """The Walsh-Hadamard transform along the last axis, of length 2^b, divided by 2^b.

    >>> transform(np.array([1.0, -1.0, 1.0, -1.0]))
    array([0., 1., 0., 0.])
    """
    shape, size = values.shape, values.shape[-1]
    half = 1
    while half < size:
        pairs = values.reshape(*shape[:-1], size // (2 * half), 2, half)
        first, second = pairs[..., 0, :], pairs[..., 1, :]
        values = np.stack([first + second, first - second], axis=-2)
        half *= 2
    return np.asarray(values.reshape(shape) / size)


def characters(bits: BoolArray, subsets: BoolArray) -> FloatArray:
    """chi_S of each row and subset S: -1 if the row has an odd number of bits in S, else 1, shape (m, K)."""
    return np.asarray(1.0 - 2.0 * ((bits.astype(np.float32) @ subsets.T.astype(np.float32)) % 2), dtype=np.float64)


class FourierSign(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier by the sign of a sum of characters.

    Attributes:
        subsets_: the columns of each character, shape (K, d).
        coefficients_: the coefficients, for the second label as -1, shape (K,).
        thresholds_: the bit of a column is 1 above them, shape (d,).
        classes_, n_features_in_: as in scikit-learn.
    """

    def set(self, subsets: BoolArray, coefficients: FloatArray, thresholds: FloatArray, classes: Array) -> FourierSign:
        """Set the expansion, in place of a fit."""
        self.subsets_ = subsets
        self.coefficients_ = coefficients
        self.thresholds_ = thresholds
        self.classes_ = np.asarray(classes)
        self.n_features_in_ = subsets.shape[1]
        return self

    def decision_function(self, X: npt.ArrayLike) -> FloatArray:
        """The negative sum, shape (m,): positive for the second label."""
        bits = np.asarray(X, dtype=np.float64) > self.thresholds_
        return np.asarray(-(characters(bits, self.subsets_) @ self.coefficients_))

    def predict(self, X: npt.ArrayLike) -> Array:
        """The label of each row, shape (m,)."""
        return np.asarray(self.classes_[(self.decision_function(X) > 0).astype(np.int64)])
