"""Diverse batches of queries."""

from __future__ import annotations

import numpy as np

from mex.toolkit.kernels.functions import Covariance
from mex.types import FloatArray


def diverse_batch(
    kernel: Covariance, Z: FloatArray, cost: FloatArray, n: int, weight: float, similarity: FloatArray | None = None
) -> list[int]:
    """Choose ``n`` rows greedily, each of low cost and unlike those chosen before it (Brinker 2003).

    Each minimises weight * cost + (1 - weight) * similarity. The similarity is the largest absolute cosine, in feature
    space, between the row and one chosen before.

    Args:
        kernel: of the feature space.
        Z: encoded rows, shape (m, d).
        cost: the cost of each row, shape (m,); it is scaled to the range [0, 1].
        n: how many rows to choose, at most.
        weight: that of the cost, from 0 to 1.
        similarity: of each row to rows that count as chosen already, shape (m,); by default 0.

    Returns:
        The indices of the rows chosen.

    >>> from mex.toolkit.kernels.functions import Kernel
    >>> Z = np.array([[0.0], [0.1], [5.0]])
    >>> diverse_batch(Kernel("rbf", 1.0), Z, np.array([0.0, 0.1, 0.2]), 2, weight=0.5)
    [0, 2]
    """
    low, high = cost.min(), cost.max()
    cost = (cost - low) / (high - low) if high > low else np.zeros(len(Z))
    similarity = np.zeros(len(Z)) if similarity is None else similarity
    length = np.sqrt(np.maximum(kernel.diagonal(Z), 1e-12))
    chosen: list[int] = []
    for _ in range(min(n, len(Z))):
        total = weight * cost + (1 - weight) * similarity
        total[chosen] = np.inf
        j = int(np.argmin(total))
        chosen.append(j)
        cosine = kernel(Z[j : j + 1], Z)[0] / (length[j] * length)
        similarity = np.maximum(similarity, np.abs(cosine))
    return chosen
