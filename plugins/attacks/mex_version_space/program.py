"""The convex program of the largest ellipsoid, solved by a primal-dual interior point method."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from mex.types import FloatArray

CENTRING = 0.1
"""The share of the complementarity gap that a Newton step aims at; from 0.01 to 0.2 it makes no difference."""

MAX_STEPS = 60
"""The most Newton steps; ten are usual."""


@attrs.frozen(eq=False)
class Program:
    """maximise log det S - d/2 <v, W v>  subject to  G v >= h,  h_k the half-width of S along row k.

    Everything but the bound on the norm is homogeneous, so a penalty on the norm replaces the bound. With multipliers y
    and slacks z = G v - h the solution satisfies

        G' (y h) = d W v,    y z = 0,    S^-2 = G' Y G,  or  s_i^-2 = sum_k y_k P_ki where S is diagonal

    so that the shape, and with it h, is a function of y (Zhang and Gao, SIAM J. Optim. 14, 2003). Newton steps in v, y
    and z follow y z = mu as mu decreases to 0.

    Attributes:
        G: the halfspaces, shape (m, d).
        P: the squares of ``G`` in the coordinates of the features if S is diagonal, else None.
        W: the diagonal of the weight matrix W, shape (d,).
    """

    G: FloatArray
    P: FloatArray | None
    W: FloatArray

    def root(self, y: FloatArray) -> FloatArray:
        """The semi-axes of a diagonal S, shape (d,), or R with S^2 = R R', shape (d, d)."""
        if self.P is not None:
            return np.asarray((y @ self.P) ** -0.5)
        L = np.linalg.cholesky((self.G.T * y) @ self.G)
        return np.asarray(solve_triangular(L, np.eye(len(L)), lower=True).T)

    def half_widths(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """h, and Q with dh/dy = -Q / 2h."""
        if self.P is None:
            K = self.G @ np.linalg.inv((self.G.T * y) @ self.G) @ self.G.T
            return np.sqrt(np.diag(K)), K * K
        R = self.P / (y @ self.P)
        return np.sqrt(R.sum(axis=1)), R @ R.T

    def solve(self, y: FloatArray, tolerance: float) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """v, y and the root that satisfy the conditions to ``tolerance``, from v = (1, 0, …); None if it fails."""
        try:
            solution = self._newton(y, tolerance)
            return None if solution is None else (*solution, self.root(solution[1]))
        except np.linalg.LinAlgError:
            return None

    def _newton(self, y: FloatArray, tolerance: float) -> tuple[FloatArray, FloatArray] | None:
        G, dW = self.G, len(self.W) * self.W
        v = np.eye(len(self.W))[0]
        fit = 0.9 * np.min(G @ v / self.half_widths(y)[0])
        if not fit > 0:
            return None
        y = y / min(fit, 1.0) ** 2  # a shape around v strictly inside the cone
        h, Q = self.half_widths(y)
        z = G @ v - h
        centring = CENTRING
        for _ in range(MAX_STEPS):
            inner = G @ v - h
            residual = dW * v - G.T @ (y * h)
            gap = np.max(np.abs(residual), initial=y * h @ z) / len(v)
            if max(gap, np.max(np.abs(inner - z) / h)) <= tolerance:
                return v, y
            # Elimination of dz and dy leaves d equations: dy = (Q + 2hz/y)^-1 2h e with e = mu/y - inner - G dv,
            # and the first condition becomes G'((h + z) dy - y e) - d W dv = residual.
            mu = centring * (y @ z) / len(y)
            E = np.column_stack([G, mu / y - inner])
            Q[np.diag_indices_from(Q)] += 2 * h * z / y
            D = cho_solve(cho_factor(Q, overwrite_a=True, check_finite=False), 2 * h[:, None] * E, check_finite=False)
            H = G.T @ ((h + z)[:, None] * D - y[:, None] * E)
            dv = np.linalg.solve(H[:, :-1] + np.diag(dW), H[:, -1] - residual)
            dy = D[:, -1] - D[:, :-1] @ dv
            dz = (mu - z * dy) / y - z
            step = 0.95 / max(0.95, np.max(-dy / y), np.max(-dz / z))  # so that y and z stay positive
            v, y, z = v + step * dv, y + step * dy, z + step * dz
            h, Q = self.half_widths(y)
            centring = CENTRING if step > 0.5 else 0.5
        return None
