"""What signatures share: names of types, arrays that are lent, and streams of random numbers."""

from __future__ import annotations

import hashlib
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

__all__ = [
    "Answer",
    "Array",
    "BoolArray",
    "Estimator",
    "FloatArray",
    "Sealed",
    "read_only",
    "stream",
]

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Answer: TypeAlias = Literal["label", "proba", "leaf", "value"]

Estimator: TypeAlias = Any
"""A scikit-learn estimator (scikit-learn publishes no types)."""


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
