"""The few names that signatures share."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "Answer",
    "Array",
    "BoolArray",
    "Estimator",
    "FloatArray",
]

Array: TypeAlias = npt.NDArray[Any]
FloatArray: TypeAlias = npt.NDArray[np.float64]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
Answer: TypeAlias = Literal["label", "proba", "leaf", "value"]

Estimator: TypeAlias = Any
"""A scikit-learn estimator (scikit-learn publishes no types)."""
