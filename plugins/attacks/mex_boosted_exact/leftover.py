"""Which of the rows that a search asked a surrogate is to learn from, once the search is given up.

Those rows are at steps and corners, and few of them are like the data; what is learned from them as well is often less
like the target near the data. Rows that the surrogate asked itself tell, each left out once.
"""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from mex.types import Array, Estimator, FloatArray

FOLDS = 3
FEWEST = 60
"""Of fewer rows nothing is told."""


def with_search(
    estimator: Estimator, own: tuple[FloatArray, Array], searched: tuple[FloatArray, Array]
) -> Estimator | None:
    """An estimator that has learned from the rows of a search too, if that is nearer to the answers of other rows.

    Args:
        estimator: unfitted; learns values, shape (n,), or probabilities, shape (n, classes).
        own: the rows like the data, and their answers.
        searched: those of the search.
    """
    X, answers = own
    fold, off = np.arange(len(X)) % FOLDS, np.zeros(2)
    for k in range(FOLDS if len(X) >= FEWEST else 0):
        left, rest = fold == k, fold != k
        for n in (0, 1):
            known = [np.concatenate([some[rest], *[more] * n]) for some, more in zip(own, searched, strict=True)]
            fitted = clone(estimator).fit(*known)
            told = fitted.predict_proba(X[left]) if answers.ndim == 2 else fitted.predict(X[left])
            off[n] += np.square(told - answers[left]).sum()
    if off[1] > off[0]:
        return None
    return clone(estimator).fit(*[np.concatenate(both) for both in zip(own, searched, strict=True)])
