"""A decision tree as a target."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mex import Dataset, FittedTarget, Scope
from mex.dataset import Rows
from mex.params import boolean, doc, optional, whole
from mex.toolkit.estimators import random_state
from mex.toolkit.models import deploy
from mex.types import Estimator
from mex_decision_tree.incomplete import StoppingTree


@attrs.frozen(kw_only=True)
class DecisionTree:
    """scikit-learn's CART on raw features; a regression tree where the dataset is a regression.

    A ``leaf`` answer is the number of the leaf, as services that return node ids give it (Tramèr et al. 2016, Section
    4.2). With ``incomplete`` a row may leave features out, as NaN; it is answered for the node at which its path
    stops, which need not be a leaf.

    >>> from sklearn.datasets import load_iris
    >>> from mex import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> data = Dataset("iris", X, y, Domain.of(X), ("setosa", "versicolor", "virginica"))
    >>> target = DecisionTree(max_depth=2).fit(data, Rows(X, y), np.random.default_rng(0))
    >>> np.unique(target.answer(X, "leaf")).tolist()
    [1, 3, 4]
    """

    max_depth: int | None = attrs.field(
        default=None,
        validator=optional(whole(1)),
        metadata=doc("greatest depth; left out, leaves are grown until pure"),
    )
    min_samples_leaf: int = attrs.field(default=1, validator=whole(1), metadata=doc("fewest training rows in a leaf"))
    max_leaf_nodes: int | None = attrs.field(
        default=None, validator=optional(whole(2)), metadata=doc("most leaves, grown where they are worth most")
    )
    incomplete: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("also answer rows that leave features out")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 6.2; Breiman et al. 1984"

    def estimator(self, task: str, rng: np.random.Generator) -> Estimator:
        """The unfitted learner; ``rng`` breaks ties between equally good splits."""
        tree = DecisionTreeRegressor if task == "regression" else DecisionTreeClassifier
        return tree(**self._grown(), random_state=random_state(rng))

    def fit(self, dataset: Dataset, train: Rows, rng: np.random.Generator) -> FittedTarget:
        """Fit on the training rows."""
        target = deploy(
            self.estimator(dataset.task, rng),
            dataset,
            train,
            kind="tree",
            answers=("value", "leaf") if dataset.task == "regression" else ("label", "proba", "leaf"),
            public=self._grown(),
        )
        if not self.incomplete:
            return target
        domain = attrs.evolve(target.domain, incomplete=True)
        return attrs.evolve(target, estimator=StoppingTree(target.estimator), domain=domain)

    def _grown(self) -> dict[str, int | None]:
        """The parameters of the tree that are public."""
        grown = {"max_depth": self.max_depth, "min_samples_leaf": self.min_samples_leaf}
        return grown if self.max_leaf_nodes is None else {**grown, "max_leaf_nodes": self.max_leaf_nodes}
