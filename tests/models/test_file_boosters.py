"""Files of XGBoost, LightGBM and CatBoost: what they really compute, through attacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from saved import DIABETES, FLOWERS, TUMOURS, X, attacked, deployed, table, y

import mex
from mex.testing import check_deployed
from mex.types import Array
from mex_file.adapter import Adapter
from mex_file.model import File

LIBRARIES = ("xgboost", "lightgbm", "catboost")
ENDINGS = {"xgboost": "ubj", "lightgbm": "txt", "catboost": "cbm"}
library = pytest.mark.parametrize("library", LIBRARIES)


def fitted(library: str, classifies: bool, rounds: int, depth: int, table: Any, target: Any, **params: Any) -> Any:
    """An estimator of a library."""
    pytest.importorskip(library)
    if library == "xgboost":
        import xgboost

        kind = xgboost.XGBClassifier if classifies else xgboost.XGBRegressor
        params = {"n_jobs": 1, "enable_categorical": True, "learning_rate": 0.5, **params}
        return kind(n_estimators=rounds, max_depth=depth, **params).fit(table, target)
    if library == "lightgbm":
        import lightgbm

        kind = lightgbm.LGBMClassifier if classifies else lightgbm.LGBMRegressor
        params = {"n_jobs": 1, "verbose": -1, "learning_rate": 0.5, **params}
        return kind(n_estimators=rounds, num_leaves=2**depth, **params).fit(table, target)
    import catboost

    kind = catboost.CatBoostClassifier if classifies else catboost.CatBoostRegressor
    params = {"verbose": 0, "allow_writing_files": False, "thread_count": 1, "learning_rate": 0.5, **params}
    return kind(iterations=rounds, depth=depth, **params).fit(table, target)


def saved(model: Any, folder: Path, library: str) -> Path:
    """The estimator in the library's own format."""
    path = folder / f"model.{ENDINGS[library]}"
    (model.booster_ if library == "lightgbm" else model).save_model(str(path))
    return path


def both(path: Path, model: Any, frame: pd.DataFrame, **params: Any) -> tuple[mex.FittedTarget, Array]:
    """The target of a file, and the rows of a frame as it takes them."""
    target = deployed(path, mex.Table("rows", frame), **params)
    assert target.schema is not None
    return target, target.schema.encode(frame)


@library
def test_one_tree_is_exact_from_its_leaf_ids(library: str, tmp_path: Path) -> None:
    path = saved(fitted(library, True, 1, 3, X, y), tmp_path, library)
    record = attacked("tree-structure", path, table(tmp_path, TUMOURS), answers="leaf")
    assert record["agreement"] == record["near_agreement"] == record["uniform_agreement"] == 1.0
    assert "certified" in record["reason"]


@library
def test_stumps_are_found_step_by_step(library: str, tmp_path: Path) -> None:
    model = fitted(library, False, 12, 1, DIABETES.drop(columns="target"), DIABETES["target"])
    record = attacked("stump-scan", saved(model, tmp_path, library), table(tmp_path, DIABETES))
    assert record["agreement"] > 1 - 1e-9
    assert record["uniform_agreement"] > 1 - 1e-9
    assert record["target_accuracy"] > 0.4


@library
@pytest.mark.parametrize("frame", [TUMOURS, FLOWERS], ids=["two classes", "three"])
def test_labels_probabilities_and_leaves_are_those_of_the_estimator(
    library: str, frame: pd.DataFrame, tmp_path: Path
) -> None:
    rows, labels = frame.drop(columns="target"), frame["target"]
    model = fitted(library, True, 3, 2, rows, labels)
    path = saved(model, tmp_path, library)
    check_deployed(File(path=str(path)), mex.Table("rows", rows))
    target, encoded = both(path, model, rows)
    assert target.answers == ("label", "proba", "leaf")
    answers = {kind: mex.Oracle(target, answers=kind).ask(encoded) for kind in target.answers}
    assert (answers["label"] == model.predict(rows).ravel()).all()
    assert np.abs(answers["proba"] - model.predict_proba(rows)).max() < 1e-7
    assert answers["leaf"]["leaf"].shape == (len(rows), 3 if frame is TUMOURS or library == "catboost" else 9)


@library
def test_columns_are_put_into_the_order_of_the_model(library: str, tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).random((400, 2)), columns=["a", "b"])
    model = fitted(library, True, 3, 1, frame, (frame["a"] > 0.5).astype(int))
    target, _ = both(saved(model, tmp_path, library), model, frame[["b", "a"]].assign(other=1.0))
    assert target.schema is not None
    asked = pd.DataFrame({"b": [0.1, 0.9], "a": [0.9, 0.1]})
    assert target.answer(target.schema.encode(asked), "label").tolist() == [1, 0]


@library
def test_a_frame_of_categories_is_encoded_by_the_levels_of_the_file(library: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    towns = pd.Categorical(rng.choice(["c", "a", "b"], 400), categories=["c", "a", "b"])
    frame = pd.DataFrame({"size": rng.random(400), "town": towns})
    labels = (frame["size"] + (frame["town"] == "b") > 0.9).astype(int)
    given = frame.astype({"town": str}) if library == "catboost" else frame
    params = {"cat_features": ["town"]} if library == "catboost" else {}
    model = fitted(library, True, 5, 2, given, labels, **params)
    target, encoded = both(saved(model, tmp_path, library), model, frame.astype({"town": str}))
    assert (target.answer(encoded, "label") == model.predict(given).ravel()).all()
    assert target.domain.groups == ((1, 2, 3),)
    assert target.schema is not None
    if library != "catboost":  # whose files have hashes of the levels
        assert deployed(tmp_path / f"model.{ENDINGS[library]}").domain.names == ("size", "town=c", "town=a", "town=b")
    with pytest.raises(mex.UsageError, match="'town' is 'd', not one of its 3 levels"):
        target.schema.encode(frame.assign(town="d"))


@library
def test_missing_values_are_answered_as_the_estimator_answers_them(library: str, tmp_path: Path) -> None:
    holed = X.mask(np.random.default_rng(0).random(X.shape) < 0.1)
    model = fitted(library, True, 5, 3, holed, y)
    target, encoded = both(saved(model, tmp_path, library), model, holed)
    assert target.domain.incomplete
    assert (target.answer(encoded, "label") == model.predict(holed).ravel()).all()


@library
def test_classes_get_the_names_that_are_given(library: str, tmp_path: Path) -> None:
    path = saved(fitted(library, True, 3, 2, X, y), tmp_path, library)
    target, encoded = both(path, None, X, classes=["malignant", "benign"])
    plain, _ = both(path, None, X)
    assert (target.answer(encoded, "label") == np.array(["malignant", "benign"])[plain.answer(encoded, "label")]).all()
    with pytest.raises(mex.UsageError, match="has 2 classes, and classes= names 3"):
        deployed(path, classes=["a", "b", "c"])


def test_the_outermost_step_of_float32_is_inside_the_domain(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"sex": rng.choice([-1.27373, 0.78509], 300), "age": rng.random(300)})
    model = fitted("xgboost", True, 1, 2, frame, (frame["sex"] > 0).astype(int))
    path = saved(model, tmp_path, "xgboost")
    record = attacked("tree-labels", path, table(tmp_path, frame))
    assert record["agreement"] == record["uniform_agreement"] == 1.0


def test_xgboost_stopped_early_is_two_models_and_asks_which(tmp_path: Path) -> None:
    flipped = np.where(np.random.default_rng(0).random(len(y)) < 0.3, 1 - y, y)
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=60, max_depth=3, learning_rate=0.5, n_jobs=1, early_stopping_rounds=10)
    model.fit(X[:400], flipped[:400], eval_set=[(X[400:], flipped[400:])], verbose=False)
    path = saved(model, tmp_path, "xgboost")
    with pytest.raises(mex.UsageError, match=r"XGBClassifier and XGBRegressor answer with the first .*, Booster with"):
        deployed(path)
    stopped, rows = both(path, model, X, reader="estimator")
    whole, _ = both(path, model, X, reader="booster")
    booster = xgboost.Booster(model_file=str(path))
    assert (stopped.answer(rows, "label") == model.predict(X)).all()
    assert np.array_equal(whole.answer(rows, "proba")[:, 1], booster.predict(xgboost.DMatrix(X)))


def test_a_booster_answers_probabilities_and_is_a_classifier_all_the_same(tmp_path: Path) -> None:
    xgboost = pytest.importorskip("xgboost")
    D = xgboost.DMatrix(X, y)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2, "nthread": 1}, D, 3)
    booster.save_model(tmp_path / "model.json")
    target, rows = both(tmp_path / "model.json", None, X)
    assert (target.answer(rows, "label") == (booster.predict(D) > 0.5)).all()
    assert target.classes is not None
    assert target.classes.tolist() == [0, 1]


def test_the_number_for_a_missing_value_is_not_in_the_file_and_may_be_said(tmp_path: Path) -> None:
    holed = X.where(np.random.default_rng(0).random(X.shape) > 0.2, 0.0)
    model = fitted("xgboost", True, 5, 3, holed, y, missing=0)
    path = saved(model, tmp_path, "xgboost")
    told, rows = both(path, model, holed, missing=0)
    untold, _ = both(path, model, holed)
    assert (told.answer(rows, "label") == model.predict(holed)).all()
    assert (untold.answer(rows, "label") != model.predict(holed)).any()


def test_catboost_keeps_the_threshold_of_its_labels(tmp_path: Path) -> None:
    model = fitted("catboost", True, 5, 2, X, y)
    model.set_probability_threshold(0.9)
    target, rows = both(saved(model, tmp_path, "catboost"), model, X)
    assert (target.answer(rows, "label") == model.predict(X)).all()
    assert (target.answer(rows, "label") != target.answer(rows, "proba").argmax(axis=1)).any()


def test_models_that_are_no_sums_of_trees_are_of_no_class_that_attacks_on_trees_know(tmp_path: Path) -> None:
    linear = fitted("lightgbm", False, 3, 2, DIABETES.drop(columns="target"), DIABETES["target"], linear_tree=True)
    assert deployed(saved(linear, tmp_path, "lightgbm")).family.reason == "its leaves hold linear models"
    xgboost = pytest.importorskip("xgboost")
    model = xgboost.XGBClassifier(n_estimators=20, booster="gblinear", n_jobs=1).fit(X, y)
    record = attacked("pivot", saved(model, tmp_path, "xgboost"), table(tmp_path, TUMOURS))
    assert record["agreement"] > 0.99


def test_margins_and_labels_of_xgboost_are_not_taken_for_probabilities(tmp_path: Path) -> None:
    for objective in ("binary:logitraw", "binary:hinge"):
        model = fitted("xgboost", True, 3, 2, X, y, objective=objective)
        target, rows = both(saved(model, tmp_path, "xgboost"), model, X)
        assert target.answers == ("label", "leaf")
        assert (target.answer(rows, "label") == model.predict(X)).all()
    xgboost = pytest.importorskip("xgboost")
    booster = xgboost.train({"objective": "binary:logitraw", "nthread": 1}, xgboost.DMatrix(X, y), 2)
    booster.save_model(tmp_path / "margins.json")
    assert deployed(tmp_path / "margins.json").answers == ("value", "leaf")
    counts = fitted("xgboost", False, 3, 1, X, y, objective="count:poisson")
    with pytest.raises(mex.Incompatible, match="with the loss count:poisson values are exponentials"):
        attacked("stump-scan", saved(counts, tmp_path, "xgboost"), table(tmp_path, TUMOURS))


def test_columns_of_one_number_and_ties_are_read_as_their_libraries_mean_them() -> None:
    def halves(rows: Any) -> Array:
        return np.array([[0.5], [0.5 + 1e-9], [0.2]])

    model = Adapter("halves", own=[0, 1], scores=halves, classes=["no", "yes"])
    assert model.predict_proba(None).shape == (3, 2)
    assert model.predict(None).tolist() == ["no", "yes", "no"]  # a tie is the first class, as in argmax
    values = Adapter("values", values=halves)
    assert values.predict(None).shape == (3,)
    assert not hasattr(values, "classes_")
    texts = Adapter("texts", own=["0", "1"], values=lambda rows: np.array([["1"], ["0"]]), classes=[0, 1])
    assert texts.predict(None).tolist() == [1, 0]
    with pytest.raises(ValueError, match="it answers 2, none of its classes"):
        Adapter("wrong", own=[0, 1], values=lambda rows: np.array([2])).predict(None)
    with pytest.raises(mex.UsageError, match=r"has classes of its own, .*: classes= is for models that number them"):
        Adapter("named", own=["a", "b"], values=halves, classes=["c", "d"])


@pytest.mark.parametrize("cities", [["Köln", "Wien", "Zürich", "Bern"], ["Aü", "Bä", "Cö", "Dé"]])
@pytest.mark.parametrize("held", [object, "category"])
def test_xgboost_cuts_levels_beyond_ascii_and_is_asked_with_all_of_them(
    cities: list[str], held: Any, tmp_path: Path
) -> None:
    """A row by itself gets the answer that it gets beside the others: findings/xgboost-levels-beyond-ascii.sh."""
    xgboost = pytest.importorskip("xgboost")
    frame = pd.DataFrame({"city": pd.Categorical(cities * 30), "age": np.arange(120) % 7})
    labels = [0, 1, 0, 1] * 30
    model = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True, n_jobs=1).fit(frame, labels)
    rows = frame.astype({"city": held})
    target, encoded = both(saved(model, tmp_path, "xgboost"), None, rows)
    wrapped = mex.FittedTarget.wrap(model, schema=mex.Schema.of(model, like=rows))
    for asked in (target, wrapped):
        assert asked.answer(encoded, "label").tolist() == labels
        assert [int(asked.answer(row[None], "label")[0]) for row in encoded[:4]] == labels[:4]
