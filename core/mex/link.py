"""How the answers of a fitted model depend on the scores that it adds up, and what these are of the features."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from mex.composition import LOGS, PRODUCTS, PROJECTIONS, Core, check_steps, core_of
from mex.errors import Incompatible
from mex.estimator import (
    CENTROIDS,
    NAIVE,
    answers_without_prior,
    attribute,
    coefficients,
    has_attribute,
    is_sklearns,
    params_of,
)
from mex.knowledge import Family
from mex.types import Estimator

__all__ = ["GAUSSIAN", "degree_of", "is_exponential", "kernel_degree", "link_of", "link_of_objective", "link_of_trees"]

LOGISTIC = (
    "LogisticRegression",
    "LogisticRegressionCV",
    "LinearDiscriminantAnalysis",
    "SGDClassifier",
    "NearestCentroid",
    *NAIVE,
)
GAUSSIAN = ("GaussianNB", "QuadraticDiscriminantAnalysis")
EXPONENTIAL = ("poisson", "gamma", "tweedie", "cox", "aft")
"""What objectives are called whose values are exponential in the scores."""


def link_of_objective(objective: str) -> str:
    """How the answers of XGBoost depend on the scores that it adds up, by the name of its objective.

    >>> [link_of_objective(name) for name in ("multi:softprob", "count:poisson", "reg:squarederror", "binary:hinge")]
    ['logit', 'log', 'identity', 'margin']
    """
    if objective in ("binary:logistic", "multi:softprob"):
        return "logit"
    if objective.startswith(("binary:", "multi:")):
        return "margin"
    if any(name in objective for name in EXPONENTIAL):
        return "log"
    return "bent" if objective == "reg:logistic" else "identity"


def link_of(core: Core, k: int, params: Mapping[str, Any], members: Collection[Family] = ()) -> str:
    """How the answers of ``k`` classes (0 for values) depend on the scores of weights; "" if there are none."""
    link = _link(core, k, params, members)
    logs = [how for how in core.altered if how in LOGS]
    if link and logs:
        return logs[0] if link == "identity" and len(logs) == 1 else "bent"
    return link


def _link(core: Core, k: int, params: Mapping[str, Any], members: Collection[Family]) -> str:
    estimator, name = core.estimator, type(core.estimator).__name__
    if type(estimator).__module__.startswith("xgboost.") and params.get("booster") == "gblinear":
        return link_of_objective(str(params["objective"]))
    if members:
        return "identity" if k == 0 and all(m.public.get("link") == "identity" for m in members) else ""
    if k == 0 and kernel_degree(estimator):
        return "identity"
    if name == "OneVsRestClassifier" and is_sklearns(estimator):
        cores = [core_of(member) for member in estimator.estimators_]
        for one in cores:
            check_steps(one, "is not affine", PROJECTIONS)
        links = {link_of(one, 2, params_of(one.estimator)) for one in cores}
        if "" in links or any(one.altered for one in cores):
            return ""
        scored = all(has_attribute(member, "decision_function") for member in estimator.estimators_)
        shown = "one-vs-rest" if links == {"logit"} and scored else "bent"  # else labels are of saturated answers
        return shown if has_attribute(estimator, "predict_proba") else "margin"
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
    logistic = name in LOGISTIC and params.get("loss", "log_loss") == "log_loss"
    if not calibrated and logistic and one_by_one:
        return "one-vs-rest"
    logistic &= not (name == CENTROIDS and answers_without_prior(estimator))
    if not (calibrated in (["sigmoid"], ["temperature"]) if calibrated else logistic):
        return "bent"
    return "threshold" if "threshold" in core.altered else "logit"


def link_of_trees(core: Core, kind: str, params: Mapping[str, Any]) -> str:
    """How answers depend on the sum over trees, where a boosted model or a forest by itself would answer otherwise."""
    estimator, calibrated = core.estimator, [how for how in core.altered if how not in ("threshold", "target")]
    if calibrated == ["log"]:
        return "bent" if is_exponential(params) else "log"
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


def is_exponential(params: Mapping[str, Any]) -> bool:
    """Whether a booster says of its loss that values are exponential in the scores."""
    losses = [str(params.get(name)).lower() for name in ("objective", "loss", "loss_function")]
    return any(word in loss for loss in losses for word in EXPONENTIAL)


def degree_of(core: Core, link: str, members: Collection[Family]) -> int:
    """The degree of the polynomials that the scores are; 0 where they are none."""
    gaussian = type(core.estimator).__name__ in GAUSSIAN and is_sklearns(core.estimator) and not core.altered
    degree = 2 if gaussian else int(bool(link))
    if link in ("identity", *LOGS):
        degree *= max([m.public.get("degree", 1) for m in members] or [kernel_degree(core.estimator) or 1])
    for step in core.steps:
        parts = [part for part in (step, *params_of(step, deep=True).values()) if type(part).__name__ == PRODUCTS]
        degree *= max((int(np.max(part.degree)) for part in parts), default=1)
    return degree


def kernel_degree(estimator: Estimator) -> int:
    """The degree of the values of a kernel machine, if its kernel is a polynomial; else 0."""
    if not is_sklearns(estimator) or attribute(estimator, "dual_coef_") is None:
        return 0
    params = params_of(estimator)
    kernel, degree = params.get("kernel"), params.get("degree", 3)
    return 1 if kernel == "linear" else int(degree) if kernel in ("poly", "polynomial") and degree % 1 == 0 else 0
