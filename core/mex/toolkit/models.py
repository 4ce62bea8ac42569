"""What the model plugins share: making a target of a scikit-learn estimator."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from mex.answers import given_kinds
from mex.dataset import Dataset, Rows
from mex.domain import Domain
from mex.errors import Incompatible
from mex.fitted import FittedTarget, Model
from mex.knowledge import Family, Knowledge
from mex.toolkit.estimators import reseed
from mex.types import Answer, Estimator


def deploy(
    estimator: Estimator,
    dataset: Dataset,
    train: Rows,
    *,
    kind: str,
    answers: tuple[Answer, ...],
    public: dict[str, Any],
    standardised: bool = False,
) -> FittedTarget:
    """Fit ``estimator`` on ``train`` and put it behind the interface that the dataset's domain describes.

    Args:
        estimator: an unfitted scikit-learn estimator; its class and parameters are public.
        dataset: where the rows are from.
        train: the operator's rows.
        kind, public: the :class:`mex.Family` of f*.
        answers: what the interface gives, the usual kind first; kinds of plugins come after them.
        standardised: whether the interface takes standardised features, any row of R^d, as the paper's halfspaces do;
            :attr:`FittedTarget.encode` then scales rows of the dataset.
    """
    family = Family(kind, public, reseed(estimator, None))
    if not standardised:
        fitted = estimator.fit(train.X, train.y)
        kinds = (*answers, *given_kinds(fitted))
        return FittedTarget.wrap(fitted, domain=dataset.domain, family=family, answers=kinds)
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train.X)
    domain = attrs.evolve(Domain.reals(dataset.domain.n_features), names=dataset.domain.names)
    fitted = estimator.fit(scaler.transform(train.X), train.y)
    kinds = (*answers, *given_kinds(fitted))
    return FittedTarget.wrap(fitted, domain=domain, family=family, answers=kinds, encode=scaler.transform)


def learner_over(label: str, model: Model | None, known: Knowledge, rng: np.random.Generator) -> Estimator:
    """The unfitted estimator that the attack called ``label`` trains: ``model``'s, or that of the public class of f*.

    Of a class that names no learner, as where only its kind was declared, it is :func:`usual_learner`.

    Raises:
        Incompatible: if the model is none that learns.
    """
    if model is not None:
        if not isinstance(model, Model):
            raise Incompatible(f"{label} trains a model, and {type(model).__name__} opens one that is fitted already")
        return model.estimator(known.task, rng)
    learner = known.family.learner
    return reseed(_without_threshold(learner) if learner is not None else usual_learner(known), rng)


def usual_learner(known: Knowledge) -> Estimator:
    """What scikit-learn has for the kind of the public class, a random forest where it is none of :data:`mex.KINDS`.

    >>> from mex import Domain
    >>> secret = Knowledge(domain=Domain.reals(2), classes=[0, 1], answers="label", family=Family("secret"))
    >>> usual_learner(secret)
    RandomForestClassifier()
    """
    from sklearn import ensemble, linear_model, preprocessing, svm, tree
    from sklearn.pipeline import make_pipeline

    of_labels, of_values = {
        "linear": (linear_model.LogisticRegression, linear_model.Ridge),
        "kernel": (svm.SVC, svm.SVR),
        "tree": (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor),
        "boosted": (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor),
    }.get(known.family.kind, (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor))
    learner = of_values() if known.classes is None else of_labels()
    scaled = known.family.kind in ("linear", "kernel")
    return make_pipeline(preprocessing.StandardScaler(), learner) if scaled else learner


def _without_threshold(estimator: Estimator) -> Estimator:
    """What a moved threshold is around: an attacker's labels have it already."""
    while type(estimator).__name__ in ("FixedThresholdClassifier", "TunedThresholdClassifierCV"):
        estimator = estimator.estimator
    return estimator
