"""The pool strategies of scikit-activeml for classifiers."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import attrs
import numpy as np
from skactiveml import pool
from skactiveml.classifier import SklearnClassifier
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from mex import Knowledge, Learner, Model, Scope
from mex.params import component, one_of
from mex.toolkit.active import schedule
from mex.toolkit.active.batch_mode import BatchModeLearner
from mex.toolkit.active.samplers import sampler_parameter
from mex.toolkit.estimators import random_state
from mex.toolkit.models import learner_over
from mex.types import Array, Estimator, FloatArray

STRATEGIES = {
    "random": ("RandomSampling", {}),
    "least-confident": ("UncertaintySampling", {"method": "least_confident"}),
    "margin": ("UncertaintySampling", {"method": "margin_sampling"}),
    "entropy": ("UncertaintySampling", {"method": "entropy"}),
    "probabilistic": ("ProbabilisticAL", {"metric": "rbf"}),
    "epistemic": ("EpistemicUncertaintySampling", {}),
    "monte-carlo-eer": ("MonteCarloEER", {}),
    "value-of-information": ("ValueOfInformationEER", {}),
    "query-by-committee": ("QueryByCommittee", {}),
    "greedy-bald": ("GreedyBALD", {}),
    "batch-bald": ("BatchBALD", {}),
    "quire": ("Quire", {}),
    "discriminative": ("DiscriminativeAL", {}),
    "core-set": ("CoreSet", {}),
    "typi-clust": ("TypiClust", {}),
    "badge": ("Badge", {}),
    "prob-cover": ("ProbCover", {}),
    "contrastive": ("ContrastiveAL", {}),
    "clue": ("Clue", {}),
    "drop-query": ("DropQuery", {}),
    "falcun": ("Falcun", {}),
    "max-herding": ("MaxHerding", {}),
}
"""The class of each strategy in ``skactiveml.pool``, and its arguments."""
MEMBERS = 5
"""Classifiers of a committee, each with another penalty."""


@attrs.frozen(kw_only=True)
class ActiveML:
    """Let a strategy of scikit-activeml choose each batch among the candidates, by what was answered so far.

    The model that it is fitted to, and whose copy is stolen, is that of the public class of f*, or ``model``.
    """

    strategy: str = attrs.field(
        default="margin", validator=one_of(*STRATEGIES), metadata={"doc": "the strategy of skactiveml.pool"}
    )
    sampler: str = sampler_parameter("pool")
    model: Model | None = attrs.field(
        default=None, metadata=component("model", "the model to fit; by default the public class of f*")
    )
    start: int = schedule.start(10)
    batch: int = schedule.batch(5)
    candidates: int = schedule.candidates(300)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers="label")
    paper: ClassVar[str] = "Kottke et al. 2021, scikit-activeml"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses where there is no model to fit, no pool to draw from, or no end."""
        return _Learning(self, knowledge, rng)


class _Learning(BatchModeLearner):
    def __init__(self, attack: ActiveML, known: Knowledge, rng: np.random.Generator) -> None:
        plan = schedule.Schedule(
            sampler=attack.sampler, start=attack.start, batch=attack.batch, candidates=attack.candidates
        )
        super().__init__("activeml", known, rng, plan)
        self._strategy = attack.strategy
        self._model = learner_over("activeml", attack.model, known, rng)

    def fit(self) -> Estimator:
        return clone(self._model).fit(self.X, self.labels)

    def choose(self, fitted: Estimator, rows: FloatArray, n: int) -> Array:
        known = len(self.X)
        X = np.concatenate([self.X, rows])
        assert self.known.classes is not None
        y = np.full(len(X), np.nan)
        y[:known] = np.searchsorted(self.known.classes, self.labels)
        codes = list(range(len(self.known.classes)))
        name, arguments = STRATEGIES[self._strategy]
        strategy = getattr(pool, name)
        given = {"random_state": random_state(self.rng), **arguments}
        parameters = inspect.signature(strategy.__init__).parameters
        if "classes" in parameters:
            given["classes"] = codes
        if "cluster_algo_dict" in parameters:  # its k-means draws from numpy's global generator unless it is told
            given["cluster_algo_dict"] = {"random_state": given["random_state"]}
        wanted = {key: value for key, value in self._helpers(codes).items() if key in _takes(strategy)}
        chosen = strategy(**given).query(X, y, candidates=np.arange(known, len(X)), batch_size=n, **wanted)
        return np.asarray(chosen) - known

    def _helpers(self, codes: list[int]) -> dict[str, Any]:
        """What strategies ask for beside rows and labels."""
        probable = self._model if hasattr(self._model, "predict_proba") else LogisticRegression()
        members = [clone(LogisticRegression(C=10.0**k)) for k in range(-1, MEMBERS - 1)]
        return {
            "clf": _wrapped(probable, codes),
            "estimator": _wrapped(probable, codes),
            "ensemble": [_wrapped(member, codes) for member in members],
            "discriminator": SklearnClassifier(LogisticRegression(), classes=[0, 1]),
        }


def _wrapped(estimator: Estimator, codes: list[int]) -> Any:
    return SklearnClassifier(clone(estimator), classes=codes)


def _takes(strategy: Any) -> set[str]:
    return set(inspect.signature(strategy.query).parameters)
