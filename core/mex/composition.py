"""What a fitted model is made of: the estimator at its core, and what the steps before it do to the columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mex.errors import Incompatible
from mex.estimator import attribute, has_attribute, is_sklearns
from mex.types import Estimator

__all__ = [
    "LOGS",
    "PRODUCTS",
    "PROJECTIONS",
    "RISING",
    "Core",
    "binned",
    "bins",
    "check_steps",
    "core_of",
    "flattened",
    "members_of",
    "obstacle",
]

COLUMNWISE = {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "PolynomialFeatures"}
COLUMNWISE |= {"FunctionTransformer", "SimpleImputer", "KNNImputer", "IterativeImputer"}
"""Steps that are affine column by column, with the parameters that :func:`obstacle` asks for."""
BINNING = {"Binarizer", "KBinsDiscretizer"}
"""Steps of which each column takes a few values only."""
SUMS = {"BaggingClassifier", "BaggingRegressor", "StackingRegressor", "VotingClassifier", "VotingRegressor"}
"""Models whose values, or probabilities, are weighted sums of those of their members."""
ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}  # of a category, affine over its one-hot features
PROJECTIONS = {"PCA", "IncrementalPCA", "TruncatedSVD", "FactorAnalysis", "FastICA", "LinearDiscriminantAnalysis"}
PROJECTIONS |= {"GaussianRandomProjection", "SparseRandomProjection", "NeighborhoodComponentsAnalysis"}
"""Steps that are affine, and mix the columns."""
INVERSES = ((np.exp, "log"), (np.expm1, "log1p"))
"""What is applied to the values of regressors whose targets are logarithms, with the link that it makes."""
LOGS = tuple(link for _, link in INVERSES)
PRODUCTS = "PolynomialFeatures"
RISING = {"MinMaxScaler", "QuantileTransformer", "PowerTransformer", "Binarizer", "KBinsDiscretizer"}
"""Steps that bend each column by itself and keep its order: a tree behind them is a tree."""
DELEGATES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV", "SelfTrainingClassifier", "RANSACRegressor"}
DELEGATES |= {"RFE", "RFECV", "FrozenEstimator"}


class Core(NamedTuple):
    """What decides a model's answers, ``steps`` before it, ``altered`` after it: ``threshold``, a link, method."""

    estimator: Estimator
    steps: tuple[Estimator, ...] = ()
    altered: tuple[str, ...] = ()


def core_of(model: Estimator) -> Core:
    """What is at the core of a model; raises :class:`mex.Incompatible` where no single estimator decides."""
    steps, inner, how, parts = tuple[Estimator, ...](), None, "", attribute(model, "steps")
    name = type(model).__name__ if is_sklearns(model) else ""
    if isinstance(parts, list) and type(model).__module__.partition(".")[0] in ("sklearn", "imblearn"):
        steps, inner = tuple(s for _, s in parts[:-1] if has_attribute(s, "transform")), parts[-1][1]
    elif (best := attribute(model, "best_estimator_")) is not None:
        inner = best
    elif name in DELEGATES:
        inner = model.estimator if name == "FrozenEstimator" else model.estimator_
        how = "threshold" if "Threshold" in name else ""
        steps = (model,) if name.startswith("RFE") else ()
    elif name == "CalibratedClassifierCV":
        inner, how = model.calibrated_classifiers_[0].estimator, model.method
        if len(model.calibrated_classifiers_) > 1:
            raise Incompatible(f"it averages {len(model.calibrated_classifiers_)} calibrated models")
        if len(model.classes_) > 2 and how != "temperature":
            raise Incompatible("its classes are calibrated one by one")
    elif name in ("OneVsRestClassifier", "OneVsOneClassifier") and len(model.estimators_) == 1:
        inner = model.estimators_[0]
    elif name == "TransformedTargetRegressor":
        inner, inverse = model.regressor_, attribute(model.transformer_, "inverse_func")
        how = "target" if inverse is None else next((link for f, link in INVERSES if f is inverse), "")
        if not how or (inverse is None and obstacle(model.transformer_, set())):
            raise Incompatible("its values are transformed, and not by an affine function, exp or expm1")
    core = Core(model) if inner is None else core_of(inner)
    return Core(core.estimator, steps + core.steps, tuple(filter(None, (how, *core.altered))))


def check_steps(core: Core, objection: str, also: set[str], discrete: frozenset[Any] = frozenset()) -> None:
    for name in filter(None, (obstacle(step, also, discrete) for step in core.steps)):
        raise Incompatible(f"its step {name} {objection}")


def members_of(estimator: Estimator) -> list[Estimator]:
    """The fitted models whose values, or probabilities, one adds up, or feeds into another; of any other, none."""
    if type(estimator).__name__ not in SUMS or not is_sklearns(estimator):
        return []
    return list(estimator.estimators_) if attribute(estimator, "voting", "soft") == "soft" else []


def flattened(members: Any) -> list[Any]:
    """What is in lists or arrays of lists; an ensemble has a length as well, and is taken whole."""
    return (
        [m for part in members for m in flattened(part)]
        if isinstance(members, list | tuple | np.ndarray)
        else [members]
    )


def obstacle(step: Estimator, also: set[str], discrete: frozenset[Any] = frozenset()) -> str:
    """The name of a step, or part of one, that neither is affine column by column nor one of ``also``; else nothing."""
    if step is None or isinstance(step, str):
        return ""  # passthrough, drop
    step = step.estimator if type(step).__name__ == "FrozenEstimator" else step
    also = also | ENCODERS if discrete.issuperset(attribute(step, "feature_names_in_", [discrete])) else also
    if parts := next(filter(None, (attribute(step, p) for p in ("transformer_list", "transformers_", "steps"))), None):
        return next(filter(None, (obstacle(part[1], also, discrete) for part in parts)), "")
    name = type(step).__name__
    fine = has_attribute(step, "get_support") or (name in also and attribute(step, "encode", "ordinal") == "ordinal")
    complete = str(attribute(step, "missing_values", np.nan)) in ("nan", "<NA>", "None")  # complete rows are left
    if name in COLUMNWISE and complete:
        fine |= not (
            attribute(step, "func") is not None or attribute(step, "clip") or np.max(attribute(step, "degree", 1)) > 1
        )
    return "" if fine and is_sklearns(step) else name


def bins(step: Estimator, discrete: frozenset[Any] = frozenset()) -> bool:
    """Whether each column behind a step takes a few values only, those of one column before it."""
    if step is None or isinstance(step, str):
        return step == "drop"
    if parts := attribute(step, "transformers_", attribute(step, "transformer_list")):
        return all(bins(part[1], discrete) or not np.size(part[-1]) for part in parts)
    if parts := attribute(step, "steps"):
        return binned([part[1] for part in parts], discrete)
    categories = type(step).__name__ in ENCODERS and discrete.issuperset(attribute(step, "feature_names_in_", [step]))
    return is_sklearns(step) and (type(step).__name__ in BINNING or categories)


def binned(steps: Sequence[Estimator], discrete: frozenset[Any]) -> bool:
    """Whether what leaves the steps is affine, or a polynomial, in columns of few values, of one column before each."""
    for i, step in enumerate(steps):
        if bins(step, discrete):
            return not any(obstacle(after, PROJECTIONS | {PRODUCTS}) for after in steps[i + 1 :])
        if obstacle(step, RISING, discrete):
            return False
    return False
