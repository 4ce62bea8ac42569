"""A batch of queries that do not repeat each other."""

from __future__ import annotations

import numpy as np

from mex.toolkit.kernels.functions import Covariance
from mex.types import FloatArray


def spread(
    kernel: Covariance, Z: FloatArray, cost: FloatArray, n: int, weight: float, near: FloatArray | None = None
) -> list[int]:
    """Choose ``n`` of the rows of ``Z`` greedily, each cheap and far from those before it (Brinker 2003).

    Minimises weight * cost + (1 - weight) * cosine, the largest cosine of its angle in feature space to a row
    chosen before.

    Args:
        Z: encoded rows, shape (m, d).
        cost: shape (m,); it is brought to the range [0, 1].
        near: the largest cosine to rows that count as chosen already, shape (m,).

    >>> from mex.toolkit.kernels.functions import Kernel
    >>> Z = np.array([[0.0], [0.1], [5.0]])
    >>> spread(Kernel("rbf", 1.0), Z, np.array([0.0, 0.1, 0.2]), 2, weight=0.5)
    [0, 2]
    """
    low, high = cost.min(), cost.max()
    cost = (cost - low) / (high - low) if high > low else np.zeros(len(Z))
    near = np.zeros(len(Z)) if near is None else near
    length = np.sqrt(np.maximum(kernel.diagonal(Z), 1e-12))
    chosen: list[int] = []
    for _ in range(min(n, len(Z))):
        total = weight * cost + (1 - weight) * near
        total[chosen] = np.inf
        j = int(np.argmin(total))
        chosen.append(j)
        near = np.maximum(near, np.abs(kernel(Z[j : j + 1], Z)[0]) / (length[j] * length))
    return chosen
