"""Boosted stumps from their values, by bisection along each axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import doc, whole
from mex.toolkit.active.samplers import sampler
from mex.toolkit.checking.readings import resolution
from mex.toolkit.checking.self_check import self_checked
from mex.toolkit.estimators import constant
from mex.toolkit.halfspaces.boundary import JITTER
from mex.toolkit.trees.grid import Grid
from mex.toolkit.trees.refinement import DOUBLE
from mex.types import Array, Estimator, FloatArray
from mex_stump_scan.curves import AdditiveSteps, Curve, curves, place

REPEATS, SIGMAS = 8, 8
"""Rows asked at one place to estimate the noise, and the least jump in standard deviations of it."""
ROUNDS, WRONG_ROWS = 10, 3
"""The most rounds of checks, and how many wrong rows are followed up in each."""

EXPONENTIAL = ("poisson", "gamma", "tweedie")
"""Losses whose values are exponentials of a sum."""


@attrs.frozen(kw_only=True)
class StumpScan:
    """Find every step of a sum of stumps along each axis through one row, exactly.

    A sum of stumps is a sum of step functions of one feature each, so that the steps along the axes through one row are
    all steps. Between two places of an axis with different values there is a step, which bisection finds to the last
    bit of float32; all steps are bisected side by side, in a few dozen batches. Steps between two places may
    cancel. So random rows check the sum, and the coordinates of a wrong one are asked on every axis. A category takes
    one query. scikit-learn's trees compare numbers as float32, and so does the hypothesis, which is exact there;
    where the model is known to compare in float64, bisection goes on to that.

    Trees of depth 2 and more are refused: there the effect of a feature depends on others.

    If values are noisy, the noise is estimated at one place first; steps smaller than it are not found.

    >>> import mex
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> stumps = GradientBoostingRegressor(max_depth=1, random_state=0).fit(X, y)
    >>> family = mex.Family("boosted", {"max_depth": 1})
    >>> oracle = mex.Oracle(mex.FittedTarget.wrap(stumps, domain=mex.Domain.of(X), family=family))
    >>> learner = StumpScan().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.abs(stolen.hypothesis.predict(X) - stumps.predict(X)).max() < 1e-12), stolen.note
    (True, '41 steps found; the sum is right at 20 of 20 random rows')
    """

    probes: int = attrs.field(
        default=8,
        validator=whole(0),
        metadata=doc("places on each axis to ask first; steps between two of them may cancel"),
    )
    checks: int = attrs.field(
        default=20, validator=whole(0), metadata=doc("random rows that have to be right at the end")
    )

    scope: ClassVar[Scope] = Scope(tasks="regression", families="boosted", answers="value")
    paper: ClassVar[str] = "after Tramèr et al. 2016, Section 4.2, whose trees have leaf ids"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses models that are no sum of stumps, and features without bounds.

        Raises:
            Incompatible: in both cases.
        """
        public = knowledge.family.public
        depth = _depth(public)
        if depth != 1:
            raise Incompatible(
                "stump-scan reads sums of stumps (max_depth=1); in trees of depth "
                f"{depth or 'unknown'} features interact, and what one does along its axis says nothing of elsewhere"
                + ("" if depth else " (declare family=mex.Family('boosted', {'max_depth': 1}) if they are stumps)")
            )
        losses = [str(public[name]) for name in ("objective", "loss", "loss_function") if public.get(name)]
        if loss := next((loss for loss in losses if any(word in loss.lower() for word in EXPONENTIAL)), None):
            raise Incompatible(
                f"stump-scan reads sums of stumps, and with the loss {loss} values are exponentials of them"
            )
        if link := public.get("link"):
            raise Incompatible(f"stump-scan reads sums of stumps, and these are behind the link {link}")
        if not isinstance(public.get("init"), str | None):
            raise Incompatible("stump-scan reads sums of stumps, and these are added to another model")
        if not knowledge.domain.bounded:
            i = int(np.argmin(np.isfinite(knowledge.domain.lower) & np.isfinite(knowledge.domain.upper)))
            raise Incompatible(
                f"stump-scan goes from bound to bound, and {knowledge.domain.name(i)} has no finite ones"
            )
        return self_checked(knowledge, rng, lambda known, stream: _Scan(self, known, stream))


def _depth(public: Mapping[str, Any]) -> int | None:
    """The depth of the trees, by the names that the libraries of boosting have for it; None if it is not public."""
    if any(public.get(name) == 2 for name in ("num_leaves", "max_leaf_nodes", "max_leaves")):
        return 1
    if public.get("interactions") == 0:  # of an explainable boosting machine
        return 1
    depth = public.get("max_depth", public.get("depth"))
    return int(depth) if depth is not None and depth > 0 else None


class _Scan(GeneratorLearner):
    def __init__(self, attack: StumpScan, known: Knowledge, rng: np.random.Generator) -> None:
        self._attack = attack
        self._known = known
        self._rng = rng
        self._pool = known.pool if known.pool is not None and len(known.pool) else None
        self._double = known.family.public.get("precision") == DOUBLE
        self._curves = curves(known.domain, self._double)
        self._grid = Grid(known.domain, double=self._double)
        self._base = self._grid.cast(known.domain.clip(known.domain.middle[None]))
        self._value: float | None = None  # at the base row
        self._noise = 0.0  # SIGMAS standard deviations of it
        self._tolerance = 0.0  # the least difference of two values that counts
        self.confirmed = False
        self.note = ""

    def steps(self) -> Steps:
        """Ask each axis at a few places, bisect every difference, and check the sum at random rows."""
        values = yield self._grid.rows(self._base)
        self._value = float(values[0])
        for curve in self._curves:
            curve.add(place(self._base, curve.columns), values)
        if self._known.rho != 0:
            yield from self._measure_noise()
        yield from self._ask([self._first(curve) for curve in self._curves])
        for _ in range(ROUNDS):
            while any(len(curve.middles(self._tolerance)) for curve in self._curves):
                yield from self._ask([curve.middles(self._tolerance) for curve in self._curves])
            if not self._attack.checks:
                return
            source = "uniform" if self._pool is None else "mixed"
            rows = self._grid.cast(sampler(source).draw(self._known, self._attack.checks, self._rng))
            answers = yield self._grid.rows(rows)
            off = np.abs(self.hypothesis().predict(rows) - answers) > self._tolerance * len(self._curves)
            found = sum(len(last) for _, last, _ in self.hypothesis().terms)
            self.note = f"{found} steps found; the sum is right at {(~off).sum()} of {len(rows)} random rows"
            if not off.any():
                self.confirmed = True
                return
            yield from self._ask([place(rows[off][:WRONG_ROWS], curve.columns) for curve in self._curves])

    def _first(self, curve: Curve) -> FloatArray:
        """The first places of a curve: all categories, or the bounds of a number and quantiles of the pool or range."""
        if len(curve.columns) > 1:
            return np.arange(len(curve.columns), dtype=np.float64)
        i = curve.columns[0]
        low, high = self._grid.lower[i], self._grid.upper[i]
        between = np.array([low, high]) if self._pool is None else self._pool[:, i]
        inner = np.quantile(between, np.arange(1, self._attack.probes + 1) / (self._attack.probes + 1))
        places = np.concatenate([[low, high], inner])
        return np.unique(np.round(places) if curve.whole else places.astype(np.float32).astype(np.float64))

    def _measure_noise(self) -> Steps:
        """Ask rows at one place, and set the tolerance by the standard deviation of their values."""
        domain = self._known.domain
        step = np.where(domain.discrete, 0.0, JITTER * domain.half_width)
        rows = self._base + step * self._rng.uniform(-1, 1, size=(REPEATS, domain.n_features))
        values = yield np.clip(rows, domain.lower, domain.upper)
        self._noise = SIGMAS * float(np.std(values, ddof=1))
        self._tolerance = self._noise

    def _ask(self, places: list[FloatArray]) -> Steps:
        """Ask the base row with each feature at each of its places that was not asked before."""
        new = zip(self._curves, places, strict=True)
        rows = [curve.rows(self._base[0], np.setdiff1d(x, curve.x)) for curve, x in new]
        if sum(map(len, rows)):
            X = np.concatenate(rows)
            self.cut(X, (yield self._grid.rows(X)))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Take the values, all or those that the budget left, of rows that differ from the base in one feature."""
        X = self._grid.cast(X)
        differs = [(X[:, curve.columns] != self._base[:, curve.columns]).any(axis=1) for curve in self._curves]
        features = np.sum(differs, axis=0)
        for curve, of_curve in zip(self._curves, differs, strict=True):
            of_curve &= features == 1
            curve.add(place(X[of_curve], curve.columns), answers[of_curve])
        # The sum of a few hundred numbers is rounded to less, of float32 ones as well.
        values = np.concatenate([[self._value or 0.0], *(curve.v for curve in self._curves)])
        self._tolerance = max(self._noise, resolution(values))

    def hypothesis(self) -> Estimator:
        """The sum of the steps so far, each in the middle of its interval."""
        d = self._known.domain.n_features
        if self._value is None:
            return constant(0.0, d, regression=True)
        return AdditiveSteps(self._value, d, [curve.steps(self._tolerance) for curve in self._curves], self._double)
