"""ART's extraction attacks, which call a classifier, as learners that are asked for rows."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import attrs
import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans

from mex import Incompatible, Knowledge, Learner, Model, Scope
from mex.params import component, doc, one_of, whole
from mex.toolkit.active.samplers import granted, sampler_parameter
from mex.toolkit.active.supervised import SupervisedLearner
from mex.toolkit.estimators import random_state
from mex.toolkit.models import learner_over
from mex.toolkit.outside import Ask, CallingThread
from mex.types import Array, Estimator, FloatArray

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns of each framework that is not installed
    from art.attacks import extraction
    from art.estimators import BaseEstimator
    from art.estimators.classification import BlackBoxClassifier
    from art.estimators.classification.classifier import ClassifierMixin

MODEL = component("model", "the model to fit; by default the public class of f*")


@attrs.frozen(kw_only=True)
class CopycatCNN:
    """Ask random rows, and fit a model to the answers."""

    sampler: str = sampler_parameter("pool", "where the rows come from that ART chooses among")
    batch: int = attrs.field(default=50, validator=whole(1), metadata=doc("rows of a call (ART's batch_size_query)"))
    model: Model | None = attrs.field(default=None, metadata=MODEL)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Correia-Silva et al. 2018, Copycat CNN"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses without a budget, or without the pool if the sampler draws from it."""
        return Extraction(self, knowledge, rng)

    def attack(self, victim: BlackBoxClassifier, n: int) -> Any:
        """ART's attack with ``n`` queries."""
        return extraction.CopycatCNN(victim, nb_stolen=n, batch_size_query=self.batch, nb_epochs=1)

    def labels(self, X: FloatArray, rng: np.random.Generator) -> Array | None:
        """The labels that ART wants of the rows that it chooses among; it wants none."""
        return None


@attrs.frozen(kw_only=True)
class KnockoffNets:
    """Let a gradient bandit choose from which group of rows to draw the next query, by what the last ones were worth.

    In the paper the groups are classes of a public dataset; here the rows have no labels, and are grouped by k-means.
    With ``strategy=random`` it is :class:`CopycatCNN`.
    """

    strategy: str = attrs.field(
        default="adaptive", validator=one_of("adaptive", "random"), metadata=doc("how ART chooses the rows")
    )
    reward: str = attrs.field(
        default="loss",
        validator=one_of("all", "cert", "div", "loss"),
        metadata=doc("what a query was worth; all divides by the spread of certainties, which labels have none of"),
    )
    groups: int = attrs.field(default=8, validator=whole(2), metadata=doc("groups of rows, the arms of the bandit"))
    sampler: str = sampler_parameter("pool", "where the rows come from that ART chooses among")
    batch: int = attrs.field(default=50, validator=whole(1), metadata=doc("rows of a call; the bandit asks one"))
    model: Model | None = attrs.field(default=None, metadata=MODEL)

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), answers=("label", "proba"))
    paper: ClassVar[str] = "Orekondy, Schiele and Fritz 2019, Knockoff Nets"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; refuses without a budget, without the pool if the sampler draws from it, and reward=all of labels."""
        if self.strategy == "adaptive" and self.reward == "all" and knowledge.answers == "label":
            raise Incompatible("KnockoffNets with reward=all divides 0 by 0 where answers are labels: take reward=loss")
        return Extraction(self, knowledge, rng)

    def attack(self, victim: BlackBoxClassifier, n: int) -> Any:
        """ART's attack with ``n`` queries."""
        return extraction.KnockoffNets(
            victim,
            nb_stolen=n,
            batch_size_query=self.batch,
            nb_epochs=1,
            sampling_strategy=self.strategy,
            reward=self.reward,
            verbose=False,
        )

    def labels(self, X: FloatArray, rng: np.random.Generator) -> Array | None:
        """The group of each row."""
        if self.strategy == "random":
            return None
        k = min(self.groups, len(np.unique(X, axis=0)))
        scale = np.where(X.std(axis=0) > 0, X.std(axis=0), 1.0)
        labels: Array = KMeans(k, n_init=1, random_state=random_state(rng)).fit_predict(X / scale)
        return labels


class Extraction(SupervisedLearner):
    """An attack of ART under way. On the way its hypothesis is the same model fitted to the answers so far."""

    takes_refusals = False

    def __init__(self, attack: CopycatCNN | KnockoffNets, known: Knowledge, rng: np.random.Generator) -> None:
        super().__init__(known)
        self._attack = attack
        self._rng = rng
        self._sampler = granted(type(attack).__name__, attack.sampler, known, endless=True)
        self._model = learner_over(type(attack).__name__, attack.model, known, rng)
        self._thread = CallingThread(self._run, rng)
        if known.domain.incomplete:
            raise Incompatible(f"{type(attack).__name__} asks complete rows")
        self.close = self._thread.close

    def ask(self) -> FloatArray | None:
        """What ART asks."""
        return self._thread.ask()

    def tell(self, X: FloatArray, answers: Array) -> None:
        """What ART is answered."""
        super().tell(X, answers)
        self._thread.tell(X, answers)

    def fit(self) -> Estimator:
        """The model that ART's thief is, fitted to what was answered."""
        return clone(self._model).fit(self.X, self.labels)

    def _run(self, ask: Ask) -> None:
        known, n, classes = self.known, self.known.budget, self.known.classes
        assert classes is not None
        assert n is not None
        X = self._sampler.draw(known, n, self._rng)

        def answered(rows: FloatArray) -> FloatArray:
            # ART asks in float32, whose rounding may leave the domain.
            answers = ask(known.domain.clip(np.asarray(rows, dtype=np.float64)))
            return one_hot(answers, classes) if answers.ndim == 1 else answers

        victim = BlackBoxClassifier(answered, (known.domain.n_features,), len(classes))
        thief = Thief(self._model, classes, known.domain.n_features)
        self._attack.attack(victim, n).extract(X, self._attack.labels(X, self._rng), thieved_classifier=thief)


class Thief(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # ART publishes no types
    """A scikit-learn model as ART's attacks train one: one row after the other, or all at once.

    ART's own ``SklearnClassifier`` hands ``batch_size`` on to a ``fit`` that takes none.
    """

    def __init__(self, model: Estimator, classes: Array, n_features: int) -> None:
        super().__init__(model=model, clip_values=None)
        self._labels, self._shape = classes, (n_features,)
        self._X, self._y = np.empty((0, n_features)), classes[:0]
        self.nb_classes = len(classes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return self._shape

    def fit(self, x: FloatArray, y: FloatArray, **kwargs: Any) -> None:
        """Learn one row more, or begin anew with many; ``y`` is one-hot."""
        single = len(x) == 1
        self._X = np.concatenate([self._X, x]) if single else x
        self._y = np.append(self._y[: len(self._X) - len(x)], self._labels[np.argmax(y, axis=1)])
        if len(np.unique(self._y)) > 1:
            self._model = clone(self.model).fit(self._X, self._y)

    def predict(self, x: FloatArray, **kwargs: Any) -> FloatArray:
        """Probabilities of all classes, those that it was not told of 0."""
        if len(np.unique(self._y)) < 2:
            return one_hot(np.repeat(self._y[:1], len(x)), self._labels)
        if not hasattr(self._model, "predict_proba"):
            return one_hot(self._model.predict(x), self._labels)
        P = np.zeros((len(x), len(self._labels)))
        P[:, np.isin(self._labels, self._model.classes_)] = self._model.predict_proba(x)
        return P

    def save(self, filename: str, path: str | None = None) -> None:
        """Never called."""
        raise NotImplementedError


def one_hot(labels: Array, classes: Array) -> FloatArray:
    """Probabilities of 0 and 1, shape (n, k)."""
    return np.asarray(labels[:, None] == classes, dtype=np.float64)
