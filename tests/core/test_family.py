"""The public class that is read off the whole of a fitted model, and its classes."""

from __future__ import annotations

import sys
import types
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, SelectKBest, VarianceThreshold, f_classif
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import (
    LogisticRegression,
    MultiTaskLasso,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    TweedieRegressor,
)
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import mex
from mex.family import family_of
from mex.toolkit.normals import normal
from mex.types import Array, Estimator, FloatArray

X, y = load_breast_cancer(return_X_y=True)
X, names = X[:, :6], np.array(["benign", "malignant"])[1 - y]
THREE = load_iris(return_X_y=True)
VALUES = load_diabetes(return_X_y=True)
LR, TREE = LogisticRegression(max_iter=5000), DecisionTreeClassifier(max_depth=3, random_state=0)
BOOSTING, FOREST = GradientBoostingClassifier(n_estimators=3), RandomForestClassifier(3)
WARM = CalibratedClassifierCV(LR, method="temperature", ensemble=False)
OTHER_UNITS = TransformedTargetRegressor(Ridge(), transformer=StandardScaler())
FOREST, STUMP = RandomForestClassifier(3, random_state=0), DecisionTreeRegressor(max_depth=1)
LOG_LOG_HISTOGRAMS = HistGradientBoostingRegressor(loss="poisson", max_iter=3)
HISTOGRAMS, GRADIENTS = HistGradientBoostingRegressor(max_iter=3), GradientBoostingClassifier(n_estimators=3)
LOG_HISTOGRAMS = HistGradientBoostingRegressor(loss="poisson", max_iter=3)
SQUARES = PolynomialFeatures(2, include_bias=False)
PARABOLA = make_pipeline(PolynomialFeatures(2), Ridge())
LOG_VALUES = TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp)
MORE_LOG_VALUES = TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1)
ROOTS = TransformedTargetRegressor(Ridge(), func=np.sqrt, inverse_func=np.square)
LOGS_OF_LOGS = TransformedTargetRegressor(PoissonRegressor(), func=np.log, inverse_func=np.exp)
CATEGORY = OneHotEncoder(handle_unknown="ignore")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::FutureWarning")


def calibrated(model: Estimator, method: str) -> Estimator:
    return CalibratedClassifierCV(model, method=method, ensemble=False)


def scaled(model: Estimator) -> Estimator:
    return make_pipeline(StandardScaler(), model)


def binary(link: str) -> tuple[Any, ...]:
    return (X, names), "linear", {"link": link}


def polynomial(degree: int, cross: bool, link: str) -> tuple[Any, ...]:
    return (X, names), "polynomial", {"degree": degree, "cross": cross, "link": link}


def identity(degree: int) -> tuple[Any, ...]:
    return (VALUES, "linear", {"link": "identity"}) if degree == 1 else (VALUES, "polynomial", {"degree": degree})


def trees(kind: str, **public: Any) -> tuple[Any, ...]:
    return (X, names), kind, public


LOG_TREES = (VALUES, "boosted", {"link": "log"})


def own(name: str, data: tuple[Array, Array] = (X, names)) -> tuple[Any, ...]:
    return data, name, {}


HUBER = scaled(SGDClassifier(loss="modified_huber", random_state=0))
ONE_BY_ONE = THREE, "linear", {"link": "one-vs-rest"}

TABLE: dict[str, tuple[Estimator, Any, str, dict[str, Any]]] = {
    label: (model, *expected)
    for label, model, expected in [
        # one coef_, and affine steps before it
        ("logistic", LR, binary("logit")),
        ("no intercept", LogisticRegression(fit_intercept=False), ((X, names), "linear", {"intercept": False})),
        ("scaled", scaled(LogisticRegression(fit_intercept=False)), ((X, names), "linear", {"intercept": True})),
        ("passthrough", make_pipeline("passthrough", RobustScaler(), MaxAbsScaler(), LR), binary("logit")),
        ("min-max", make_pipeline(MinMaxScaler(), LR), binary("logit")),
        ("pca", make_pipeline(StandardScaler(), PCA(3, whiten=True), LR), binary("logit")),
        ("svd", make_pipeline(TruncatedSVD(2), LR), binary("logit")),
        ("selected", make_pipeline(VarianceThreshold(), SelectKBest(f_classif, k=3), scaled(LR)), binary("logit")),
        ("imputed", make_pipeline(SimpleImputer(), scaled(LR)), binary("logit")),
        ("degree 1", make_pipeline(PolynomialFeatures(1), LR), binary("logit")),
        ("identity", make_pipeline(FunctionTransformer(), scaled(LR)), binary("logit")),
        (
            "columns",
            make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 2]), ("b", "passthrough", [5])]), LR),
            binary("logit"),
        ),
        ("union", make_pipeline(FeatureUnion([("a", PCA(2)), ("b", MinMaxScaler())]), LR), binary("logit")),
        ("rfe", RFE(LR, n_features_to_select=3), binary("logit")),
        ("ridge", RidgeClassifier(), binary("margin")),
        ("lda", LinearDiscriminantAnalysis(), binary("logit")),
        ("sgd", scaled(SGDClassifier(loss="log_loss", random_state=0)), binary("logit")),
        ("huber", scaled(SGDClassifier(loss="modified_huber", random_state=0)), binary("bent")),
        ("linear kernel", scaled(SVC(kernel="linear")), binary("margin")),
        ("multinomial", MultinomialNB(), ((X, names), "linear", {"link": "logit", "intercept": True})),
        ("complement", ComplementNB(norm=True), ((X, names), "linear", {"link": "logit", "intercept": False})),
        ("bernoulli", make_pipeline(MinMaxScaler(), BernoulliNB(binarize=None)), binary("logit")),
        ("platt", scaled(SVC(kernel="linear", probability=True, random_state=0)), binary("bent")),
        # what is around it
        ("search", GridSearchCV(scaled(LR), {"logisticregression__C": [0.1, 1.0]}), binary("logit")),
        ("frozen", FrozenEstimator(scaled(clone(LR)).fit(X, names)), binary("logit")),
        ("sigmoid", CalibratedClassifierCV(scaled(LinearSVC()), ensemble=False), binary("logit")),
        ("of a frozen", CalibratedClassifierCV(FrozenEstimator(scaled(clone(LR)).fit(X, names))), binary("logit")),
        ("temperature", CalibratedClassifierCV(scaled(LR), method="temperature", ensemble=False), binary("logit")),
        ("isotonic", CalibratedClassifierCV(scaled(LR), method="isotonic", ensemble=False), binary("bent")),
        ("fixed", FixedThresholdClassifier(scaled(LR), threshold=0.9, pos_label="malignant"), binary("threshold")),
        ("other label", FixedThresholdClassifier(scaled(LR), threshold=0.9, pos_label="benign"), binary("threshold")),
        ("tuned", TunedThresholdClassifierCV(scaled(LR), scoring="balanced_accuracy"), binary("threshold")),
        ("tuned margin", TunedThresholdClassifierCV(scaled(LinearSVC()), scoring="f1_macro"), binary("margin")),
        (
            "frozen and tuned",
            FrozenEstimator(FixedThresholdClassifier(clone(LR), threshold=0.8, pos_label="benign").fit(X, names)),
            binary("threshold"),
        ),
        ("one against one", OneVsOneClassifier(scaled(LinearSVC())), binary("margin")),
        ("one against the other", OneVsRestClassifier(scaled(LR)), binary("logit")),
        # several classes
        ("softmax", LR, (THREE, "linear", {"link": "logit"})),
        ("three margins", LinearSVC(), (THREE, "linear", {"link": "margin"})),
        ("against the rest", OneVsRestClassifier(scaled(LR)), (THREE, "linear", {"link": "one-vs-rest"})),
        ("bayes against the rest", OneVsRestClassifier(MultinomialNB()), (THREE, "linear", {"link": "bent"})),
        ("huber against the rest", OneVsRestClassifier(HUBER), (THREE, "linear", {"link": "bent"})),
        ("sgd of three", scaled(SGDClassifier(loss="log_loss", random_state=0)), ONE_BY_ONE),
        ("huber of three", HUBER, (THREE, "linear", {"link": "bent"})),
        ("centroids", NearestCentroid(), binary("bent")),
        ("centroids of a prior", NearestCentroid(priors="empirical", shrink_threshold=0.1), binary("logit")),
        ("three centroids", NearestCentroid(priors=[0.5, 0.3, 0.2]), (THREE, "linear", {"link": "logit"})),
        ("three plain centroids", NearestCentroid(), (THREE, "linear", {"link": "bent"})),
        ("three multinomials", MultinomialNB(), (THREE, "linear", {"link": "logit"})),
        ("three complements", ComplementNB(), (THREE, "linear", {"link": "logit"})),
        ("three temperatures", WARM, (THREE, "linear", {"link": "logit"})),
        ("votes of pairs", SVC(kernel="linear"), (THREE, "kernel", {"kernel": "linear"})),
        ("against one another", OneVsOneClassifier(LR), own("OneVsOneClassifier", THREE)),
        ("three sigmoids", CalibratedClassifierCV(LR, ensemble=False), own("CalibratedClassifierCV", THREE)),
        # values
        ("regression", scaled(Ridge()), (VALUES, "linear", {"link": "identity"})),
        ("pls", scaled(PLSRegression(3)), (VALUES, "linear", {"link": "identity"})),
        ("poisson", PoissonRegressor(), (VALUES, "linear", {"link": "log"})),
        ("tweedie", TweedieRegressor(power=0), (VALUES, "linear", {"link": "identity"})),
        ("other units", OTHER_UNITS, (VALUES, "linear", {"link": "identity"})),
        ("mean of lines", VotingRegressor([("a", scaled(Ridge())), ("b", Ridge(9.0))]), identity(1)),
        ("bag of lines", scaled(BaggingRegressor(Ridge(), 3, max_features=0.5)), identity(1)),
        ("line of lines", StackingRegressor([("a", Ridge()), ("b", SVR(kernel="linear"))], Ridge()), identity(1)),
        ("linear kernel ridge", scaled(KernelRidge()), identity(1)),
        ("mean of parabolas", VotingRegressor([("a", PARABOLA), ("b", Ridge())]), identity(2)),
        ("polynomial kernel", scaled(SVR(kernel="poly", degree=2)), identity(2)),
        ("poly", scaled(KernelRidge(kernel="poly", degree=2)), identity(2)),
        ("squares of a mean", make_pipeline(PolynomialFeatures(), BaggingRegressor(Ridge(), 3)), identity(2)),
        ("a log", VotingRegressor([("a", PoissonRegressor()), ("b", Ridge())]), own("VotingRegressor", VALUES)),
        ("lines beside", StackingRegressor([("a", Ridge())], passthrough=True), identity(1)),
        ("trees beside", StackingRegressor([("a", STUMP)], passthrough=True), own("StackingRegressor", VALUES)),
        ("no line of lines", StackingRegressor([("a", Ridge())], SVR()), own("StackingRegressor", VALUES)),
        ("median of lines", AdaBoostRegressor(Ridge(), n_estimators=3), own("AdaBoostRegressor", VALUES)),
        ("mean with a kernel", VotingRegressor([("a", SVR()), ("b", Ridge())]), own("VotingRegressor", VALUES)),
        ("log values", LOG_VALUES, (VALUES, "linear", {"link": "log"})),
        ("log1p values", scaled(MORE_LOG_VALUES), (VALUES, "linear", {"link": "log1p"})),
        ("roots", ROOTS, own("TransformedTargetRegressor", VALUES)),
        ("bent logs", LOGS_OF_LOGS, (VALUES, "linear", {"link": "bent"})),
        # none of it
        ("squares", make_pipeline(PolynomialFeatures(2), scaled(LR)), polynomial(2, True, "logit")),
        ("cubes", make_pipeline(MinMaxScaler(), PolynomialFeatures((1, 3)), LR), polynomial(3, True, "logit")),
        ("margins of squares", make_pipeline(PolynomialFeatures(), LinearSVC()), polynomial(2, True, "margin")),
        (
            "squares of some",
            make_pipeline(ColumnTransformer([("a", PolynomialFeatures(2), [0, 1])], remainder="passthrough"), LR),
            polynomial(2, True, "logit"),
        ),
        ("bins of squares", make_pipeline(SQUARES, KBinsDiscretizer(4), LR), own("Pipeline")),
        ("votes of squares", make_pipeline(PolynomialFeatures(2), SVC(kernel="linear")), own("Pipeline", THREE)),
        ("bins of components", make_pipeline(PCA(3), KBinsDiscretizer(4), LR), own("Pipeline")),
        (
            "bins of some",
            make_pipeline(ColumnTransformer([("a", KBinsDiscretizer(4), [0, 1])], remainder="passthrough"), LR),
            own("Pipeline"),
        ),
        ("quantiles", make_pipeline(QuantileTransformer(n_quantiles=50), LR), own("Pipeline")),
        ("clipped", make_pipeline(MinMaxScaler(clip=True), LR), own("Pipeline")),
        ("logarithms", make_pipeline(FunctionTransformer(np.log1p), LR), own("Pipeline")),
        ("lengths", make_pipeline(Normalizer(), LR), own("Pipeline")),
        ("landmarks", make_pipeline(Nystroem(n_components=20, random_state=0), LR), own("Pipeline")),
        ("zeros imputed", make_pipeline(SimpleImputer(missing_values=0), LR), own("Pipeline")),
        ("categories", make_pipeline(ColumnTransformer([("a", CATEGORY, [0])]), LR), own("Pipeline")),
        ("inside", GridSearchCV(make_pipeline(PolynomialFeatures(), scaled(LR)), {}), polynomial(2, True, "logit")),
        ("ensemble", CalibratedClassifierCV(scaled(LR), cv=3), own("CalibratedClassifierCV")),
        ("voting", VotingClassifier([("a", LR), ("b", LinearSVC())]), own("VotingClassifier")),
        ("stacking", StackingClassifier([("a", LR), ("b", TREE)]), own("StackingClassifier")),
        ("stacked trees", StackingClassifier([("a", TREE)], final_estimator=TREE), own("StackingClassifier")),
        ("bagging", BaggingClassifier(LR, 3), own("BaggingClassifier")),
        ("bayes", GaussianNB(), polynomial(2, False, "logit")),
        ("scaled bayes", scaled(GaussianNB()), polynomial(2, False, "logit")),
        ("bayes of components", make_pipeline(PCA(3), GaussianNB()), polynomial(2, True, "logit")),
        ("bayes of bins", make_pipeline(KBinsDiscretizer(4, encode="ordinal"), GaussianNB()), own("Pipeline")),
        ("calibrated bayes", CalibratedClassifierCV(GaussianNB(), ensemble=False), own("CalibratedClassifierCV")),
        ("thresholds of bits", BernoulliNB(binarize=10.0), own("BernoulliNB")),
        ("quadratic", QuadraticDiscriminantAnalysis(reg_param=0.1), polynomial(2, True, "logit")),
        ("net", scaled(MLPClassifier((3,), max_iter=50)), ((X, names), "neural", {"activation": "relu"})),
        # kernels and trees
        ("kernel", scaled(SVC(C=3.0)), ((X, names), "kernel", {"kernel": "rbf", "C": 3.0})),
        ("bent kernel", make_pipeline(PowerTransformer(), SVC()), own("Pipeline")),
        ("tree", TREE, ((X, names), "tree", {"max_depth": 3})),
        ("quantile tree", make_pipeline(QuantileTransformer(n_quantiles=50), TREE), ((X, names), "tree", {})),
        ("oblique tree", make_pipeline(PCA(), TREE), own("Pipeline")),
        ("tuned tree", FixedThresholdClassifier(TREE, threshold=0.3, pos_label="benign"), ((X, names), "tree", {})),
        ("forest", FOREST, ((X, names), "forest", {"n_estimators": 3})),
        ("bagged trees", BaggingClassifier(TREE, 3), ((X, names), "forest", {})),
        ("boosting", BOOSTING, ((X, names), "boosted", {"max_depth": 3})),
        ("calibrated forest", calibrated(FOREST, "sigmoid"), ((X, names), "forest", {"link": "logit"})),
        ("warm boosting", calibrated(BOOSTING, "temperature"), ((X, names), "boosted", {"link": "logit"})),
        ("bent boosting", calibrated(BOOSTING, "isotonic"), ((X, names), "boosted", {"link": "bent"})),
        (
            "tuned boosting",
            FixedThresholdClassifier(BOOSTING, threshold=0.3, pos_label="benign"),
            ((X, names), "boosted", {"link": "threshold"}),
        ),
        ("boosting of a tree", clone(BOOSTING).set_params(init=TREE), ((X, names), "boosted", {})),
        ("boosting of lines", clone(BOOSTING).set_params(init=LR), own("GradientBoostingClassifier")),
        ("medians of trees", AdaBoostRegressor(n_estimators=3), (VALUES, "boosted", {"link": "bent"})),
        ("adaboost", AdaBoostClassifier(n_estimators=3), ((X, names), "boosted", {})),
        ("bins", make_pipeline(KBinsDiscretizer(4), LR), trees("boosted", max_depth=1)),
        ("components of bins", make_pipeline(KBinsDiscretizer(4), PCA(3), LR), trees("boosted", max_depth=1)),
        ("pairs of bins", make_pipeline(KBinsDiscretizer(4), PolynomialFeatures(2), LR), trees("boosted", max_depth=2)),
        ("values of bins", make_pipeline(SimpleImputer(), Binarizer(threshold=0.01), Ridge()), (VALUES, "boosted", {})),
        ("mean of forests", VotingClassifier([("a", FOREST), ("b", TREE)], voting="soft"), trees("forest")),
        ("bag of forests", BaggingClassifier(FOREST, 3), trees("forest")),
        ("mean of boosters", VotingRegressor([("a", HISTOGRAMS), ("b", STUMP)]), (VALUES, "forest", {})),
        ("stacked boosters", StackingRegressor([("a", HISTOGRAMS), ("b", STUMP)]), (VALUES, "forest", {})),
        ("logs of boosters", TransformedTargetRegressor(HISTOGRAMS, func=np.log, inverse_func=np.exp), LOG_TREES),
        ("mean of log boosters", VotingRegressor([("a", LOG_HISTOGRAMS)]), own("VotingRegressor", VALUES)),
        ("mean of log-odds", VotingClassifier([("a", GRADIENTS)], voting="soft"), own("VotingClassifier")),
        ("votes of forests", VotingClassifier([("a", FOREST), ("b", LR)]), own("VotingClassifier")),
        ("histograms", HistGradientBoostingClassifier(max_iter=3), ((X, names), "boosted", {})),
        ("values of histograms", HistGradientBoostingRegressor(max_iter=3), (VALUES, "boosted", {})),
    ]
}  # fmt: skip


@cache
def fitted(label: str) -> tuple[Estimator, Array, Array]:
    model, (A, b), _, _ = TABLE[label]
    return (model if label.startswith("frozen") else clone(model).fit(A, b)), A, b


@pytest.mark.parametrize("label", TABLE)
def test_the_class_is_read_off_the_whole_model(label: str) -> None:
    model, A, _ = fitted(label)
    _, _, kind, public = TABLE[label]
    domain = mex.Domain(A.min(axis=0), A.max(axis=0))
    family = mex.FittedTarget.wrap(model, domain=domain).family
    assert family.kind == kind, family.reason
    assert public.items() <= dict(family.public).items()
    if not isinstance(model, FrozenEstimator):
        assert not hasattr(family.learner, "classes_")


LINEAR = [label for label, (_, _, kind, _) in TABLE.items() if kind == "linear"]


def far_and_wide(A: FloatArray, n: int) -> FloatArray:
    """Rows of the box, beyond it, and between rows of the data."""
    rng = np.random.default_rng(0)
    low, high = A.min(axis=0), A.max(axis=0)
    inside = low + (high - low) * rng.random((n, A.shape[1]))
    beyond = low + (high - low) * rng.normal(0.5, 3, (n, A.shape[1]))
    t = rng.random((n, 1))
    return np.concatenate(
        [
            inside,
            beyond,
            t * rng.permutation(A)[rng.integers(len(A), size=n)] + (1 - t) * A[rng.integers(len(A), size=n)],
        ]
    )


def answers(model: Estimator, rows: FloatArray) -> Array:
    return np.ravel(model.predict(rows))


SUMS = [label for label in LINEAR if label.startswith(("mean", "bag", "line of", "lines", "linear kernel ridge"))]


@pytest.mark.parametrize("label", SUMS)
def test_what_adds_up_lines_is_a_line(label: str) -> None:
    model, A, _ = fitted(label)
    middle, step = far_and_wide(A, 200), np.ptp(A, axis=0)
    low, mid, high = (model.predict(middle + t * step) for t in (-1, 0, 1))
    assert np.allclose(low + high, 2 * mid, rtol=0, atol=1e-9 * np.abs(high).max())


@pytest.mark.parametrize(
    "label", [label for label in LINEAR if TABLE[label][1] is not THREE and label not in (*SUMS, "bent logs")]
)
def test_what_is_called_linear_answers_by_one_halfspace(label: str) -> None:
    model, A, _ = fitted(label)
    found = normal(model)
    assert found is not None
    w, b = found
    rows = far_and_wide(A, 3000)
    # and rows on both sides of the boundary, a millionth of the way to a row of the data
    onto = rows - np.outer((rows @ w + b) / (w @ w), w)
    rows = np.concatenate([rows, onto + 1e-6 * (rows - onto), onto - 1e-6 * (rows - onto)])
    score = rows @ w + b
    if not hasattr(model, "classes_"):
        values = {"log": np.exp, "log1p": np.expm1, "identity": np.positive}[TABLE[label][3]["link"]](score)
        assert np.allclose(answers(model, rows[:3000]), values[:3000], rtol=1e-9)
        return
    clear = np.abs(score) > 1e-11 * (np.abs(rows) @ np.abs(w) + abs(b))
    assert clear.mean() > 0.99
    assert (answers(model, rows) == model.classes_[(score > 0).astype(int)])[clear].all()


@pytest.mark.parametrize("label", [label for label in LINEAR if TABLE[label][1] is THREE])
def test_what_is_called_linear_parts_each_pair_of_classes_by_one_halfspace(label: str) -> None:
    """Along any line each class has one stretch: the classes of a largest affine score are convex."""
    model, A, _ = fitted(label)
    starts = far_and_wide(A, 300)
    ends = np.random.default_rng(1).permutation(starts)
    lines = starts[:, None] + np.linspace(0, 1, 200)[:, None] * (ends - starts)[:, None]
    for seen in answers(model, lines.reshape(-1, A.shape[1])).reshape(lines.shape[:2]):
        changes = seen[np.flatnonzero(np.append(True, seen[1:] != seen[:-1]))]
        assert len(set(changes)) == len(changes)


@pytest.mark.parametrize("label", [label for label in LINEAR if TABLE[label][3].get("link") in ("logit", "threshold")])
def test_a_logit_link_says_that_log_probabilities_are_affine(label: str) -> None:
    model, A, _ = fitted(label)
    start, end = far_and_wide(A, 2)[[0, -1]]
    P = np.log(model.predict_proba(np.median(A, axis=0) + np.linspace(-1e-2, 1e-2, 3)[:, None] * (end - start)))
    logits = P - P.mean(axis=1, keepdims=True)
    assert np.allclose(logits[0] - 2 * logits[1] + logits[2], 0, atol=1e-8)
    labels = model.classes_[np.argmax(model.predict_proba(A), axis=1)]
    assert (labels == model.predict(A)).all() == (TABLE[label][3]["link"] == "logit")


@pytest.mark.parametrize("label", ["isotonic", "huber", "platt", "huber of three", "huber against the rest"])
def test_what_is_no_logistic_function_of_scores_is_not_solved_as_one(label: str) -> None:
    model, A, _ = fitted(label)
    domain = mex.Domain(A.min(axis=0), A.max(axis=0))
    with pytest.raises(mex.Incompatible, match="this model's is bent"):
        mex.attack("equation-solving", model, domain=domain, answers="proba")


@pytest.mark.parametrize("label", ["sigmoid", "temperature", "of a frozen", "multinomial", "complement", "bernoulli"])
def test_what_is_logistic_by_another_name_is_solved_exactly(label: str) -> None:
    model, A, _ = fitted(label)
    stolen = mex.attack("equation-solving", model, domain=mex.Domain(A.min(axis=0), A.max(axis=0)), answers="proba")
    assert stolen.queries < 30
    assert (stolen.hypothesis.predict(A) == model.predict(A)).all()
    assert np.allclose(stolen.hypothesis.predict_proba(A), model.predict_proba(A))


@pytest.mark.parametrize("label", [label for label in LINEAR if TABLE[label][3].get("link") == "one-vs-rest"])
def test_what_is_one_against_the_rest_is_solved_exactly(label: str) -> None:
    model, A, _ = fitted(label)
    stolen = mex.attack("equation-solving", model, pool=A, answers="proba")
    assert stolen.queries < 60
    assert (stolen.hypothesis.predict(A) == model.predict(A)).all()
    assert np.allclose(stolen.hypothesis.predict_proba(A), model.predict_proba(A))


def test_the_sentence_says_why_and_how_to_declare_it() -> None:
    model = make_pipeline(Normalizer(), LR).fit(X[:, :2], names)
    with pytest.raises(mex.Incompatible, match="this is a Pipeline one, as its step Normalizer is not affine") as e:
        mex.attack("pivot", model)
    assert "declare family='linear'" in str(e.value)
    with pytest.raises(mex.Incompatible) as refused:
        mex.attack("pivot", TREE.fit(X, names))
    assert "declare" not in str(refused.value)


def in_library(module: str, name: str, bases: tuple[type, ...], **members: Any) -> Any:
    """An estimator of another library, which is not installed and must not be imported."""
    return types.new_class(name, bases, exec_body=lambda space: space.update({"__module__": module, **members}))()


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("lightgbm.sklearn", "LGBMClassifier", "boosted"),
        ("xgboost.sklearn", "XGBRegressor", "boosted"),
        ("xgboost.sklearn", "XGBRFClassifier", "forest"),
        ("catboost.core", "CatBoostClassifier", "boosted"),
        ("ngboost.api", "NGBClassifier", "boosted"),
        ("interpret.glassbox._ebm._ebm", "ExplainableBoostingClassifier", "boosted"),
        ("perpetual.booster", "PerpetualBooster", "boosted"),
        ("glmnet.linear", "LogitNet", "LogitNet"),
    ],
)
def test_boosters_of_other_libraries_are_told_by_their_library(module: str, name: str, kind: str) -> None:
    def predict(self: Any, A: FloatArray) -> Array:
        return np.zeros(len(A))

    coef = {"coef_": np.ones(3)} if kind == name else {}
    members = {"predict": predict, "classes_": np.array([0, 1]), **coef}
    there = module.partition(".")[0] in sys.modules  # another test may have imported it
    assert family_of(in_library(module, name, (BaseEstimator,), **members)).kind == kind
    assert (module.partition(".")[0] in sys.modules) == there


class Silent(BaseEstimator):  # type: ignore[misc]
    """Says nothing of its classes."""

    n_features_in_ = 6

    def predict(self, A: FloatArray) -> Array:
        return (A[:, 0] > 15).astype(int)


class WithProbabilities(Silent):
    def predict_proba(self, A: FloatArray) -> FloatArray:
        return np.eye(2)[self.predict(A)]


class Classifier(ClassifierMixin, Silent):  # type: ignore[misc]
    pass


class Margin(Silent):
    def decision_function(self, A: FloatArray) -> FloatArray:
        return A[:, 0] - 15


class EmptyRegressor(RegressorMixin, WithProbabilities):  # type: ignore[misc]
    classes_: tuple[int, ...] = ()


class EmptyOfBothKinds(WithProbabilities):
    classes_ = np.array([])


@pytest.mark.parametrize("kind", [WithProbabilities, Classifier, Margin])
def test_a_classifier_without_classes_is_never_a_regressor_in_silence(kind: Any) -> None:
    model = kind()
    with pytest.raises(mex.UsageError, match=rf"{kind.__name__} answers with labels .* give classes="):
        mex.FittedTarget.wrap(model)
    target = mex.FittedTarget.wrap(model, classes=[0, 1])
    assert target.classes is not None
    assert target.classes.tolist() == [0, 1]
    assert target.answers == (("label", "proba") if hasattr(model, "predict_proba") else ("label",))
    stolen = mex.attack("passive:model=decision-tree", model, classes=[0, 1], pool=X, budget=200)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.9


@pytest.mark.parametrize("kind", [IsolationForest, OneClassSVM])
def test_an_outlier_detector_has_two_classes(kind: Any) -> None:
    model = kind().fit(X)
    target = mex.FittedTarget.wrap(model)
    assert target.classes is not None
    assert (target.classes.tolist(), target.answers) == ([-1, 1], ("label",))
    stolen = mex.attack("passive:model=decision-tree", model, pool=X, held_out=X, budget=300)
    assert stolen.agreement == np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.9


@pytest.mark.parametrize("model", [EmptyRegressor(), EmptyOfBothKinds(), Silent()])
def test_a_regressor_with_no_classes_is_one(model: Estimator) -> None:
    target = mex.FittedTarget.wrap(model)
    assert (target.classes, target.answers) == (None, ("value",))


def test_labels_in_a_column_are_labels() -> None:
    class Column(Silent):
        classes_ = np.array([0, 1])

        def predict(self, A: FloatArray) -> Array:
            return super().predict(A)[:, None]

    assert mex.FittedTarget.wrap(Column()).answer(X, "label").shape == (len(X),)


def test_several_labels_a_row_are_refused_in_one_sentence() -> None:
    model = DecisionTreeClassifier().fit(X, np.stack([y, 1 - y], axis=1))
    with pytest.raises(mex.UsageError, match="answers 2 labels at once"):
        mex.FittedTarget.wrap(model)
    values = MultiTaskLasso().fit(X, np.stack([y, 1 - y], axis=1))
    assert family_of(values).reason == "it answers a row with several values"


def test_what_only_predicts_has_a_class_of_its_own() -> None:
    class Oracle:
        n_features_in_ = 3

        def predict(self, A: Any) -> Any:
            return np.zeros(len(A))

    family = mex.FittedTarget.wrap(Oracle()).family
    assert (family.kind, family.learner) == ("Oracle", None)


def test_a_subclass_that_answers_otherwise_is_not_taken_for_what_it_comes_from() -> None:
    class Cautious(LogisticRegression):  # type: ignore[misc]
        def predict(self, A: FloatArray) -> Array:
            return np.where(A[:, 1] > 20, self.classes_[0], super().predict(A))

    assert family_of(Cautious(max_iter=5000).fit(X, names)).kind == "Cautious"


def test_a_linear_model_is_attacked_as_one_without_being_told() -> None:
    model = scaled(LogisticRegression()).fit(X, names)
    domain = mex.Domain(X.min(axis=0), X.max(axis=0))
    stolen = mex.attack("pivot:eps=1e-3", model, domain=domain, budget=800)
    assert np.mean(stolen.hypothesis.predict(X) == model.predict(X)) > 0.99


def test_reading_a_model_asks_nothing_and_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert family_of(SVC().fit(X, y)).kind == "kernel"
