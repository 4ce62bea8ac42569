"""The attack of who knows how a randomised halfspace is drawn: probit regression on rows near its mean's boundary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from mex import Incompatible, Knowledge, Learner, Scope
from mex.params import Check, above, between, doc, either, whole
from mex.toolkit.halfspaces.adapter import HalfspaceLearner
from mex.types import FloatArray

IntArray = npt.NDArray[np.int64]

NARROWEST = 1e-6
"""The least spread that is believed: no direction is noise-free to a learner that divides by the noise."""
GROWTH = 0.25
"""The next round as a share of what was asked so far: later rows are chosen by nearly all that is known."""
SWEEPS, DAMPING, SETTLED = 50, 0.7, 0.02
"""Of expectation propagation: at most so many sweeps, so large a step, until less changes, in standard deviations."""
TINY = 1e-12


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
    mu (derived; no source), and never fewer than a halfspace takes that answers without noise. The prior is
    that mu is uniform on the sphere: if one component is nearly all of mu, a coarse ``eps`` is believed too soon.

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
        return HalfspaceLearner(knowledge, rng, lambda d, stream: NoisyDirection(self, d, stream), eps=self.eps)


class NoisyDirection:
    """Learns the mean of the normals behind the answers, whose noise it knows."""

    def __init__(self, attack: Probit, d: int, rng: np.random.Generator) -> None:
        self._attack, self._rng = attack, rng
        self._spread = np.maximum(np.broadcast_to(attack.spread, d), NARROWEST).astype(np.float64)
        self._posterior = Posterior(d)
        self._told = 0
        self._pending: FloatArray | None = self._round()

    def ask(self) -> FloatArray | None:
        """Directions orthogonal to the mean so far, give or take what is not known of it."""
        return self._pending

    def tell(self, V: FloatArray, signs: FloatArray) -> None:
        """Take the answers: the probit model sees x y / sqrt(x' Sigma x)."""
        noise, before = np.linalg.norm(V * self._spread, axis=1), self.estimate()
        self._posterior.add(V * (signs / noise)[:, None])
        self._told += len(V)
        # A mean that still moves by more than eps is less well known than its posterior believes.
        settled = np.linalg.norm(self.estimate() - before) <= self._attack.eps
        self._pending = None if settled and self._error() <= self._attack.eps else self._round()

    def estimate(self) -> FloatArray:
        """The direction of the posterior mean."""
        mean = self._posterior.mean
        length = float(np.linalg.norm(mean))
        return mean / length if length > 0 else mean

    def _projection(self) -> FloatArray:
        """Along the mean."""
        unit = self.estimate()
        return np.asarray(np.eye(len(unit)) - np.outer(unit, unit))

    def _error(self) -> float:
        """The root mean square error of the direction that the posterior expects."""
        P, length = self._projection(), float(np.linalg.norm(self._posterior.mean))
        return float(np.sqrt(np.trace(P @ self._posterior.cov @ P)) / length) if length > 0 else np.inf

    def _round(self) -> FloatArray:
        mean, cov = self._posterior.mean, self._posterior.cov
        n = int(np.clip(GROWTH * self._told, min(len(mean), self._attack.batch), self._attack.batch))
        P = self._projection()
        values, axes = np.linalg.eigh(P * self._spread**2 @ P)
        first = 1 if len(mean) > 1 and mean.any() else 0  # the mean itself, which P takes away
        noise, U = np.maximum(values[first:], NARROWEST**2), axes[:, first:]
        variance = np.einsum("ik,ij,jk->k", U, cov, U)
        counts = shares(1 / variance, 2 / np.pi / (noise + variance), n)
        V = np.repeat(U.T, counts, axis=0)
        drawn = mean + self._rng.standard_normal(V.shape) @ np.linalg.cholesky(cov).T
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


class Posterior:
    """mu ~ N(0, I/d) after answers that come up with probability Phi(<mu, z>), by expectation propagation.

    Each answer's factor is stood in for by a Gaussian one in <mu, z>, with the moments that the exact one
    gives to the posterior without it (Minka 2001; for probit regression Rasmussen and Williams 2006, section
    3.6). Unlike the curvature at the mode it knows how little is known where answers are nearly noise-free.

    >>> told = Posterior(2)
    >>> told.add(np.array([[3.0, 0.0]] * 50))
    >>> bool(told.mean[0] > 0.9), float(told.mean[1]), float(told.cov[1, 1].round(6))
    (True, 0.0, 0.5)
    """

    def __init__(self, d: int) -> None:
        self.mean: FloatArray = np.zeros(d)
        self.cov: FloatArray = np.eye(d) / d  # ||mu|| = 1
        self._rows, self._precision, self._shift = np.empty((0, d)), np.empty(0), np.empty(0)

    def add(self, rows: FloatArray) -> None:
        """Take rows z, shape (n, d), each turned so that its answer is positive."""
        self._rows = np.concatenate([self._rows, rows])
        self._precision = np.append(self._precision, np.zeros(len(rows)))
        self._shift = np.append(self._shift, np.zeros(len(rows)))
        for sweep in range(SWEEPS):
            before, width = self.mean, self.cov
            self._sweep(1.0 if sweep == 0 else DAMPING)
            inverse = np.linalg.inv(self.cov)
            moved = (self.mean - before) @ inverse @ (self.mean - before) / len(before)
            narrowed = abs(np.linalg.slogdet(inverse @ width)[1]) / len(before)
            if moved < SETTLED**2 and narrowed < SETTLED:
                break

    def _sweep(self, step: float) -> None:
        """Bring all factors nearer to what they should be, given the others."""
        variance = np.maximum(np.einsum("ij,ij->i", self._rows @ self.cov, self._rows), TINY)
        without = 1 / np.maximum(1 / variance - self._precision, TINY)
        mean = without * (self._rows @ self.mean / variance - self._shift)
        root = np.sqrt(1 + without)
        z = mean / root
        slope = np.exp(-(z**2) / 2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
        curve = slope * (z + slope) / root**2
        left = np.maximum(1 - curve * without, TINY)
        self._precision += step * (curve / left - self._precision)
        self._shift += step * ((slope / root + curve * mean) / left - self._shift)
        d = len(self.mean)
        precision = (self._rows * self._precision[:, None]).T @ self._rows + d * np.eye(d)
        self.cov = np.asarray(np.linalg.inv(precision))
        self.mean = np.asarray(self.cov @ (self._rows.T @ self._shift))
