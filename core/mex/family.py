"""The public class F of f*, read off the whole of a fitted model: not its last step, but all that rows go through."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any

import attrs
import numpy as np

from mex.composition import (
    LOGS,
    PRODUCTS,
    PROJECTIONS,
    RISING,
    binned,
    check_steps,
    core_of,
    flattened,
    members_of,
    obstacle,
)
from mex.errors import Incompatible
from mex.estimator import attribute, coefficients, has_attribute, is_sklearns, params_of, unfitted
from mex.knowledge import AXIS_PARALLEL, Family
from mex.link import GAUSSIAN, degree_of, is_exponential, link_of, link_of_trees
from mex.types import Estimator

__all__ = ["family_of", "without_learner"]

BOOSTERS = ("catboost", "gpboost", "interpret", "lightgbm", "ngboost", "perpetual", "snapml", "thundergbm", "xgboost")
"""Libraries of boosted trees, told by the name of their package, so that none is imported."""


def family_of(estimator: Estimator, discrete: Collection[str | int] = ()) -> Family:
    """The :class:`mex.Family` of a fitted scikit-learn estimator or pipeline; any other object's is its own.

    A model is linear if one matrix of weights decides its answers: the steps before it are affine, and what is around
    it leaves the labels those of one halfspace per pair of classes. Its ``link`` is how answers depend on the scores:
    ``identity`` or ``log`` for values; ``margin`` for labels alone; ``logit`` where probabilities are logistic in the
    scores and the label is the likeliest, ``threshold`` where it is another, ``one-vs-rest`` where each class has a
    logistic function of its own and all are divided by their sum, ``bent`` where they are not logistic.
    A ``polynomial`` is one behind ``PolynomialFeatures``, or a Gaussian model; ``cross``: with products of features.
    A mean of models is what its members are; a linear model of bins is a sum of trees, of one split each.
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
        members = _members(core.estimator, discrete)
        link = link_of(core, np.size(attribute(model, "classes_", ())), params, members)
        degree = degree_of(core, link, members)
        if link and binned(core.steps, frozenset(discrete)):
            told = {} if link in ("identity", "logit", "margin") else {"link": "bent" if link == "log1p" else link}
            return Family("boosted", {"max_depth": degree, "precision": "float64", **told})
        if degree > 1:
            check_steps(core, "is no polynomial", PROJECTIONS | {PRODUCTS}, frozenset(discrete))
            alone = type(core.estimator).__name__ == GAUSSIAN[0] and not any(obstacle(s, set()) for s in core.steps)
            return Family("polynomial", {"degree": degree, "cross": not alone, "link": link or "logit"})
        if link:
            check_steps(core, "is not affine", PROJECTIONS, frozenset(discrete))
            scores = coefficients(core.estimator)
            own = bool(params.get("fit_intercept", scores is None or np.any(scores[1])))
            moved = bool(core.steps or core.altered)  # the origin may be elsewhere
            return Family("linear", {"intercept": moved or own, "link": link})
        if "kernel" in params and attribute(core.estimator, "dual_coef_") is not None:
            check_steps(core, "is not affine", PROJECTIONS)
            return Family("kernel", {n: params[n] for n in ("kernel", "C", "gamma", "degree", "coef0") if n in params})
        kind = _by_name(core.estimator, params, members)
        if kind == "neural" and any(how in LOGS for how in core.altered):
            raise Incompatible("its values are transformed, and not by an affine function")
        ordered = "does not keep the order of each column", RISING
        check_steps(core, *(("is not affine", PROJECTIONS) if kind == "neural" else ordered), frozenset(discrete))
    except Incompatible as reason:
        return Family(type(model).__name__, reason=str(reason))
    public = {name: value for name, value in params.items() if not hasattr(value, "predict")}
    summed = link_of_trees(core, kind, params) if kind in ("boosted", "forest") else ""
    return Family(kind, {**public, "link": summed} if summed else public)


def _members(estimator: Estimator, discrete: Collection[str | int]) -> list[Family]:
    """What the models are that one adds up; one that feeds them into what is not affine has a name of its own."""
    members = [without_learner(member, discrete) for member in members_of(estimator)]
    if members and (final := attribute(estimator, "final_estimator_")) is not None:
        last = without_learner(final)
        if (last.kind, last.public.get("link")) != ("linear", "identity"):
            raise Incompatible("")
        members += [last] * bool(estimator.passthrough)
    return members


def _by_name(estimator: Estimator, params: Mapping[str, Any], means_of: Collection[Family] = ()) -> str:
    name, library = type(estimator).__name__, type(estimator).__module__.partition(".")[0]
    if is_sklearns(estimator) and name.startswith("MLP"):
        return "neural"
    members = flattened(attribute(estimator, "estimators_", attribute(estimator, "_predictors", ())))
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
    if means_of:
        return _mean(estimator, means_of)
    if name.startswith("HistGradientBoosting") or (library in BOOSTERS and params.get("booster") != "gblinear"):
        return "forest" if "RF" in name or params.get("boosting_type") == "rf" else "boosted"
    raise Incompatible("")


def _mean(estimator: Estimator, members: Collection[Family]) -> str:
    """What a mean of trees is, of values or of probabilities; of one that adds up anything else, nothing."""
    shown = ("tree", "forest") if has_attribute(estimator, "predict_proba") else AXIS_PARALLEL
    if all(m.kind in shown and not m.public.get("link") and not is_exponential(m.public) for m in members):
        return "forest"
    raise Incompatible("")


def _is_stepwise(start: Estimator) -> bool:
    """Whether what a booster starts from is a constant, or trees itself."""
    return isinstance(start, str) or type(start).__name__.startswith("Dummy") or without_learner(start).axis_parallel
