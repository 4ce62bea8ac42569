"""Weighted least squares of a network on all answers, by Gauss and Newton's method with the activity held."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from mex.types import Array, FloatArray
from mex_relu_exact.network import Network

RIDGES = (1e-14, 1e-12, 1e-10)
ROUNDS = 6
"""Corrections of the residual with one factorisation."""
CHUNK = 1000
LARGEST = 9000
"""The most unknowns that are solved for."""


def refined(network: Network, U: FloatArray, Y: FloatArray, weight: FloatArray) -> Network | None:
    """The network with the least weighted squares, near ``network``; None where that cannot be found.

    While it is known which neurons are on at which rows the network is linear in (W, b, G, c), and with its output
    weights, if there are several, nearly so. The largest output weight of each neuron stays as it is.

    Args:
        network: where to start.
        U, Y, weight: rows, scores, and weights, shape (n, d), (n, m) and (n,).
    """
    network = network.copy()
    for _ in range(1 if Y.shape[1] == 1 else 2):
        problem = _Problem(network, U, Y, weight)
        if problem.unknowns > LARGEST or not problem.factorise():
            return None
        for _ in range(ROUNDS):
            better = problem.step(network)
            if better is None:
                break
            network = better
    return network


def misfit(network: Network, U: FloatArray, Y: FloatArray, weight: FloatArray) -> float:
    """The root of the mean of the weighted squares."""
    return float(np.sqrt(np.mean((weight[:, None] * (Y - network(U))) ** 2)))


class _Problem:
    """The linear least squares of one activity."""

    def __init__(self, network: Network, U: FloatArray, Y: FloatArray, weight: FloatArray) -> None:
        self._U, self._Y, self._weight = U, Y, weight
        h, e, m = len(network), U.shape[1] + 1, Y.shape[1]
        self._shape = h, e, m
        self._at = network
        self._outputs = m > 1
        self.unknowns = h * e + m * e + (h * m if self._outputs else 0)
        self._fixed = np.abs(network.A).argmax(axis=1) if h else np.zeros(0, dtype=int)

    def _columns(self, k: int) -> Array:
        """Which unknowns the output k depends on."""
        h, e, m = self._shape
        parts = [np.arange(h * e), h * e + k * e + np.arange(e)]
        if self._outputs:
            parts.append(h * e + m * e + k * h + np.arange(h))
        return np.concatenate(parts)

    def _rows(self, k: int, part: slice) -> FloatArray:
        """The weighted derivatives of output k at some rows."""
        U, network = self._U[part], self._at
        ones = np.column_stack([U, np.ones(len(U))])
        before = U @ network.W.T + network.b
        on = before > 0
        parts = [((on * network.A[:, k])[:, :, None] * ones[:, None, :]).reshape(len(U), -1), ones]
        if self._outputs:
            parts.append(before * on * (self._fixed != k))
        return np.asarray(np.hstack(parts) * self._weight[part, None])

    def _parts(self) -> list[slice]:
        return [slice(i, i + CHUNK) for i in range(0, len(self._U), CHUNK)]

    def factorise(self) -> bool:
        H = np.zeros((self.unknowns, self.unknowns))
        for k in range(self._shape[2]):
            columns = self._columns(k)
            product = sum((D.T @ D for part in self._parts() if len(D := self._rows(k, part))), np.zeros(()))
            if self._shape[2] == 1:
                H += product
            else:
                H[np.ix_(columns, columns)] += product
        diagonal = np.diag(H).copy()
        self._scale = np.where(diagonal > 0, 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1.0)
        H *= self._scale[:, None] * self._scale
        for ridge in RIDGES:
            H[np.diag_indices(self.unknowns)] = 1 + ridge
            try:
                self._factor = cho_factor(H, check_finite=False)
            except np.linalg.LinAlgError:
                continue
            return True
        return False

    def step(self, network: Network) -> Network | None:
        """A better network, or None."""
        h, e, m = self._shape
        residual = (self._Y - network(self._U)) * self._weight[:, None]
        pull, at = residual * self._weight[:, None], self._at
        ones = np.column_stack([self._U, np.ones(len(self._U))])
        before = self._U @ at.W.T + at.b
        on = before > 0
        parts = [(((pull @ at.A.T) * on).T @ ones).ravel(), (pull.T @ ones).ravel()]
        if self._outputs:
            free = self._fixed != np.arange(m)[:, None]
            parts.append((((before * on).T @ pull).T * free).ravel())
        gradient = np.concatenate(parts)
        step = self._scale * cho_solve(self._factor, self._scale * gradient, check_finite=False)
        better = network.copy()
        hidden, affine = step[: h * e].reshape(h, e), step[h * e : (h + m) * e].reshape(m, e)
        better.W += hidden[:, :-1]
        better.b += hidden[:, -1]
        better.G += affine[:, :-1]
        better.c += affine[:, -1]
        if self._outputs:
            better.A += step[(h + m) * e :].reshape(m, h).T
        after = (self._Y - better(self._U)) * self._weight[:, None]
        return better if float((after**2).sum()) < float((residual**2).sum()) else None
