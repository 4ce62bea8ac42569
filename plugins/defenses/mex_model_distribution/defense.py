"""A halfspace drawn from a normal distribution for each query."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from scipy.special import ndtr, ndtri

from mex import Defended, Incompatible, Scope, Target, UsageError
from mex.dataset import Rows
from mex.defense import undefended
from mex.params import above, between, boolean, doc, whole
from mex.toolkit.normals import normal
from mex.toolkit.perturbation.draws import Draws
from mex.types import Answer, Array, FloatArray
from mex_model_distribution.distribution import Distribution, Frame
from mex_model_distribution.program import widest


@attrs.frozen(kw_only=True)
class ModelDistribution:
    """Answer each query with a halfspace drawn from N(mu, Sigma), with the widest Sigma that keeps answers reliable.

    At the boundary every answer is random, so that majority votes do not help (Proposition 1 needs rho < 1/2) and
    bisection fails. Averaging still works: an attacker who knows Sigma needs about (pi/2) tr(Sigma^1/2)^2 / eps^2
    queries for an error of eps.

    The distribution over halfspaces, learned by a convex program under which draws are reliable, and the parameter C
    that draws them together are those of Alabdulmohsin, Gao and Zhang (CIKM 2014), as described by Chandrasekaran et
    al. 2020. The original program was not available; the one here is derived from that description
    (:mod:`mex_model_distribution.program`). With C = 0 it maximises tr Sigma^1/2, hence the queries of the attacker
    above; C/2 times the squared spread is subtracted. Sigma is diagonal in features standardised by the operator's
    rows, with a constant feature for the intercept if the public class has one.

    Draws are to answer as f* does, which is always possible with a small enough Sigma; training labels are not used. By
    default mu is f* itself. Then rho_D(f*, x) = Phi(-|<mu, z>| / ||Sigma^1/2 z||), whose supremum is 1/2. With
    ``drift`` the program also moves mu, and no rho is declared.

    The ``reliable`` share of the training rows, those with the largest angle to the boundary of f*, are answered as f*
    does with probability nu or more. If honest users would lose more than ``loss`` of accuracy on the training rows, in
    expectation, nu is raised until they do not; the solution of the program is optimal for any nu.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from mex import Family, FittedTarget
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    >>> target = FittedTarget.wrap(model, family=Family("linear"))
    >>> defended = ModelDistribution().protect(target, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(model.predict(X) == y).round(3)), float(np.mean(defended.answer(X, "label") == y).round(3))
    (0.988, 0.982)
    >>> int(defended.distribution.queries(eps=0.1))
    370
    """

    nu: float = attrs.field(
        default=0.9,
        validator=between(0.51, 0.999999),
        metadata=doc("least probability that a draw answers a reliable training row as f* does"),
    )
    reliable: float = attrs.field(
        default=0.9,
        validator=between(0.01, 1),
        metadata=doc(
            "share of the training rows for which nu holds: those with the largest angle to the boundary of f*"
        ),
    )
    loss: float = attrs.field(
        default=0.005,
        validator=above(0),
        metadata=doc("accuracy on the training rows that honest users may lose; nu is raised as needed"),
    )
    C: float = attrs.field(
        default=0.0,
        validator=between(0, 1e12),
        metadata=doc("separation parameter: the larger, the closer together the draws"),
    )
    drift: float = attrs.field(
        default=0.0,
        validator=between(0, 1),
        metadata=doc("how far mu may move from f*, the tangent of an angle; 0 keeps mu at f*"),
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same draw, keyed by a secret")
    )
    refresh: int = attrs.field(
        default=1, validator=whole(1), metadata=doc("how many queries a draw answers before the next one")
    )

    scope: ClassVar[Scope] = Scope(tasks="binary", families="linear")
    paper: ClassVar[str] = (
        "after Alabdulmohsin, Gao and Zhang, CIKM 2014, as in Chandrasekaran et al. 2020, Section 6.1, Figures 5 and 6"
    )

    def __attrs_post_init__(self) -> None:
        if self.sticky and self.refresh > 1:
            raise UsageError("sticky gives each row one draw for ever, so refresh has no meaning beside it")

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Learn the distribution from the training rows; draws, or the secret key, come from ``rng``."""
        if "label" not in target.answers:
            raise Incompatible(
                f"model-distribution answers labels; this interface gives {' and '.join(target.answers)}"
            )
        model, classes = undefended(target), target.classes
        found = normal(model.estimator)
        if found is None or classes is None or len(classes) != 2:
            raise Incompatible("model-distribution draws halfspaces, and this model is not one")
        if not len(train.X):
            raise Incompatible("model-distribution learns from the operator's rows, and there are none")
        frame = Frame.of(train.X, target.domain, target.family.public.get("intercept", True))
        answers = model.answer(train.X, "label")
        distribution = self._learn(frame, frame.normal(*found), train, answers, classes)
        rho = 0.5 if self.drift == 0 else None  # where mu and f* differ, most draws differ from f*
        return _Drawn(target, distribution, Draws(rng, sticky=self.sticky, refresh=self.refresh), rho)

    def _learn(self, frame: Frame, mean: FloatArray, train: Rows, answers: Array, classes: Array) -> Distribution:
        Z, signs = frame.rows(train.X), np.where(answers == classes[1], 1.0, -1.0)
        right = signs * (Z @ mean) > 0
        if not right.any() or len(np.unique(signs)) < 2:
            raise Incompatible(
                f"model-distribution: f* answers every training row with {answers[0]}, so any draw would do"
            )
        angle = np.where(right, np.abs(Z @ mean) / np.linalg.norm(Z, axis=1), 0.0)
        reliable = right & (angle >= np.quantile(angle, 1 - self.reliable))
        solution = widest(Z, signs, reliable, mean, self.C, self.drift)
        length = float(np.linalg.norm(solution.mean))

        def at(nu_score: float) -> Distribution:
            spread = solution.width / (length * nu_score)
            return Distribution(frame, solution.mean / length, spread, float(ndtr(nu_score)), reliable)

        def lost(nu_score: float) -> float:
            wrong = ndtr(-signs * at(nu_score).scores(train.X))
            return float(np.mean(np.where(answers == train.y, wrong, -wrong)))

        low = high = float(ndtri(self.nu))
        while lost(high) > self.loss:
            low, high = high, 2 * high
            if high > 1e9:
                raise Incompatible(
                    f"model-distribution: the narrowest draws lose more accuracy than loss={self.loss:g}"
                )
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if lost(middle) > self.loss else (low, middle)
        return at(high)


class _Drawn(Defended):
    """Answers as the draws do: if a draw differs from f*, the label of the target behind is exchanged."""

    def __init__(self, target: Target, distribution: Distribution, draws: Draws, rho: float | None) -> None:
        super().__init__(target)
        self.distribution = distribution
        self._draws = draws
        self._rho = rho
        self._model = undefended(target)

    @property
    def answers(self) -> tuple[Answer, ...]:
        return ("label",)

    @property
    def rho(self) -> float | None:
        behind = self._target.rho
        return None if behind is None or self._rho is None else max(behind, self._rho)

    def rho_at(self, X: FloatArray) -> FloatArray:
        """The probability that a draw differs from f* on each row, shape (n,)."""
        return np.asarray(ndtr(-self._signs(X) * self.distribution.scores(X)))

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        assert self.classes is not None
        distribution, labels = self.distribution, self._target.answer(X, kind)
        w = distribution.mean + distribution.spread * self._draws.normal(X, len(distribution.mean))
        score = np.einsum("ij,ij->i", distribution.frame.rows(X), w)
        exchanged = self.classes[(labels == self.classes[0]).astype(np.int64)]
        return np.where(score * self._signs(X) > 0, labels, exchanged)

    def _signs(self, X: FloatArray) -> FloatArray:
        assert self.classes is not None
        return np.where(self._model.answer(X, "label") == self.classes[1], 1.0, -1.0)
