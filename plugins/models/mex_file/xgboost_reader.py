"""XGBoost's own files, JSON and UBJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mex import Family, UsageError
from mex.link import link_of_objective
from mex.toolkit.facts import RECORDS
from mex.toolkit.saved import Reading, Wishes, counted, library, telling
from mex.toolkit.tabular.encoders import values_of
from mex.types import Array
from mex_file.adapter import Adapter

LABELS = ("binary:hinge", "multi:softmax")
"""Objectives whose predictions are labels and no probabilities."""
TREES = {
    "comparison": "left where x < threshold; a threshold is a value of a training row",
    "leaf ids": "numbers of nodes, one a tree",
}


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file as the class that saved it, which the file tells, or as ``reader`` says.

    Raises:
        UsageError: if it is no model of XGBoost; if its classes answer differently and nobody said which is deployed.
    """
    xgboost = library("xgboost", path, "xgboost")
    with telling(path, "a model of XGBoost"):
        booster = xgboost.Booster(model_file=str(path))
        learner = json.loads(booster.save_config())["learner"]
        own = json.loads(booster.attributes().get("scikit_learn", "{}")).get("_estimator_type")
    objective = learner["objective"]["name"]
    k = int(learner["learner_model_param"]["num_class"])
    if int(learner["learner_model_param"].get("num_target", 1)) > 1:
        raise UsageError(f"{path} answers several values to a row; a target answers one")
    reader = wishes.reader or ("estimator" if own else "booster")
    rounds = _rounds(path, booster, wishes.reader)
    missing = np.nan if wishes.missing is None else wishes.missing
    levels = _levels(booster)
    if levels:
        import pandas as pd

    def matrix(X: Any) -> Any:
        if levels:
            texts = {n: _dtype(known) for n, known in levels.items() if not isinstance(X[n].dtype, pd.CategoricalDtype)}
            X = X.astype(texts)
            return xgboost.DMatrix(X, missing=missing, enable_categorical=True)
        return xgboost.DMatrix(np.asarray(X, dtype=np.float32), missing=missing)

    def predict(X: Any, **how: Any) -> Array:
        D = matrix(X)
        D.feature_names = booster.feature_names
        return np.asarray(booster.predict(D, iteration_range=(0, rounds), **how))

    linear = learner["gradient_booster"]["name"] == "gblinear"
    trees = [] if linear else booster[:rounds].get_dump()
    depth = max((line.count("\t") for tree in trees for line in tree.splitlines()), default=0)
    functions: dict[str, Any] = {} if linear else {"leaves": lambda X: predict(X, pred_leaf=True)}
    classifies = objective.startswith(("binary:", "multi:")) and not (objective == "binary:logitraw" and not own)
    if not classifies:
        functions["values"] = predict
    elif objective in LABELS:
        functions["values"] = lambda X: predict(X).astype(int)
    elif objective == "binary:logitraw":  # XGBClassifier compares margins as if they were probabilities
        functions["values"] = lambda X: (predict(X) > 0.5).astype(int)
    else:
        functions["scores"] = predict
    name = f"XGB{'Classifier' if classifies else 'Regressor'}" if reader == "estimator" else "Booster"
    model = Adapter(
        name,
        width=booster.num_features(),
        names=booster.feature_names,
        levels=levels,
        own=range(max(k, 2)) if classifies else None,
        classes=wishes.classes,
        **functions,
    )
    model.categorical_features = "from_dtype"  # so that rows are decoded with the type, and the order, of the levels
    size = f"{counted(rounds, 'round')}, {counted(len(trees), 'tree')}"
    public = {"objective": objective, "max_depth": depth, "thresholds": RECORDS}
    family = Family("tree" if len(trees) == 1 else "boosted", public)
    if linear:
        family = Family("linear", {"intercept": True, "link": link_of_objective(objective)})
    return Reading(
        model=model,
        family=family,
        frame="pandas" if levels else "numpy",
        precision="float32",
        facts={
            "class": f"{name} of XGBoost, {objective}, {size}, depth {depth}",
            "inputs": "cast to float32",
            "outputs": "float32",
            **({} if linear else TREES),
            "missing values": f"{missing}, {'counted as 0' if linear else 'sent left or right by each split'}; files do"
            " not tell missing=, so say it",
            "unseen levels": "refused by XGBoost" if levels else "no categories",
        },
    )


def _rounds(path: Path, booster: Any, reader: str | None) -> int:
    """How many rounds answer: XGBoost's estimators stop at the best iteration, its Booster does not."""
    rounds = int(booster.num_boosted_rounds())
    best = booster.attributes().get("best_iteration")
    if best is None or int(best) + 1 >= rounds or reader == "booster":
        return rounds
    if reader == "estimator":
        return int(best) + 1
    raise UsageError(
        f"{path} holds {rounds} rounds, the best of which is number {int(best) + 1}: XGBClassifier and XGBRegressor"
        f" answer with the first {int(best) + 1}, Booster with all; say reader=estimator or reader=booster"
    )


def _levels(booster: Any) -> dict[str | int, list[Any] | None]:
    """The levels of each column that is a category, by its name."""
    types = booster.feature_types or []
    if "c" not in types:
        return {}
    names = booster.feature_names
    told = dict(booster.get_categories(export_to_arrow=True).to_arrow()) if hasattr(booster, "get_categories") else {}
    known = {name: None if told.get(name) is None else values_of(told[name]) for name in names}
    return {name: known[name] for name, kind in zip(names, types, strict=True) if kind == "c"}


def _dtype(levels: list[Any] | None) -> Any:
    import pandas as pd

    return pd.CategoricalDtype(levels)
