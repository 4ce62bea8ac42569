"""Uncertainty sampling by the margin."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, doc, whole
from mex.toolkit.active import schedule
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.tuning import Tuned, regularisation_parameter, tuned
from mex.types import Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class Margin:
    """Fit a model to the answers, ask the candidates with the smallest margin, repeat.

    Margin sampling (Scheffer, Decomain and Wrobel 2001): the margin is the absolute decision value for two classes,
    the lead of the best class over the second for several. Each row of the pool is asked once; another sampler
    draws candidates anew for each batch. The first ``start`` rows are random, and so are further batches as long as
    all answers are of one class.

    >>> import mex
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.preprocessing import scale
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> family = mex.Family("linear", learner=LogisticRegression())
    >>> target = mex.FittedTarget.wrap(LogisticRegression().fit(X[::2], y[::2]), family=family)
    >>> oracle = mex.Oracle(target, budget=60)
    >>> learner = Margin().learner(oracle.knowledge(pool=X[1::4]), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> bool(np.mean(stolen.hypothesis.predict(X[3::4]) == target.answer(X[3::4], "label")) > 0.95)
    True
    """

    sampler: str = sampler_parameter("pool")
    model: Model | None = attrs.field(
        default=None,
        metadata=component(
            "model", "the model to fit; by default the public class of f*, or the usual one of its kind"
        ),
    )
    regularisation: str = regularisation_parameter()
    start: int = schedule.start(10)
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("rows to ask between two fits"))
    candidates: int = schedule.candidates(1000)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Scheffer, Decomain and Wrobel 2001; Chandrasekaran et al. 2020, Section 2.1"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no model to fit, no pool to draw from, or no end."""
        return _Margin(self, knowledge, rng, tuned("margin", self.model, self.regularisation, knowledge, rng))


class _Margin(BatchModeLearner):
    def __init__(self, attack: Margin, known: Knowledge, rng: np.random.Generator, learner: Tuned) -> None:
        plan = schedule.Schedule(
            sampler=attack.sampler, start=attack.start, batch=attack.batch, candidates=attack.candidates
        )
        super().__init__("margin", known, rng, plan)
        self._learner = learner

    def batch_size(self, fitted: Estimator | None) -> int:
        return self.schedule.start if len(self.X) == 0 else self.schedule.batch

    def fit(self) -> Estimator:
        assert self.answers is not None
        return self._learner.fit(self.X, self.answers)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        return np.argsort(lead(fitted, rows), kind="stable")[:n]


def lead(fitted: Estimator, X: FloatArray) -> FloatArray:
    """The margin of each row of ``X``, by decision values or else probabilities, shape (n,)."""
    if hasattr(fitted, "decision_function"):
        scores = np.asarray(fitted.decision_function(X))
        if scores.ndim == 1:
            return np.asarray(np.abs(scores))
    else:
        scores = np.asarray(fitted.predict_proba(X))
    best = np.sort(scores, axis=1)
    return np.asarray(best[:, -1] - best[:, -2])
