"""What the model plugins share: a scikit-learn estimator becomes a target."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from mex.dataset import Dataset, Rows
from mex.domain import Domain
from mex.errors import Incompatible
from mex.families import Family
from mex.knowledge import Knowledge
from mex.target import FittedTarget, Model
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
        answers: what the interface gives, the usual kind first.
        standardised: let the interface take *standardised* features, any row of R^d. This is the setting
            of the paper's halfspaces: whoever asks scales the rows (:attr:`FittedTarget.encode`).
    """
    family = Family(kind, public, reseed(estimator, None))
    if not standardised:
        fitted = estimator.fit(train.X, train.y)
        return FittedTarget.wrap(fitted, domain=dataset.domain, family=family, answers=answers)
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(train.X)
    domain = attrs.evolve(Domain.reals(dataset.domain.n_features), names=dataset.domain.names)
    fitted = estimator.fit(scaler.transform(train.X), train.y)
    return FittedTarget.wrap(fitted, domain=domain, family=family, answers=answers, encode=scaler.transform)


def reseed(estimator: Estimator, rng: np.random.Generator | None) -> Estimator:
    """An unfitted copy whose every ``random_state`` is drawn from ``rng``, or forgotten."""
    from sklearn.base import clone

    copy = clone(estimator)
    names = [n for n in copy.get_params() if n == "random_state" or n.endswith("__random_state")]
    return copy.set_params(**{n: None if rng is None else random_state(rng) for n in sorted(names)})


def learner_over(label: str, model: Model | None, known: Knowledge, rng: np.random.Generator) -> Estimator:
    """The unfitted estimator that the attack called ``label`` trains: ``model``'s, or that of the public class of f*.

    Raises:
        Incompatible: if no model is given and the public class names no learner.
    """
    if model is not None:
        return model.estimator(known.task, rng)
    if known.family.learner is None:
        raise Incompatible(f"no learner is known for the class {known.family.kind!r}; give {label} a model")
    return reseed(known.family.learner, rng)


def random_state(rng: np.random.Generator) -> int:
    """A seed for an estimator that takes none but scikit-learn's kind."""
    return int(rng.integers(2**31))
