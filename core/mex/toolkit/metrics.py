"""Metrics: how near a stolen model is to f*. None of them passes an oracle."""

from __future__ import annotations

import numpy as np

from mex.domain import Domain
from mex.toolkit.normals import normal
from mex.types import Array, Estimator, FloatArray


def agreement(answers: Array, reference: Array, regression: bool = False) -> float:
    """The share of equal labels; for values R^2, the share of the reference's variance explained.

    >>> agreement(np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0]))
    0.75
    >>> agreement(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]), regression=True)
    1.0
    """
    if not regression:
        return float(np.count_nonzero(answers == reference) / len(reference))
    from sklearn.metrics import r2_score

    return float(r2_score(reference, answers))


def class_agreement(answers: Array, reference: Array) -> float:
    """The agreement on the rows of each class of the reference, averaged over the classes that occur there.

    Of a reference that is nearly always one class, a constant agrees on nearly all rows and, of k classes, on 1/k here
    (balanced accuracy; Brodersen et al., "The Balanced Accuracy and Its Posterior Distribution", ICPR 2010).

    >>> class_agreement(np.array([0, 0, 0, 0]), np.array([0, 0, 0, 1]))
    0.5
    """
    classes, which = np.unique(reference, return_inverse=True)
    right = np.bincount(which, answers == reference, len(classes))
    return float((right / np.bincount(which)).mean())


def geometric_error(stolen: Estimator, target: Estimator, domain: Domain) -> float | None:
    """||w^ - w*||_2 of unit normals (paper, Section 2), or None where either is not a halfspace.

    The normals are those of :func:`unit_normal`, so that the units of the features do not matter.
    """
    return distance(unit_normal(target, domain), stolen, domain)


def distance(theirs: FloatArray | None, stolen: Estimator, domain: Domain) -> float | None:
    """The geometric error of ``stolen``, given the unit normal of the target; None where either has none."""
    ours = None if theirs is None else unit_normal(stolen, domain)
    return None if ours is None or theirs is None else float(np.linalg.norm(ours - theirs))


def unit_normal(estimator: Estimator, domain: Domain) -> FloatArray | None:
    """The normal of a halfspace and its intercept, of unit length, shape (d + 1,); None if it is not one.

    It is taken in the coordinates in which the domain is the box [-1, 1]^d (unbounded features as they are). A model
    of tables whose columns are not the features of the domain has none.
    """
    found = normal(estimator)
    if found is None or len(found[0]) != domain.n_features:
        return None
    # The common part of a group's weights, and what a constant column adds, belong to the intercept.
    w, b = found[0].copy(), found[1]
    for group in [list(group) for group in domain.groups]:
        common = w[group].mean()
        w[group], b = w[group] - common, b + common
    fixed = domain.lower == domain.upper
    w[fixed], b = 0.0, b + float(w[fixed] @ domain.lower[fixed])
    v = np.append(w * domain.half_width, b + w @ domain.middle)
    length = np.linalg.norm(v)
    return np.asarray(v / length if length > 0 else v)
