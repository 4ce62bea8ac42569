"""The public class F of f*, read off the whole of a fitted model: not its last step, but all that rows go through."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import attrs
import numpy as np

from mex.errors import Incompatible
from mex.estimator import NAIVE, attribute, coefficients, has_attribute, is_sklearns, obstacle, params_of, unfitted
from mex.knowledge import Family
from mex.types import Estimator

__all__ = ["Core", "core_of", "family_of", "without_learner"]

LOGISTIC = ("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis", "SGDClassifier", *NAIVE)
PROJECTIONS = {"PCA", "IncrementalPCA", "TruncatedSVD", "FactorAnalysis", "FastICA", "LinearDiscriminantAnalysis"}
PROJECTIONS |= {"GaussianRandomProjection", "SparseRandomProjection", "NeighborhoodComponentsAnalysis"}
GAUSSIAN, PRODUCTS = ("GaussianNB", "QuadraticDiscriminantAnalysis"), "PolynomialFeatures"
RISING = {"MinMaxScaler", "QuantileTransformer", "PowerTransformer", "Binarizer", "KBinsDiscretizer"}
"""Steps that bend each column by itself and keep its order: a tree behind them is a tree."""
DELEGATES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV", "SelfTrainingClassifier", "RANSACRegressor"}
DELEGATES |= {"RFE", "RFECV", "FrozenEstimator"}
BOOSTERS = ("catboost", "gpboost", "interpret", "lightgbm", "ngboost", "perpetual", "snapml", "thundergbm", "xgboost")
"""Libraries of boosted trees, told by the name of their package, so that none is imported."""


class Core(NamedTuple):
    """What decides a model's answers, ``steps`` before it, ``altered`` after it: ``threshold``, ``target``, method."""

    estimator: Estimator
    steps: tuple[Estimator, ...] = ()
    altered: tuple[str, ...] = ()


def family_of(estimator: Estimator, discrete: Collection[str | int] = ()) -> Family:
    """The :class:`mex.Family` of a fitted scikit-learn estimator or pipeline; any other object's is its own.

    A model is linear if one matrix of weights decides its answers: the steps before it are affine, and what is around
    it leaves the labels those of one halfspace per pair of classes. Its ``link`` is how answers depend on the scores:
    ``identity`` or ``log`` for values; ``margin`` for labels alone; ``logit`` where probabilities are logistic in the
    scores and the label is the likeliest, ``threshold`` where it is another, ``bent`` where they are not logistic.
    A ``polynomial`` is one behind ``PolynomialFeatures``, or a Gaussian model; ``cross``: with products of features.
    Sums of trees have a ``link`` only where it is not the usual one: ``logit`` probabilities of a forest, labels by a
    ``threshold``, and ``bent`` answers: medians of trees, isotonic calibration.
    Trees and forests are told by ``tree_``, kernel machines by ``kernel``, boosters by their library, networks by name.
    A model of no class that attacks know has its own name, maybe a ``reason``. Encoders of ``discrete`` are affine.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import Normalizer, PolynomialFeatures
    >>> rows, model = [[0.0, 1.0], [1.0, 0.5], [2.0, 0.0]], LogisticRegression()
    >>> family_of(make_pipeline(PolynomialFeatures(), model).fit(rows, [0, 1, 0])).kind
    'polynomial'
    >>> family_of(make_pipeline(Normalizer(), model).fit(rows, [0, 1, 0])).reason
    'its step Normalizer is not affine'
    """
    learner = None
    with contextlib.suppress(Exception):  # what cannot be cloned cannot be trained either
        learner = unfitted(estimator)
    return attrs.evolve(without_learner(estimator, discrete), learner=learner)


def without_learner(model: Estimator, discrete: Collection[str | int] = ()) -> Family:
    """The same without the unfitted estimator, which takes longest to make."""
    try:
        core = core_of(model)
        params = params_of(core.estimator)
        link = _link(core, np.size(attribute(model, "classes_", ())), params)
        if (degree := _degree(core, link)) > 1:
            _check_steps(core, "is no polynomial", PROJECTIONS | {PRODUCTS}, frozenset(discrete))
            alone = type(core.estimator).__name__ == GAUSSIAN[0] and not any(obstacle(s, set()) for s in core.steps)
            return Family("polynomial", {"degree": degree, "cross": not alone, "link": link or "logit"})
        if link:
            _check_steps(core, "is not affine", PROJECTIONS, frozenset(discrete))
            scores = coefficients(core.estimator)
            own = bool(params.get("fit_intercept", scores is None or np.any(scores[1])))
            moved = bool(core.steps or core.altered)  # the origin may be elsewhere
            return Family("linear", {"intercept": moved or own, "link": link})
        if "kernel" in params and attribute(core.estimator, "dual_coef_") is not None:
            _check_steps(core, "is not affine", PROJECTIONS)
            return Family("kernel", {n: params[n] for n in ("kernel", "C", "gamma", "degree", "coef0") if n in params})
        kind = _by_name(core.estimator, params)
        ordered = "does not keep the order of each column", RISING
        _check_steps(core, *(("is not affine", PROJECTIONS) if kind == "neural" else ordered), frozenset(discrete))
    except Incompatible as reason:
        return Family(type(model).__name__, reason=str(reason))
    public = {name: value for name, value in params.items() if not hasattr(value, "predict")}
    summed = _link_of_trees(core, kind, params) if kind in ("boosted", "forest") else ""
    return Family(kind, {**public, "link": summed} if summed else public)


def _link(core: Core, k: int, params: Mapping[str, Any]) -> str:
    """How the answers of ``k`` classes (0 for values) depend on the scores of a ``coef_``; "" if there is none."""
    estimator, name = core.estimator, type(core.estimator).__name__
    if name == "OneVsRestClassifier" and is_sklearns(estimator):
        members = [core_of(member) for member in estimator.estimators_]
        for member in members:
            _check_steps(member, "is not affine", PROJECTIONS)
        linear = all(_link(member, 2, params_of(member.estimator)) and not member.altered for member in members)
        return "" if not linear else "bent" if has_attribute(estimator, "predict_proba") else "margin"
    scores = coefficients(estimator)
    if scores is None:
        return ""
    if k == 0:
        if len(scores[0]) > 1:
            raise Incompatible("it answers a row with several values")
        glm = type(estimator).__module__.startswith("sklearn.linear_model._glm")
        log = params.get("link") == "log" or (params.get("link") != "identity" and params.get("power", 1) > 0)
        return "log" if glm and log else "identity"
    if k > 2 and attribute(estimator, "dual_coef_") is not None:
        return ""  # a support vector machine lets pairs of classes vote
    calibrated = [how for how in core.altered if how != "threshold"]
    if not calibrated and not has_attribute(estimator, "predict_proba"):
        return "margin"
    one_by_one = k > 2 and ("loss" in params or not {"ovr", "liblinear"}.isdisjoint(map(str, params.values())))
    logistic = name in LOGISTIC and not one_by_one and params.get("loss", "log_loss") == "log_loss"
    if not (calibrated in (["sigmoid"], ["temperature"]) if calibrated else logistic):
        return "bent"
    return "threshold" if "threshold" in core.altered else "logit"


def _link_of_trees(core: Core, kind: str, params: Mapping[str, Any]) -> str:
    """How answers depend on the sum over trees, where a boosted model or a forest by itself would answer otherwise."""
    estimator, calibrated = core.estimator, [how for how in core.altered if how not in ("threshold", "target")]
    if is_sklearns(estimator) and type(estimator).__name__ in ("AdaBoostRegressor", "OneVsRestClassifier"):
        return "bent"  # the weighted median of the trees; probabilities that are divided by their sum
    if params.get("reg_sqrt") or str(params.get("objective")) in ("cross_entropy_lambda", "xentlambda"):
        return "bent"
    scored = has_attribute(estimator, "decision_function")
    if calibrated == ["sigmoid"] and (scored or kind == "forest"):
        return "logit"  # affine in the scores, or in the mean: a booster without scores gives its probabilities
    if calibrated:
        return "logit" if calibrated == ["temperature"] and scored else "bent"
    return "threshold" if "threshold" in core.altered else ""


def _degree(core: Core, link: str) -> int:
    """The degree of the polynomials that the scores are; 0 where they are none."""
    gaussian = type(core.estimator).__name__ in GAUSSIAN and is_sklearns(core.estimator) and not core.altered
    degree = 2 if gaussian else int(bool(link))
    for step in core.steps:
        parts = [part for part in (step, *params_of(step, deep=True).values()) if type(part).__name__ == PRODUCTS]
        degree *= max((int(np.max(part.degree)) for part in parts), default=1)
    return degree


def _by_name(estimator: Estimator, params: Mapping[str, Any]) -> str:
    name, library = type(estimator).__name__, type(estimator).__module__.partition(".")[0]
    if is_sklearns(estimator) and name.startswith("MLP"):
        return "neural"
    members = np.ravel(
        np.asarray(attribute(estimator, "estimators_", attribute(estimator, "_predictors", ())), dtype=object)
    )
    if has_attribute(estimator, "tree_") or (
        len(members) == 1 and "GradientBoosting" in name and not params.get("init")
    ):
        return "tree"
    if params.get("linear_tree"):
        raise Incompatible("its leaves hold linear models")
    if (start := attribute(estimator, "init_")) is not None and not _is_stepwise(start):
        raise Incompatible(f"its trees are added to a {type(start).__name__}")
    if len(members) and all(attribute(m, "tree_") is not None for m in members) and "final_estimator" not in params:
        return "boosted" if "learning_rate" in params else "forest"  # boosting adds trees up, a forest lets them vote
    if name.startswith("HistGradientBoosting") or (library in BOOSTERS and params.get("booster") != "gblinear"):
        return "forest" if "RF" in name or params.get("boosting_type") == "rf" else "boosted"
    raise Incompatible("")


def _is_stepwise(start: Estimator) -> bool:
    """Whether what a booster starts from is a constant, or trees itself."""
    return isinstance(start, str) or type(start).__name__.startswith("Dummy") or without_learner(start).axis_parallel


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
        inner, how = model.regressor_, "target"
        if attribute(model.transformer_, "inverse_func") is not None or obstacle(model.transformer_, set()):
            raise Incompatible("its values are transformed, and not by an affine function")
    core = Core(model) if inner is None else core_of(inner)
    return Core(core.estimator, steps + core.steps, tuple(filter(None, (how, *core.altered))))


def _check_steps(core: Core, objection: str, also: set[str], discrete: frozenset[Any] = frozenset()) -> None:
    for name in filter(None, (obstacle(step, also, discrete) for step in core.steps)):
        raise Incompatible(f"its step {name} {objection}")
