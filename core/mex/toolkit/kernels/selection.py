"""The choice of encoder, kernel and penalty, from what is public of f* and from the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
"""How many uniform rows the encoder is fitted to where there is no pool."""
SCALES = 2.0 ** np.arange(-6, 9)
"""Grid for the slope s of the likelihood of an answer (:func:`extract_and_test`)."""
WIDTHS = 2.0 ** np.arange(-5, 6)
"""Grid for gamma, as multiples of scikit-learn's rule ``scale``."""


def encoder(known: Knowledge, rng: np.random.Generator) -> Estimator:
    """The fitted transformer before the kernel.

    It is what precedes the machine in the public learner of f*, fitted on the pool or uniform rows, since the
    operator's means and scales are not public. If f* is no public kernel machine it standardises.
    """
    rows = known.pool if known.pool is not None and len(known.pool) else known.domain.sample(REFERENCE, rng)
    learner = known.family.learner
    if known.family.kind != "kernel" or learner is None:
        return StandardScaler().fit(rows)
    if isinstance(learner, Pipeline) and len(learner) > 1:
        return clone(learner[:-1]).fit(rows)
    return FunctionTransformer().fit(rows)


def without_checks(encoder: Estimator) -> Callable[[FloatArray], FloatArray]:
    """What a fitted transformer makes of rows, without its checks of them: of single rows they take most of the time.

    Only those that scale columns have none here; others do as they are.

    >>> X = np.array([[1.0, 2.0], [3.0, 8.0]])
    >>> without_checks(StandardScaler().fit(X))(X)
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    steps = list(encoder) if isinstance(encoder, Pipeline) else [encoder]
    if any(type(step) is not StandardScaler for step in steps):
        return lambda X: np.asarray(encoder.transform(X), dtype=np.float64)

    def scaled(X: FloatArray) -> FloatArray:
        for step in steps:
            X = X - step.mean_ if step.with_mean else X
            X = X / step.scale_ if step.with_std else X
        return X

    return scaled


def public_kernel(known: Knowledge, Z: FloatArray) -> Kernel | None:
    """The kernel of f* if it is public, else None; ``Z`` are encoded rows, for scikit-learn's rules for gamma."""
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


def rbf_grid(Z: FloatArray) -> list[Kernel]:
    """RBF kernels with :data:`WIDTHS` times the gamma of :func:`scale`."""
    return [Kernel("rbf", float(g)) for g in scale(Z) * WIDTHS]


def scale(Z: FloatArray) -> float:
    """scikit-learn's rule ``scale`` for gamma: 1 / (d times the variance of the entries)."""
    variance = float(Z.var())
    return 1 / (Z.shape[1] * variance) if variance > 0 else 1.0


def penalty(n: int, rho: float) -> float:
    """The penalty C for ``n`` answers of which a share ``rho`` is wrong, in units of 1 / mean k(x, x).

    Under noise (1 - 2 rho)^2 / (rho (1 - rho)), in proportion to the inverse variance of an answer, and at least 0.1.
    Without noise, and as an upper bound with it, n^2: the margin may be as hard as the number of answers allows.

    >>> penalty(100, 0.0), round(penalty(100, 0.1), 2)
    (10000.0, 7.11)
    """
    hard = float(max(n, 10) ** 2)
    return min(hard, max((1 - 2 * rho) ** 2 / (rho * (1 - rho)), 0.1)) if 0 < rho < 1 else hard


def extract_and_test(
    X: FloatArray, y: FloatArray, settings: Sequence[tuple[Kernel, float]], rho: float
) -> KernelMachine:
    """The fitted machine whose kernel and penalty predict each answer best from all others.

    The extract-and-test of Tramèr et al. 2016, who hold answers out, with the closed form of leave-one-out instead. The
    score is the log-likelihood of the answers under the probability rho + (1 - 2 rho) / (1 + exp(-s y f)), where f is
    the left-out decision value and s the best of :data:`SCALES`, since the scale of f varies with kernel and penalty.

    Args:
        X, y: encoded rows, shape (n, d), and the signs of their answers, shape (n,).
        settings: kernels with penalties; of several that are equally good the first is taken.
        rho: the probability of a wrong answer, above 0 and below 1/2.
    """
    return best_by_leave_one_out([KernelMachine(kernel, C).add(X, y).fit() for kernel, C in settings], rho)


def best_by_leave_one_out(machines: Sequence[KernelMachine], rho: float) -> KernelMachine:
    """The best by the score of :func:`extract_and_test` of machines fitted to the same answers."""
    return min(machines, key=lambda machine: _log_loss(machine.y * machine.leave_one_out(), rho))


def _log_loss(margins: FloatArray, rho: float) -> float:
    """The mean of -log(rho + (1 - 2 rho) / (1 + exp(-s m))) over the margins m = y f, at the best s."""
    likelihood = rho + (1 - 2 * rho) * expit(SCALES[:, None] * margins)
    return float((-np.log(likelihood)).mean(axis=1).min())
