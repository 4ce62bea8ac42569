"""What every model of ours promises, on real data of each task it learns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import r2_score

import mex
from mex.answers import checked_answers
from mex.dataset import Rows
from mex.oracle import Oracle

CLASSIFIERS = {  # and the accuracy that a sound fit surpasses on held-out rows of each dataset
    "logistic": 0.9,
    "logistic:fit_intercept=false": 0.8,
    "linear-svm": 0.9,
    "linear-svm:fit_intercept=false": 0.8,
    "decision-tree": 0.85,
    "decision-tree:max_depth=3": 0.85,
    "random-forest:trees=20": 0.9,
    "kernel-svm": 0.9,
    "kernel-svm:kernel=poly,degree=2": 0.7,
    "boosted-trees": 0.9,
    "boosted-trees:max_depth=3,trees=20": 0.9,
    "gaussian-process": 0.9,
    "mlp:units=8": 0.9,
}
REGRESSORS = {
    "linear-regression": 0.4,
    "decision-tree:max_depth=3": 0.2,
    "random-forest:trees=20": 0.3,
    "kernel-svm": 0.4,
    "boosted-trees": 0.4,
    "boosted-trees:max_depth=3,trees=20": 0.3,
    "kernel-ridge": 0.4,
    "gaussian-process": 0.4,
    "mlp:units=8": 0.3,
}
CASES = [(spec, name) for spec in CLASSIFIERS for name in ("breast_cancer", "iris")] + [
    (spec, "diabetes") for spec in REGRESSORS
]


@pytest.fixture
def fitted(request: pytest.FixtureRequest, registry: mex.Registry) -> tuple[mex.FittedTarget, Rows]:
    """A model fitted on half of a dataset, and the other half as its interface takes it."""
    spec, name = request.param
    data = request.getfixturevalue(name)
    order = np.random.default_rng(0).permutation(len(data.y))
    train, rest = order[::2], order[1::2]
    target = registry.build("model", spec).fit(data, Rows(data.X[train], data.y[train]), np.random.default_rng(1))
    return target, Rows(target.encode(data.X[rest]), data.y[rest])


def on(*cases: tuple[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fitted", cases, indirect=True, ids=[f"{spec} on {name}" for spec, name in cases])


every_model = on(*CASES)


@every_model
def test_a_model_learns(fitted: tuple[mex.FittedTarget, Rows], request: pytest.FixtureRequest) -> None:
    target, rest = fitted
    spec, _ = request.node.callspec.params["fitted"]
    if target.classes is None:
        assert r2_score(rest.y, target.answer(rest.X, "value")) > REGRESSORS[spec]
    else:
        assert np.mean(target.answer(rest.X, "label") == rest.y) > CLASSIFIERS[spec]


@every_model
def test_every_answer_offered_is_what_it_says(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, rest = fitted
    assert isinstance(target, mex.Target)
    assert target.answers[0] == ("value" if target.classes is None else "label")
    for kind in target.answers:
        answers = checked_answers(target.answer(rest.X, kind), len(rest.X), kind, target.classes)
        one_by_one = np.concatenate([target.answer(row[None], kind) for row in rest.X[:20]])
        if answers.dtype.kind == "f":
            assert np.allclose(one_by_one, answers[:20], rtol=1e-9, atol=1e-12)
        else:
            assert np.array_equal(one_by_one, answers[:20])
        assert len(Oracle(target, answers=kind).ask(target.domain.sample(10, np.random.default_rng(0)))) == 10


@on(("logistic", "iris"), ("decision-tree:max_depth=3", "iris"), ("random-forest:trees=20", "breast_cancer"))
def test_the_most_probable_class_is_the_label(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, rest = fitted
    assert target.classes is not None
    likely = target.classes[np.argmax(target.answer(rest.X, "proba"), axis=1)]
    assert np.array_equal(likely, target.answer(rest.X, "label"))


@on(
    ("decision-tree", "breast_cancer"), ("decision-tree:max_depth=3", "iris"), ("decision-tree:max_depth=3", "diabetes")
)
def test_one_leaf_of_a_tree_has_one_answer(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, rest = fitted
    leaves, answers = target.answer(rest.X, "leaf"), target.answer(rest.X, target.answers[0])
    assert 1 < len(np.unique(leaves)) < len(leaves)
    assert all(len(np.unique(answers[leaves == leaf])) == 1 for leaf in np.unique(leaves))


@on(("random-forest:trees=20", "breast_cancer"), ("random-forest:trees=20", "diabetes"))
def test_a_forest_has_one_leaf_per_tree(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, rest = fitted
    assert target.answer(rest.X, "leaf").shape == (len(rest.y), 20)


@every_model
def test_the_public_learner_is_unfitted_and_knows_no_secret(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, _ = fitted
    assert target.family.learner is not None
    assert type(target.family.learner) is type(target.estimator)
    assert hasattr(target.estimator, "n_features_in_")
    assert not hasattr(target.family.learner, "n_features_in_")
    params = target.family.learner.get_params()
    assert all(value is None for name, value in params.items() if name.endswith("random_state"))


@every_model
def test_the_public_hyper_parameters_are_plain_values(fitted: tuple[mex.FittedTarget, Rows]) -> None:
    target, _ = fitted
    assert target.family.kind in (
        *("linear", "polynomial", "kernel", "tree", "forest", "boosted", "gaussian-process", "neural"),
    )
    assert all(isinstance(v, str | int | float | bool | None) for v in target.family.public.values())
    assert target.rho == 0


@pytest.mark.parametrize(("spec", "name"), CASES)
def test_the_same_seed_fits_the_same_model(
    registry: mex.Registry, request: pytest.FixtureRequest, spec: str, name: str
) -> None:
    data = request.getfixturevalue(name)
    train = Rows(data.X[::2], data.y[::2])
    model = registry.build("model", spec)
    first, again = (model.fit(data, train, np.random.default_rng(7)) for _ in range(2))
    X = first.encode(data.X)
    for kind in first.answers:
        assert np.array_equal(first.answer(X, kind), again.answer(X, kind))
    assert np.array_equal(train.X, data.X[::2]), "the rows handed in are not changed"


@pytest.mark.parametrize("spec", ["decision-tree", "random-forest:trees=5"])
def test_another_seed_may_fit_another_model(registry: mex.Registry, breast_cancer: mex.Dataset, spec: str) -> None:
    X = breast_cancer.domain.sample(500, np.random.default_rng(0))
    train = Rows(breast_cancer.X[::2], breast_cancer.y[::2])
    model = registry.build("model", spec)
    fits = [model.fit(breast_cancer, train, np.random.default_rng(seed)).answer(X, "label") for seed in range(4)]
    assert any(not np.array_equal(fits[0], other) for other in fits[1:])


@pytest.mark.parametrize("spec", CLASSIFIERS)
def test_the_public_learner_learns_over_the_same_class(
    registry: mex.Registry, breast_cancer: mex.Dataset, spec: str
) -> None:
    data, model = breast_cancer, registry.build("model", spec)
    target = model.fit(data, Rows(data.X, data.y), np.random.default_rng(0))
    stolen = clone(target.family.learner).fit(target.encode(data.X), data.y)
    assert type(stolen) is type(target.estimator)
    assert np.mean(stolen.predict(target.encode(data.X)) == target.answer(target.encode(data.X), "label")) > 0.97


@pytest.mark.parametrize("spec", ["logistic", "linear-svm", "linear-regression", "kernel-ridge"])
def test_a_task_out_of_scope_is_declared(registry: mex.Registry, spec: str) -> None:
    tasks = registry.build("model", spec).scope.tasks
    assert tasks == (("regression",) if spec in REGRESSORS else ("binary", "multiclass"))


def test_parameters_reach_the_estimator(registry: mex.Registry) -> None:
    rng = np.random.default_rng(0)

    def params(spec: str, task: str = "binary") -> dict[str, object]:
        estimator = registry.build("model", spec).estimator(task, rng)
        last = estimator[-1] if hasattr(estimator, "steps") else estimator
        return dict(getattr(last, "regressor", last).get_params())

    assert params("logistic:C=2.5,fit_intercept=false").items() >= {"C": 2.5, "fit_intercept": False}.items()
    assert params("linear-svm:C=0.1").items() >= {"C": 0.1, "fit_intercept": True}.items()
    assert (
        params("decision-tree:max_depth=4,min_samples_leaf=3").items()
        >= {
            "max_depth": 4,
            "min_samples_leaf": 3,
        }.items()
    )
    assert params("random-forest:trees=7,max_depth=2").items() >= {"n_estimators": 7, "max_depth": 2}.items()
    kernel = {"kernel": "poly", "degree": 2, "gamma": 0.5, "C": 3}
    for task in ("binary", "regression"):
        assert params("kernel-svm:kernel=poly,degree=2,gamma=0.5,C=3", task).items() >= kernel.items()


def test_a_regressor_has_no_classes_and_a_tree_of_one_task_is_not_one_of_the_other(
    registry: mex.Registry, diabetes: mex.Dataset, iris: mex.Dataset
) -> None:
    for spec in REGRESSORS:
        target = registry.build("model", spec).fit(diabetes, Rows(diabetes.X, diabetes.y), np.random.default_rng(0))
        assert target.classes is None
        assert "label" not in target.answers
    for spec in CLASSIFIERS:
        target = registry.build("model", spec).fit(iris, Rows(iris.X, iris.y), np.random.default_rng(0))
        assert target.classes is not None
        assert target.classes.tolist() == [0, 1, 2]
        assert "value" not in target.answers


def test_ten_classes_are_learned(registry: mex.Registry, digits: mex.Dataset) -> None:
    train, rest = Rows(digits.X[::2], digits.y[::2]), Rows(digits.X[1::2], digits.y[1::2])
    for spec, least in (("logistic", 0.9), ("decision-tree", 0.7), ("random-forest:trees=20", 0.9)):
        target = registry.build("model", spec).fit(digits, train, np.random.default_rng(0))
        assert np.mean(target.answer(rest.X, "label") == rest.y) > least
        assert target.answer(rest.X, "proba").shape == (len(rest.y), 10)


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_an_incomplete_row_is_answered_for_the_node_where_its_path_stops(
    name: str, registry: mex.Registry, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(name)
    target, plain = (
        registry.build("model", spec).fit(data, Rows(data.X, data.y), np.random.default_rng(1))
        for spec in ("decision-tree:incomplete=true", "decision-tree")
    )
    tree = plain.estimator.tree_
    for kind in plain.answers:
        assert np.array_equal(target.answer(data.X, kind), plain.answer(data.X, kind)), "complete rows as ever"
    X = np.full((3, data.X.shape[1]), np.nan)
    X[1:, tree.feature[0]] = data.domain.lower[tree.feature[0]], data.domain.upper[tree.feature[0]]
    assert np.all(target.answer(X, "leaf")[0] == 0), "the root"
    assert set(target.answer(X, "leaf")[1:]) <= set(range(1, tree.node_count))
    means = tree.value[target.answer(X, "leaf"), 0]
    if data.task == "regression":
        assert np.array_equal(target.answer(X, "value"), means[:, 0])
    else:
        assert np.array_equal(target.answer(X, "label"), plain.classes[means.argmax(axis=1)])
        assert np.allclose(target.answer(X, "proba"), means / means.sum(axis=1, keepdims=True))
    Oracle(target).ask(X)
    with pytest.raises(mex.QueryError, match="nan, not a finite number"):
        Oracle(plain).ask(X)
