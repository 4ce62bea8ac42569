"""The convex program of ``model-distribution``: the widest distribution of halfspaces that is reliable.

A draw w ~ N(mu, S^2) answers the row z as mu does with probability Phi(|<mu, z>| / ||S z||). This is nu or more if
``|<mu, z>| >= Phi^-1(nu) ||S z||``, a second-order cone in (mu, S); with W = Phi^-1(nu) S it does not depend on nu.
With S diagonal and y the sign of <m, z>, this module solves

    maximise    tr W - C/2 ||W||_F^2    over mu, W
    subject to  y_i <mu, z_i> >= ||W z_i||      for each row i that is to be answered reliably
                y_i <mu, z_i> >= y_i <m, z_i> / 2   for each other row that m gets right
                0 <= W <= 1,  mu - m is orthogonal to m and no longer than ``drift``

where m is the unit normal of f*. Without drift mu is m, and the squared constraints are linear in W^2.
"""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
from scipy import sparse

from mex import Incompatible
from mex.types import Array, BoolArray, FloatArray

TOLERANCE = 1e-8
"""By how much a row may violate its constraint, as a share of its margin, without being added to the program."""
STEP = 60
"""How many rows are added at a time: those that violate it most."""
ROUNDS = 500
"""The most programs that are solved."""


@attrs.frozen(eq=False)
class Widest:
    """A solution.

    Attributes:
        mean: mu, shape (p,).
        width: the diagonal of W, shape (p,).
        rounds: how many programs were solved, each on the active rows only.
        active: how many rows were active in the last one; the others satisfy their constraints as well.
    """

    mean: FloatArray
    width: FloatArray
    rounds: int
    active: int

    def excess(self, Z: FloatArray, signs: FloatArray) -> FloatArray:
        """||W z_i|| - y_i <mu, z_i>, at most 0 where the constraint holds, shape (n,)."""
        return np.asarray(np.linalg.norm(Z * self.width, axis=1) - signs * (Z @ self.mean))


def widest(Z: FloatArray, signs: FloatArray, reliable: BoolArray, mean: FloatArray, C: float, drift: float) -> Widest:
    """Solve the program with an active set: for a few rows, and again with those that violate it, until none does.

    The result is optimal for all rows, since it is optimal for some and the others satisfy their constraints.

    Args:
        Z: rows, shape (n, p).
        signs: y, +1.0 or -1.0, shape (n,).
        reliable: which rows are to be answered reliably, shape (n,); ``mean`` has to get them right.
        mean: m, a unit vector, shape (p,).
        C: the penalty of the squared spread.
        drift: how far mu may be from m.

    Raises:
        Incompatible: if Clarabel is not installed or does not solve the program.
    """
    margin = np.abs(Z @ mean)
    rows, edge = np.flatnonzero(reliable), np.flatnonzero(~reliable & (signs * (Z @ mean) > 0))
    solver = _Solver(Z, signs, margin, rows, mean, C, drift)
    weight = ((Z[rows] / margin[rows, None] * solver.scale) ** 2).sum(axis=1)
    active, active_edge = rows[np.argsort(-weight, kind="stable")[:STEP]], edge[:0]
    for round_ in range(1, ROUNDS + 1):
        solution = Widest(*solver.solve(active, active_edge), round_, len(active))
        excess = solution.excess(Z[rows], signs[rows]) / margin[rows]
        violated = _worst(excess, rows, active)
        edge_violated = (
            _worst(0.5 - signs[edge] * (Z[edge] @ solution.mean) / margin[edge], edge, active_edge)
            if drift > 0
            else edge[:0]
        )
        if not len(violated) and not len(edge_violated):
            # Make up for the rounding of the solver: a little narrower, every constraint holds.
            length = np.linalg.norm(Z[rows] * solution.width, axis=1)
            room = signs[rows] * (Z[rows] @ solution.mean)
            share = float(np.min(room[length > 0] / length[length > 0], initial=1.0))
            return attrs.evolve(solution, width=solution.width * max(share, 0.0))
        active, active_edge = np.append(active, violated), np.append(active_edge, edge_violated)
    raise Incompatible(f"model-distribution: no solution of its program after {ROUNDS} rounds")


def _worst(excess: FloatArray, rows: Array, known: Array) -> Array:
    """Those of ``rows`` with the largest excess that are not in ``known``, at most :data:`STEP`."""
    order = np.argsort(-excess, kind="stable")
    worst = rows[order[excess[order] > TOLERANCE]]
    return worst[~np.isin(worst, known)][:STEP]


class _Solver:
    """The program on some rows, in units in which the margin of a row and the largest width of a component are 1."""

    def __init__(
        self,
        Z: FloatArray,
        signs: FloatArray,
        margin: FloatArray,
        rows: Array,
        mean: FloatArray,
        C: float,
        drift: float,
    ) -> None:
        try:
            import clarabel
        except ImportError:
            raise Incompatible(
                "model-distribution solves its program with Clarabel: pip install 'model-extraction[defenses]'"
            ) from None
        self._clarabel: Any = clarabel
        self._Z = Z
        self._signs = signs
        self._margin = margin
        self._mean = mean
        self._C = C
        self._drift = drift
        steepest = np.max(np.abs(Z[rows]) / margin[rows, None], axis=0, initial=1.0)
        self.scale = np.minimum(1.0 / steepest, 1.0 / max(C, 1.0))
        """The largest width of each component that every row, without drift, and C allow."""

    def solve(self, active: Array, active_edge: Array) -> tuple[FloatArray, FloatArray]:
        return self._cones(active, active_edge) if self._drift > 0 else (self._mean, self._linear(active))

    def _linear(self, active: Array) -> FloatArray:
        """Without drift: maximise sum s - C/2 sum t over s^2 <= t <= 1, linear in t for each row."""
        p, scale = len(self.scale), self.scale
        A = (self._Z[active] / self._margin[active, None] * scale) ** 2
        eye, zero = sparse.eye(p), sparse.csc_matrix((p, p))
        square = sparse.kron(sparse.eye(p), [[0.0], [-2.0], [0.0]])  # (1 + t, 2 s, 1 - t) is in the cone
        line = sparse.kron(sparse.eye(p), [[-1.0], [0.0], [1.0]])
        blocks = [[sparse.csc_matrix(A.shape), A], [zero, eye], [square, line]]
        bounds = np.concatenate([np.ones(len(A) + p), np.tile([1.0, 0.0, 1.0], p)])
        cones = [self._clarabel.NonnegativeConeT(len(A) + p)] + [self._clarabel.SecondOrderConeT(3)] * p
        cost = np.concatenate([-scale, self._C / 2 * scale**2]) / scale.max()
        s = self._run(np.zeros(2 * p), cost, blocks, bounds, cones)[:p]
        return np.asarray(np.clip(s, 0, 1) * scale)

    def _cones(self, active: Array, active_edge: Array) -> tuple[FloatArray, FloatArray]:
        """With drift: maximise sum s - C/2 sum s^2 over (s, mu - m), a second-order cone for each row."""
        p, scale = len(self.scale), self.scale
        eye, none = sparse.eye(p), sparse.csc_matrix((p, p))
        toward = self._signs[:, None] * self._Z
        room = toward[active] / self._margin[active, None]
        spread = np.abs(self._Z[active]) / self._margin[active, None] * scale
        cone = sparse.vstack(
            [sparse.vstack([sparse.csc_matrix((1, p)), sparse.diags(-row)]) for row in spread], format="csc"
        )
        head = sparse.kron(-room, np.eye(p + 1, 1))
        ball = sparse.vstack([sparse.csc_matrix((1, p)), -eye])
        blocks = [
            [sparse.csc_matrix((1, p)), self._mean[None]],
            [-eye, none],
            [eye, none],
            [sparse.csc_matrix((len(active_edge), p)), -toward[active_edge]],
            [sparse.csc_matrix((p + 1, p)), ball],
            [cone, head],
        ]
        one = np.eye(p + 1, 1)[:, 0]
        bounds = [np.zeros(1 + p), 1 / max(self._C, 1.0) / scale, self._margin[active_edge] / 2, self._drift * one]
        n = len(active)
        cones = [
            self._clarabel.ZeroConeT(1),
            self._clarabel.NonnegativeConeT(2 * p + len(active_edge)),
            *[self._clarabel.SecondOrderConeT(p + 1)] * (1 + n),
        ]
        quadratic = np.concatenate([self._C * scale**2, np.zeros(p)]) / scale.max()
        cost = np.concatenate([-scale, np.zeros(p)]) / scale.max()
        x = self._run(quadratic, cost, blocks, np.concatenate([*bounds, np.tile(one, n)]), cones)
        return self._mean + x[p:], np.maximum(x[:p], 0) * scale

    def _run(self, quadratic: FloatArray, cost: FloatArray, blocks: Any, bounds: FloatArray, cones: Any) -> FloatArray:
        settings = self._clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_threads = 1
        P, A = sparse.diags(quadratic, format="csc"), sparse.csc_matrix(sparse.bmat(blocks))
        solution = self._clarabel.DefaultSolver(P, cost, A, bounds, cones, settings).solve()
        if str(solution.status) not in ("Solved", "AlmostSolved"):
            raise Incompatible(f"model-distribution: its program was not solved (Clarabel says {solution.status})")
        return np.asarray(solution.x, dtype=np.float64)
