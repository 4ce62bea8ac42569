"""What an attacker knows about the kernel of f*, and how it finds what it does not know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from mex.knowledge import Knowledge
from mex.toolkit.kernels.functions import Kernel
from mex.toolkit.kernels.machine import KernelMachine
from mex.types import Estimator, FloatArray

REFERENCE = 1000
"""How many uniform rows stand in for the data where there is no pool."""
SCALES = 2.0 ** np.arange(-6, 9)
"""Slopes to try of the likelihood of an answer."""
WIDTHS = 2.0 ** np.arange(-5, 6)
"""The grid of gammas, as multiples of scikit-learn's ``scale``."""


def encoder(known: Knowledge, rng: np.random.Generator) -> Estimator:
    """The fitted transformer before the kernel.

    What precedes the machine in the public learner of f*, fitted on the attacker's own rows: the operator's
    means and scales are not public. Standardisation where nothing is known.
    """
    rows = known.pool if known.pool is not None and len(known.pool) else known.domain.sample(REFERENCE, rng)
    learner = known.family.learner
    if known.family.kind != "kernel" or learner is None:
        return StandardScaler().fit(rows)
    if isinstance(learner, Pipeline) and len(learner) > 1:
        return clone(learner[:-1]).fit(rows)
    return FunctionTransformer().fit(rows)


def public_kernel(known: Knowledge, Z: FloatArray) -> Kernel | None:
    """The kernel of f* if it is public, None if not; ``Z`` are encoded rows for scikit-learn's rules for gamma."""
    public = known.family.public
    name, gamma = public.get("kernel"), public.get("gamma")
    if known.family.kind != "kernel" or name not in ("rbf", "poly", "linear"):
        return None
    if name == "linear":
        return Kernel("poly", gamma=1.0, degree=1)
    if gamma is None:
        return None
    width = {"scale": scale(Z), "auto": 1 / Z.shape[1]}[gamma] if isinstance(gamma, str) else float(gamma)
    return Kernel(name, width, int(public.get("degree", 3)), float(public.get("coef0", 0.0)))


def grid(Z: FloatArray) -> list[Kernel]:
    """RBF kernels of all widths worth a try."""
    return [Kernel("rbf", float(g)) for g in scale(Z) * WIDTHS]


def scale(Z: FloatArray) -> float:
    """scikit-learn's rule for gamma: 1 / (d times the variance of the entries)."""
    variance = float(Z.var())
    return 1 / (Z.shape[1] * variance) if variance > 0 else 1.0


def penalty(n: int, rho: float) -> float:
    """The penalty for ``n`` answers of which a share ``rho`` is wrong, in units of the mean k(x, x).

    It is the inverse of the variance of an answer about what it says of the boundary, but for a factor of 4.
    Where answers are right it grows with their number: what is missed for a smooth boundary shrinks with it.

    >>> penalty(100, 0.0), round(penalty(100, 0.1), 2)
    (10000.0, 7.11)
    """
    hard = float(max(n, 10) ** 2)
    return min(hard, max((1 - 2 * rho) ** 2 / (rho * (1 - rho)), 0.1)) if 0 < rho < 1 else hard


def extract_and_test(
    X: FloatArray, y: FloatArray, settings: Sequence[tuple[Kernel, float]], rho: float
) -> KernelMachine:
    """The fitted machine whose kernel and penalty predict the answers best, each by all others; asks nothing.

    Tramèr et al. 2016 choose the RBF width by a grid search on held-out answers. Leaving each answer out in turn
    uses all of them, and takes no fit beyond that on all rows. The score is the log-likelihood
    of the answers under rho + (1 - 2 rho) / (1 + exp(-s f)), f left out, at the best scale s: the scale of f
    varies with kernel and penalty, and an answer that noise made wrong counts ln(1 / rho) at most.

    Args:
        X, y: encoded rows, shape (n, d), and the signs of their answers, shape (n,).
        settings: kernels with penalties; ties go to the first.
        rho: how often answers are wrong, above 0 and below 1/2.
    """
    return best_left_out([KernelMachine(kernel, C).add(X, y).fit() for kernel, C in settings], rho)


def best_left_out(machines: Sequence[KernelMachine], rho: float) -> KernelMachine:
    """Of machines fitted to the same answers, the one :func:`extract_and_test` takes."""
    return min(machines, key=lambda machine: _surprise(machine.y * machine.leave_one_out(), rho))


def _surprise(agreed: FloatArray, rho: float) -> float:
    """The mean of -log(rho + (1 - 2 rho) / (1 + exp(-s z))) over ``agreed``, at the best s."""
    likelihood = rho + (1 - 2 * rho) * expit(SCALES[:, None] * agreed)
    return float((-np.log(likelihood)).mean(axis=1).min())
