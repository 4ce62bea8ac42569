"""What the models share: which class they publish, and what their interface gives."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.toolkit.models import deploy
from mex.toolkit.outside import GlobalRandom
from mex.types import Answer, Estimator

CLASSIFIERS = Scope(tasks=("binary", "multiclass"))
BINARY = Scope(tasks="binary")


@attrs.frozen(kw_only=True)
class Interpretable:
    """A base: a subclass says its estimator, and of which class mex takes it to be.

    Attributes:
        kind: the :class:`mex.Family`, by which attacks are chosen.
        precision: the float in which it compares a feature with a threshold, if not float32.
    """

    kind: ClassVar[str]
    precision: ClassVar[str] = ""

    @abstractmethod
    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted estimator of imodels."""

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows, which the interface takes as they are."""
        regression = dataset.task == "regression"
        answers: tuple[Answer, ...] = ("value",) if regression else ("label", "proba")
        public: dict[str, Any] = attrs.asdict(self)
        if self.precision:
            public["precision"] = self.precision
        unfitted = self.estimator(dataset.task, rng)
        # FIGS grows its trees by the global generator, whatever its random_state is.
        with GlobalRandom(rng), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the versions of its dependencies
            return deploy(unfitted, dataset, train, kind=self.kind, answers=answers, public=public)
