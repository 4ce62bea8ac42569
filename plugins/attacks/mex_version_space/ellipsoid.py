"""The largest ellipsoid in a cone of halfspaces, by a primal-dual interior point method."""

from __future__ import annotations

import attrs
import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from mex.types import BoolArray, FloatArray

NEAR = 4.0
"""A halfspace further from a guess than this many half-widths is left out until the solution is found to leave it."""

CENTRING = 0.1
"""The share of the complementarity gap that a Newton step aims at; the same steps suffice from 0.01 to 0.2."""

MAX_STEPS = 60
"""Ten are usual; more than this is no convergence."""


@attrs.frozen(eq=False)
class Ellipsoid:
    """The ellipsoid {centre + root v : ||v|| <= 1} in a cone, with the multipliers that prove it the largest.

    Attributes:
        centre: the unit vector u, shape (d,).
        root: the semi-axes of a diagonal ellipsoid, shape (d,), or the factor R of a full one, shape
            (d, d): the ellipsoid's matrix is S^2 = R R'.
        multipliers: y_k of each halfspace, shape (m,), 0 for one that was left out as it does not bind.
    """

    centre: FloatArray
    root: FloatArray
    multipliers: FloatArray

    @classmethod
    def touching(cls, A: FloatArray) -> Ellipsoid:
        """The ball that touches k orthonormal halfspaces, rows of ``A``: the solution if k = d."""
        k, d = A.shape
        return cls(A.sum(axis=0) / k**0.5, np.full(d, k**-0.5), np.full(k, float(k)))

    def half_widths(self, A: FloatArray) -> FloatArray:
        """||S a|| for each row a of ``A``: how far the ellipsoid reaches from its centre along a."""
        return norms(self.image(A))

    def image(self, A: FloatArray) -> FloatArray:
        """Each row of ``A`` where this ellipsoid is the unit ball."""
        return A * self.root if self.root.ndim == 1 else A @ self.root

    @property
    def size(self) -> float:
        """Root of the sum of the squared semi-axes orthogonal to the centre.

        The geometric error of the centre is about 0.7 of it in root mean square, for either shape and d
        from 2 to 64, and within it more than nine times in ten from d = 3 (measured on uniform targets).
        """
        return float(np.linalg.norm(self._spread()))

    def tangent_axes(self) -> FloatArray:
        """The axes orthogonal to the centre, unit rows with the longest first, shape (d - 1, d)."""
        spread = self._spread()
        _, V = np.linalg.eigh(spread @ spread.T)
        return np.ascontiguousarray((frame(self.centre)[:, 1:] @ V[:, ::-1]).T)

    def cut(self, A: FloatArray) -> Ellipsoid:
        """An ellipsoid in the part where A u >= 0, for k rows along principal axes orthogonal to the centre.

        Where this ellipsoid is the unit ball, the cuts are k orthogonal planes through its centre; a ball
        of radius t = 1 / (1 + sqrt k) at the distance t from each touches them and the unit sphere.
        """
        t = 1 / (1 + len(A) ** 0.5)
        image = self.image(A)
        image /= norms(image)[:, None]
        step = (image * self.root if self.root.ndim == 1 else image @ self.root.T).sum(axis=0)
        centre = self.centre + t * step
        shrink = t / float(np.linalg.norm(centre))
        multipliers = np.append(self.multipliers, np.zeros(len(A))) / shrink**2
        return Ellipsoid(centre * shrink / t, self.root * shrink, multipliers)

    def _spread(self) -> FloatArray:
        return self.image(frame(self.centre)[:, 1:].T)


@np.errstate(all="ignore")
def inscribe(A: FloatArray, guess: Ellipsoid, *, diagonal: bool, tolerance: float = 1e-4) -> Ellipsoid | None:
    """Find the largest ellipsoid in the cone {u : A u >= 0} with its centre on the unit sphere.

    This is the program of Alabdulmohsin, Gao and Zhang (AAAI 2015), with S diagonal in their routine::

        maximise  log det S   subject to   <a_k, u> >= ||S a_k||  for all k,   ||u|| <= 1

    Only halfspaces near the guess enter it, and the solution is checked against all of them: the largest
    ellipsoid in fewer halfspaces that lies in the others too is the largest in all. So one that can bind
    is never lost, and one that is far today may bind later.

    Args:
        A: the unit normals a_k, shape (m, d); d of them independent for an ellipsoid that is not diagonal.
        guess: an ellipsoid in the cone, with a multiplier for each row of ``A``.
        diagonal: whether S is diagonal.
        tolerance: of the optimality conditions, relative to the ellipsoid's own size. What the attack asks
            next hardly depends on it.

    Returns:
        The ellipsoid, or None if none is largest (too few halfspaces) or float64 cannot tell (a cone too thin).

    >>> quadrant = np.eye(2)
    >>> inscribe(quadrant, Ellipsoid.touching(quadrant), diagonal=True).root.round(3)
    array([0.707, 0.707])
    """
    image, slack = guess.image(A), A @ guess.centre
    reach, across = norms(image), norms(image - np.outer(slack, guess.image(guess.centre)))
    near = (slack <= NEAR * across) | (guess.multipliers * reach**2 > 1e-3)  # those that bound the guess stay
    # A multiplier near 0 would start beside the central path, where steps are short.
    start = np.maximum(guess.multipliers, 0.1 / reach**2)
    while True:
        found = _solve(A, near, guess.centre, start, guess.size or 1.0, diagonal, tolerance)
        if found is not None:
            left = (A @ found.centre < (1 - tolerance) * found.half_widths(A)) & ~near
            if not left.any():
                return found
            near |= left
        elif near.all():
            return None
        else:
            near[:] = True


def _solve(
    A: FloatArray, near: BoolArray, u: FloatArray, y: FloatArray, scale: float, diagonal: bool, tolerance: float
) -> Ellipsoid | None:
    """Solve over the rows ``near`` in coordinates v where the cone is as wide as it is high.

    They are u = T v with T = [u0, scale N], u0 the guess and N its orthogonal complement. Rounding then is
    relative to the width of the cone, which takes the attack to errors of 1e-12.
    """
    if near.sum() < (1 if diagonal else len(u)):
        return None  # nothing to bound it
    T = frame(u)
    T[:, 1:] *= scale
    weight = np.full(len(u), scale**2)
    weight[0] = 1.0
    program = _Program(A[near] @ T / scale, A[near] ** 2 if diagonal else None, weight)
    warm, cold = y[near] * scale**2, program.G[:, 0] ** -2
    solution = program.solve(warm, tolerance) or program.solve(cold, tolerance)
    if solution is None:
        return None
    v, y_near, root = solution
    centre = T @ v
    norm = np.linalg.norm(centre)
    multipliers = np.zeros(len(A))
    multipliers[near] = y_near * (norm / scale) ** 2
    return Ellipsoid(centre / norm, (scale * root if diagonal else T @ root) / norm, multipliers)


@attrs.frozen(eq=False)
class _Program:
    """maximise log det S - d/2 <v, W v>  subject to  G v >= h,  h_k the half-width of S along row k.

    All but the bound on the norm is homogeneous, so a penalty on the norm does for the bound. With
    multipliers y and slacks z = G v - h the solution has

        G' (y h) = d W v,    y z = 0,    S^-2 = G' Y G,  or  s_i^-2 = sum_k y_k P_ki where S is diagonal

    so that the shape, and with it h, is a function of y, as in Zhang and Gao (SIAM J. Optim. 14, 2003).
    Newton steps in v, y and z follow y z = mu as mu falls to 0.
    """

    G: FloatArray
    P: FloatArray | None
    W: FloatArray

    def root(self, y: FloatArray) -> FloatArray:
        """The semi-axes, or R such that S^2 = R R'."""
        if self.P is not None:
            return np.asarray((y @ self.P) ** -0.5)
        L = np.linalg.cholesky((self.G.T * y) @ self.G)
        return np.asarray(solve_triangular(L, np.eye(len(L)), lower=True).T)

    def half_widths(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """h, and Q such that dh/dy = -Q / 2h."""
        if self.P is None:
            K = self.G @ np.linalg.inv((self.G.T * y) @ self.G) @ self.G.T
            return np.sqrt(np.diag(K)), K * K
        R = self.P / (y @ self.P)
        return np.sqrt(R.sum(axis=1)), R @ R.T

    def solve(self, y: FloatArray, tolerance: float) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """v, y and the root that meet the conditions to ``tolerance``, from v = (1, 0, …); None if not found."""
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
        y = y / min(fit, 1.0) ** 2  # a shape that fits around v with room to spare
        h, Q = self.half_widths(y)
        z = G @ v - h
        centring = CENTRING
        for _ in range(MAX_STEPS):
            inner = G @ v - h
            residual = dW * v - G.T @ (y * h)
            gap = np.max(np.abs(residual), initial=y * h @ z) / len(v)
            if max(gap, np.max(np.abs(inner - z) / h)) <= tolerance:
                return v, y
            # Eliminating dz and dy leaves d equations: dy = (Q + 2hz/y)^-1 2h e with e = mu/y - inner - G dv,
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


def frame(u: FloatArray) -> FloatArray:
    """An orthogonal matrix whose first column is the unit vector ``u``: a Householder reflection, or minus one."""
    sign = 1.0 if u[0] >= 0 else -1.0
    v = u.copy()
    v[0] += sign
    return np.asarray(sign * (np.outer(v, v) / abs(v[0]) - np.eye(len(u))))


def norms(A: FloatArray) -> FloatArray:
    """The Euclidean norm of each row."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", A, A)))
