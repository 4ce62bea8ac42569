"""Weighted least squares of a network on all answers, by Gauss and Newton's method with the activity held."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from mex.types import Array, FloatArray
from mex_relu_exact.network import Network

RIDGES = (1e-14, 1e-12, 1e-10, 1e-8)
ITERATIONS, ROUNDS = 40, 4
"""Steps of conjugate gradients for one activity, and how often the activity is found anew with one factorisation."""
SLOW = 0.5
"""The share of the squares that may be left after a step that is followed by another."""
ENOUGH = 1e-12
"""The share of the gradient at which conjugate gradients end."""
ROBUST, OUTLIER, FAIR = 4, 30.0, 3.0
"""How often answers that are off by more than so many times their rounding are given less weight, from how many on."""
SAMPLES = 4
"""By how many errors of the answers those of the network are told."""
CHUNK = 1000
LARGEST = 9000
"""The most unknowns that are solved for."""


def refined(
    network: Network, U: FloatArray, Y: FloatArray, weight: FloatArray, sure: Array
) -> tuple[Network, FloatArray, Doubt] | None:
    """The network with the least weighted squares, near ``network``; None where that cannot be found.

    While it is known which neurons are on at which rows the network is linear in (W, b, G, c), and with its output
    weights, if there are several, nearly so. The largest output weight of each neuron stays as it is. The equations are
    solved by conjugate gradients (CGLS, Björck 1996), as small steps leave the normal equations too few digits; their
    factor is the preconditioner.

    Answers beside a kink that is not known are explained by no network; of those that are off much, in the end only the
    sign counts.

    Args:
        network: where to start.
        U, Y, weight: rows, scores, and weights, shape (n, d), (n, m) and (n,).
        sure: the rows at which it is known which neurons are on, shape (n,); the others are taken in afterwards.

    Returns:
        the network, how far errors of one over the weights move its hyperplanes, as a share of their weights, and how
        far they move its values at points.
    """
    problem = _Problem(network, U, Y, np.where(sure, weight, 0.0))
    if problem.unknowns > LARGEST or not problem.factorise():
        return None
    network = problem.descend(network)
    if not sure.all():
        problem.weigh(weight)
        network = problem.descend(network)
    for _ in range(ROBUST):
        left = weight * np.abs(Y - network(U)).max(axis=1)
        if float(left.max()) <= OUTLIER:
            break
        problem.weigh(weight / np.maximum(1.0, left / FAIR))
        network = problem.descend(network)
    return network, problem.errors(network), Doubt(problem, network)


class Doubt:
    """How far the values of a fitted network may be off by the errors of the answers."""

    def __init__(self, problem: _Problem, network: Network) -> None:
        self._problem = problem
        self._network = network.copy()
        self._others: list[Network] | None = None

    def __call__(self, U: FloatArray) -> FloatArray:
        """How far, at points: the most that some random errors make, shape (n,)."""
        if self._others is None:
            self._others = self._problem.others(self._network)
        own = self._network(U)
        return np.asarray(np.max([np.abs(other(U) - own).max(axis=1) for other in self._others], axis=0, initial=0.0))


class _Problem:
    """The linear least squares of the activity of a network; unknowns are the changes of (W, b), (G, c) and A."""

    def __init__(self, network: Network, U: FloatArray, Y: FloatArray, weight: FloatArray) -> None:
        self._U = U
        self._Y = Y
        self.weigh(weight)
        self._ones = np.column_stack([U, np.ones(len(U))])
        h, e, m = len(network), U.shape[1] + 1, Y.shape[1]
        self._shape = h, e, m
        self._ends = h * e, (h + m) * e
        self.unknowns = (h + m) * e + (h * m if m > 1 else 0)
        fixed = np.abs(network.A).argmax(axis=1) if h else np.zeros(0, dtype=int)
        self._free = (fixed[:, None] != np.arange(m)).astype(np.float64) * (m > 1)
        self._hold(network)

    def weigh(self, weight: FloatArray) -> None:
        """Set the weights of the rows; the factor stays."""
        self._weight = weight[:, None]

    def _hold(self, network: Network) -> None:
        """Linearise at a network."""
        self._at = network
        before = self._U @ network.W.T + network.b
        self._on = (before > 0).astype(np.float64)
        self._active = before * self._on

    def _split(self, x: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The changes of (W, b), shape (h, e), of (G, c), shape (m, e), and of A, shape (h, m)."""
        h, e, m = self._shape
        A = x[self._ends[1] :].reshape(h, m) if m > 1 else np.zeros((h, m))
        return x[: self._ends[0]].reshape(h, e), x[self._ends[0] : self._ends[1]].reshape(m, e), A * self._free

    def _forward(self, x: FloatArray) -> FloatArray:
        """The weighted change of scores by a change of the unknowns."""
        hidden, affine, A = self._split(x)
        change = (self._ones @ hidden.T * self._on) @ self._at.A + self._ones @ affine.T
        return np.asarray((change + self._active @ A if self._shape[2] > 1 else change) * self._weight)

    def _adjoint(self, residual: FloatArray) -> FloatArray:
        pull = residual * self._weight
        parts = [((pull @ self._at.A.T * self._on).T @ self._ones).ravel(), (pull.T @ self._ones).ravel()]
        if self._shape[2] > 1:
            parts.append((self._active.T @ pull * self._free).ravel())
        return np.concatenate(parts)

    def _rows(self, k: int, part: slice) -> FloatArray:
        """The weighted derivatives of output k at some rows, by the unknowns of :meth:`_columns`."""
        ones, on = self._ones[part], self._on[part]
        parts = [((on * self._at.A[:, k])[:, :, None] * ones[:, None, :]).reshape(len(ones), -1), ones]
        if self._shape[2] > 1:
            parts.append(self._active[part] * self._free[:, k])
        return np.asarray(np.hstack(parts) * self._weight[part])

    def _columns(self, k: int) -> Array:
        """Which unknowns the output k depends on."""
        h, e, m = self._shape
        parts = [np.arange(h * e), h * e + k * e + np.arange(e)]
        if m > 1:
            parts.append((h + m) * e + np.arange(h) * m + k)
        return np.concatenate(parts)

    def factorise(self) -> bool:
        """Factorise the normal equations; False if they cannot be."""
        H = np.zeros((self.unknowns, self.unknowns))
        for k in range(self._shape[2]):
            columns = self._columns(k)
            product = np.zeros((len(columns), len(columns)))
            for start in range(0, len(self._U), CHUNK):
                D = self._rows(k, slice(start, start + CHUNK))
                product += D.T @ D
            if self._shape[2] == 1:
                H = product
            else:
                H[np.ix_(columns, columns)] += product
        diagonal = np.diag(H).copy()
        self._scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1.0)
        H *= self._scale[:, None]
        H *= self._scale
        for ridge in RIDGES:
            H[np.diag_indices(self.unknowns)] = 1 + ridge
            try:
                self._factor = cho_factor(H, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            return True
        return False

    def _solve(self, g: FloatArray) -> FloatArray:
        return np.asarray(self._scale * cho_solve(self._factor, self._scale * g, check_finite=False))

    def errors(self, network: Network) -> FloatArray:
        """How far some errors of the answers move hyperplanes, as a share of their weights, shape (h,)."""
        rng, found = np.random.default_rng(0), np.zeros(len(network))
        for _ in range(SAMPLES):
            hidden, _, _ = self._split(self._solve(self._adjoint(rng.standard_normal(self._Y.shape))))
            found = np.maximum(found, np.abs(hidden).max(axis=1, initial=0.0))
        return np.asarray(found / np.maximum(np.linalg.norm(network.W, axis=1), 1e-300))

    def others(self, network: Network) -> list[Network]:
        """Fits to the values of a network with random errors, each of one over the weight of its row."""
        rng, told, found = np.random.default_rng(0), self._Y, list[Network]()
        for _ in range(SAMPLES):
            self._Y = network(self._U) + rng.standard_normal(told.shape) / np.maximum(self._weight, 1e-300)
            found.append(self.step(network) or network)
        self._Y = told
        return found

    def descend(self, network: Network) -> Network:
        """Make steps as long as they make it better."""
        for _ in range(ROUNDS):
            better = self.step(network)
            if better is None:
                break
            gain = self._squares(better) / max(self._squares(network), 1e-300)
            network = better
            if gain > SLOW:
                break
        return network

    def _squares(self, network: Network) -> float:
        return float((((self._Y - network(self._U)) * self._weight) ** 2).sum())

    def step(self, network: Network) -> Network | None:
        """A better network, or None."""
        self._hold(network)
        start = residual = (self._Y - network(self._U)) * self._weight
        x = np.zeros(self.unknowns)
        g = self._adjoint(residual)
        z = self._solve(g)
        way, gain = z, float(g @ z)
        first = gain
        for _ in range(ITERATIONS):
            if gain <= ENOUGH * first:
                break
            change = self._forward(way)
            length = gain / float((change**2).sum())
            x = x + length * way
            residual = residual - length * change
            g = self._adjoint(residual)
            z = self._solve(g)
            gain, before = float(g @ z), gain
            way = z + gain / before * way
        hidden, affine, A = self._split(x)
        better = Network(
            network.W + hidden[:, :-1],
            network.b + hidden[:, -1],
            network.A + A,
            network.G + affine[:, :-1],
            network.c + affine[:, -1],
        )
        after = (self._Y - better(self._U)) * self._weight
        return better if float((after**2).sum()) < float((start**2).sum()) else None
