"""The attack of who knows how a randomised halfspace is drawn: probit regression on rows near its mean's boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from mex import Incompatible, Knowledge, Learner, Scope
from mex.charted import Charted
from mex.params import Check, above, between, doc, either, whole
from mex.types import FloatArray

IntArray = npt.NDArray[np.int64]

NARROWEST = 1e-6
"""The least spread that is believed: no direction is noise-free to a learner that divides by the noise."""
GROWTH = 0.25
"""The next round as a share of what was asked so far: later rows are chosen by nearly all that is known."""


def _spreads() -> Check:
    def accepts(value: object) -> bool:
        return isinstance(value, list | tuple) and len(value) > 0 and all(map(between(0, 1e9).accepts, value))

    return either(above(0), Check("a list of numbers of at least 0, one a component", accepts))


@attrs.frozen(kw_only=True)
class Probit:
    """Ask rows orthogonal to the mean so far, fit the mean by probit regression with the known noise.

    If each answer is the sign of <w, x> for a fresh w ~ N(mu, Sigma), then P(+ | x) = Phi(<mu, x> / sqrt(x' Sigma x)):
    a probit model whose noise is known to who knows Sigma. Rows on the boundary of mu tell most, with Fisher
    information (2/pi) x x' / (x' Sigma x). The learner keeps the posterior of mu (its mode and the curvature
    there), draws a mean from it for each row, and asks along an eigenvector of Sigma made orthogonal to that
    mean; the eigenvectors share a round such that the squared error expected after it is least, which tends
    to shares in proportion to the roots of the eigenvalues. It stops when the root mean square error
    expected is ``eps``. For small eps that takes about (pi/2) tr((P Sigma P)^1/2)^2 / eps^2 queries with P along
    mu (derived; no source), and never fewer than a halfspace takes that answers without noise.

    The spread is *knowledge of the defense*, given as a parameter; nothing is looked up. A wrong spread
    costs queries and makes the stop wrong, not the direction learned. Sticky draws break the attack's assumption.

    >>> import mex
    >>> w = np.array([0.6, 0.8, 0.0])
    >>> family = mex.Family("linear", {"intercept": False})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(mex.halfspace(w), family=family), budget=10_000)
    >>> stolen = mex.extract(oracle, Probit(spread=0.1, eps=0.05).learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> stolen.stopped, bool(np.linalg.norm(stolen.hypothesis.coef_[0] - w) < 0.1)
    ('done', True)
    """

    spread: float | Sequence[float] = attrs.field(
        default=0.1,
        validator=_spreads(),
        metadata=doc(
            "knowledge of the defense: the standard deviation of the components of w where ||mu|| = 1,"
            " one for all or a list"
        ),
    )
    eps: float = attrs.field(default=0.1, validator=above(0), metadata=doc("the geometric error aimed at"))
    batch: int = attrs.field(default=20_000, validator=whole(1), metadata=doc("the most directions to ask at once"))

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear", answers="label")
    paper: ClassVar[str] = "derived for the defense in Chandrasekaran et al. 2020, Section 6.1; no source"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the homogeneous problem behind the target's chart."""
        if not isinstance(self.spread, int | float):
            unbounded = not np.isfinite([knowledge.domain.lower, knowledge.domain.upper]).any()
            d = knowledge.domain.n_features + bool(knowledge.family.public.get("intercept", True))
            if not unbounded:
                raise Incompatible("probit: in a box no list tells the spread of w, only one number for all directions")
            if len(self.spread) != d:
                raise Incompatible(f"probit: w has {d} components here, and spread lists {len(self.spread)}")
        return Charted(knowledge, rng, lambda d, stream: NoisyDirection(self, d, stream), eps=self.eps)


class NoisyDirection:
    """Learns the mean of the normals behind the answers, whose noise it knows."""

    def __init__(self, attack: Probit, d: int, rng: np.random.Generator) -> None:
        self._attack, self._rng = attack, rng
        self._spread = np.maximum(np.broadcast_to(attack.spread, d), NARROWEST).astype(np.float64)
        self._rows = np.empty((0, d))  # x y / sqrt(x' Sigma x)
        self._mean, self._cov = np.zeros(d), np.eye(d) / d  # the prior knows that ||mu|| = 1
        self._pending: FloatArray | None = self._round()

    def ask(self) -> FloatArray | None:
        """Directions orthogonal to the mean so far, give or take what is not known of it."""
        return self._pending

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Fit the mean to all answers."""
        noise = np.linalg.norm(V * self._spread, axis=1)
        self._rows = np.concatenate([self._rows, V * (signs / noise)[:, None]])
        self._mean, self._cov = posterior(self._rows, self._mean)
        self._pending = None if self._error() <= self._attack.eps else self._round()

    def estimate(self) -> FloatArray:
        """The direction of the posterior mode."""
        length = float(np.linalg.norm(self._mean))
        return self._mean / length if length > 0 else self._mean

    def _projection(self) -> FloatArray:
        """Along the mean."""
        unit = self.estimate()
        return np.asarray(np.eye(len(unit)) - np.outer(unit, unit))

    def _error(self) -> float:
        """The root mean square error of the direction that the posterior expects."""
        P, length = self._projection(), float(np.linalg.norm(self._mean))
        return float(np.sqrt(np.trace(P @ self._cov @ P)) / length) if length > 0 else np.inf

    def _round(self) -> FloatArray:
        d = len(self._mean)
        n = int(np.clip(GROWTH * len(self._rows), d, max(self._attack.batch, 1)))
        P = self._projection()
        values, axes = np.linalg.eigh(P * self._spread**2 @ P)
        first = 1 if d > 1 and self._mean.any() else 0  # the mean itself, which P takes away
        noise, U = np.maximum(values[first:], NARROWEST**2), axes[:, first:]
        variance = np.einsum("ik,ij,jk->k", U, self._cov, U)
        counts = shares(1 / variance, 2 / np.pi / (noise + variance), n)
        V = np.repeat(U.T, counts, axis=0)
        drawn = self._mean + self._rng.standard_normal(V.shape) @ np.linalg.cholesky(self._cov).T
        across = V - np.einsum("ij,ij->i", V, drawn)[:, None] / np.sum(drawn**2, axis=1)[:, None] * drawn
        usable = np.linalg.norm(across, axis=1, keepdims=True) > 1e-6  # in one dimension nothing is orthogonal
        return np.asarray(np.where(usable, across, V))


def shares(precision: FloatArray, information: FloatArray, n: int) -> IntArray:
    """How to share ``n`` queries among directions so that the sum of the variances afterwards is least.

    A direction of that ``precision`` gains ``information`` with each query. Whole numbers, shape (k,).

    >>> shares(np.ones(3), np.array([1.0, 1.0, 0.25]), 90)
    array([23, 23, 44])
    """
    # 1 / (q + i n) has the slope -i / (q + i n)^2; where a share is not zero, slopes are equal.
    low, high = 0.0, float(np.max((precision + information * n) / np.sqrt(information)))
    for _ in range(60):
        level = (low + high) / 2
        low, high = (level, high) if _poured(precision, information, level).sum() < n else (low, level)
    exact = np.cumsum(_poured(precision, information, high))
    upto = np.rint(exact / exact[-1] * n).astype(np.int64)
    return np.asarray(np.diff(upto, prepend=0))


def _poured(precision: FloatArray, information: FloatArray, level: float) -> FloatArray:
    return np.asarray(np.maximum(level / np.sqrt(information) - precision / information, 0.0))


def posterior(rows: FloatArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mode and covariance of mu where each row z has come up with probability Phi(<mu, z>) and mu ~ N(0, I/d).

    Newton's method from ``start`` with step halving; the logarithm of the posterior is concave.
    """
    d = rows.shape[1]

    def height(mu: FloatArray) -> float:
        return float(log_ndtr(rows @ mu).sum() - d / 2 * mu @ mu)

    mu, value = start, height(start)
    for _ in range(100):
        z = rows @ mu
        slope = np.exp(-(z**2) / 2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
        precision = (rows * (slope * (z + slope))[:, None]).T @ rows + d * np.eye(d)
        step = np.linalg.solve(precision, rows.T @ slope - d * mu)
        while (new := height(mu + step)) < value and np.linalg.norm(step) > 1e-12:
            step = step / 2
        if new <= value + 1e-9 * (1 + abs(value)):
            break
        mu, value = mu + step, new
    return mu, np.linalg.inv(precision)
