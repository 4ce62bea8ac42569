"""Models on disk: files of skops and pickles, what is read of them, and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from saved import DIABETES, TUMOURS, X, attacked, deployed, table, y
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.cli import main
from mex.toolkit.tabular.holding import hold
from mex.toolkit.tabular.opening import open_model
from mex_file.skops_reader import TRUSTED


def test_one_command_steals_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), tmp_path / "model.skops")
    TUMOURS.drop(columns="target").to_csv(tmp_path / "holdout.csv", index=False)
    paths = [str(tmp_path / name) for name in ("model.skops", "holdout.csv")]
    assert main(["attack", "pivot", "-m", paths[0], "--data", paths[1], "--json"]) == 0
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert record["model"] == "file"
    assert record["agreement"] == 1.0
    assert record["target_accuracy"] is None
    assert "no labels, so no accuracy is measured" in printed.err
    assert "repeat" not in printed.err


def test_rows_that_are_there_twice_are_told(tmp_path: Path) -> None:
    """A copy is judged on rows that its attacker has been given then, and one that remembers them looks good."""
    pd.concat([TUMOURS, TUMOURS[:69]]).to_csv(tmp_path / "twice.csv", index=False)
    table = mex.load_registry().build("dataset", f"csv:path={tmp_path / 'twice.csv'}").table()
    held = hold(open_model(LogisticRegression(max_iter=9999).fit(TUMOURS[X.columns], y), table), table)
    assert "69 of them repeat another, so that rows to measure by are among those of the attacker" in str(held)


@pytest.mark.parametrize(
    "model",
    [
        CalibratedClassifierCV(LogisticRegression(max_iter=5000), ensemble=False),
        FixedThresholdClassifier(LogisticRegression(max_iter=5000), threshold=0.9),
    ],
    ids=["calibrated", "threshold"],
)
def test_pivot_steals_linear_models_whose_labels_are_not_those_of_their_probabilities(
    model: Any, tmp_path: Path
) -> None:
    scaled = make_pipeline(StandardScaler(), model).fit(X, y)
    skops.io.dump(scaled, tmp_path / "model.skops")
    record = attacked("pivot", tmp_path / "model.skops", table(tmp_path, TUMOURS))
    assert record["agreement"] >= 0.999
    assert record["near_agreement"] >= 0.999


def test_pivot_steals_a_model_of_columns_of_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    towns = rng.choice(["Bonn", "Kiel", "Ulm"], 400)
    people = pd.DataFrame({"age": rng.integers(18, 90, 400), "income": rng.normal(40, 10, 400), "town": towns})
    rich = np.where(people["income"] + 9 * (people["town"] == "Kiel") + rng.normal(0, 2, 400) > 45, "yes", "no")
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["age", "income"]))
    skops.io.dump(make_pipeline(encoder, LogisticRegression()).fit(people, rich), tmp_path / "model.skops")
    record = attacked(
        "pivot", tmp_path / "model.skops", table(tmp_path, people[["town", "income", "age"]].assign(rich=rich))
    )
    assert record["agreement"] == record["uniform_agreement"] == 1.0
    assert record["target_accuracy"] > 0.9


def test_a_tree_is_exact_from_its_leaf_ids(tmp_path: Path) -> None:
    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, y)
    skops.io.dump(tree, tmp_path / "model.skops")
    record = attacked("tree-structure", tmp_path / "model.skops", table(tmp_path, TUMOURS), answers="leaf")
    assert record["agreement"] == record["near_agreement"] == record["uniform_agreement"] == 1.0
    assert "certified" in record["reason"]


def test_one_tree_of_histogram_boosting_is_exact_from_its_values(tmp_path: Path) -> None:
    model = HistGradientBoostingRegressor(max_iter=1, max_leaf_nodes=8).fit(
        DIABETES.drop(columns="target"), DIABETES["target"]
    )
    skops.io.dump(model, tmp_path / "model.skops")
    record = attacked("tree-structure", tmp_path / "model.skops", table(tmp_path, DIABETES))
    assert record["agreement"] == pytest.approx(1.0, abs=1e-12)
    assert record["uniform_agreement"] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(
    "model",
    [
        RandomForestClassifier(5),
        HistGradientBoostingRegressor(max_iter=3),
        KNeighborsClassifier(),
        MLPClassifier((4,), max_iter=5),
        CalibratedClassifierCV(LogisticRegression()),
        make_pipeline(StandardScaler(), LogisticRegression()),
        make_pipeline(
            make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))),
            LogisticRegression(),
        ),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_scikit_learns_own_is_trusted_by_name(model: Any, tmp_path: Path) -> None:
    skops.io.dump(model.fit(X[:100], y[:100]), tmp_path / "model.skops")
    assert set(skops.io.get_untrusted_types(file=tmp_path / "model.skops")) <= set(TRUSTED)
    target = deployed(tmp_path / "model.skops", mex.Table("tumours", X))
    assert target.schema is not None
    rows = target.schema.encode(X)
    assert (target.answer(rows, target.answers[0]) == model.predict(X)).all()


def shout(X: Any) -> Any:
    """A function of a stranger's."""
    return X


def test_what_is_not_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(make_pipeline(FunctionTransformer(shout), LogisticRegression(max_iter=5000)).fit(X, y), path)
    name = f"{shout.__module__}.shout"
    with pytest.raises(mex.UsageError, match=f"holds {name}, which mex does not trust unasked.*trusted={name}"):
        deployed(path)
    target = deployed(path, mex.Table("tumours", X), trusted=name)
    assert target.schema is not None
    assert target.answer(target.schema.encode(X), "label").shape == (len(X),)


class Bomb:
    """Runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return Path.touch, (Path("exploded"),)


@pytest.mark.parametrize("ending", ["pkl", "joblib", "pickle"])
def test_a_pickle_is_not_opened_unasked(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"model.{ending}"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(
        mex.UsageError, match=r"runs whatever code its author put into it: say file:path=.*,unsafe=true only if"
    ):
        deployed(path)
    assert not Path("exploded").exists()
    path.write_bytes(pickle.dumps(LogisticRegression(max_iter=5000).fit(X, y)))
    assert deployed(path, mex.Table("tumours", X), unsafe=True).family.kind == "linear"


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("absent.skops", None, "there is no file .*absent.skops"),
        ("model.bin", b"", "does not tell its format: say format=…, one of skops, pickle"),
        ("model.json", b"{}", "JSON of no model that is known here"),
        ("model.json", b"{", "cannot be read as JSON"),
        ("model.skops", b"no zip", "cannot be read as a file of skops"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name: str, content: bytes | None, sentence: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(mex.UsageError, match=sentence):
        deployed(tmp_path / name)


def test_a_schema_and_another_table_say_what_the_file_does_not(tmp_path: Path) -> None:
    skops.io.dump(LogisticRegression(max_iter=5000).fit(X, y), tmp_path / "model.skops")
    few = table(tmp_path, TUMOURS.head(200))
    target = deployed(tmp_path / "model.skops", mex.Table("tumours", TUMOURS.tail(100)), like=str(few))
    assert target.domain.upper[0] == max(TUMOURS["mean radius"].head(200).max(), TUMOURS["mean radius"].tail(100).max())
    assert target.schema is not None
    (tmp_path / "schema.json").write_text(json.dumps(target.schema.to_dict()))
    declared = deployed(tmp_path / "model.skops", schema=str(tmp_path / "schema.json"))
    assert (declared.domain.upper == target.domain.upper).all()
    with pytest.raises(mex.UsageError, match=r"value, or of the kinds of plugins .or left out., not"):
        deployed(tmp_path / "model.skops", answers=["label", "colour"])
    given = deployed(tmp_path / "model.skops", family="tree", answers="label")
    assert (given.family.kind, given.answers) == ("tree", ("label",))


def test_a_file_stands_in_a_matrix_beside_models_that_are_fitted(tmp_path: Path) -> None:
    skops.io.dump(make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y), tmp_path / "model.skops")
    plan = tmp_path / "plan.toml"
    plan.write_text(
        f"""
        attacks = ["passive"]
        defenses = ["none", "rounding"]
        models = ["{tmp_path}/model.skops", "logistic"]
        datasets = ["{table(tmp_path, TUMOURS)}"]
        answers = "proba"
        budget = 50
        seeds = 1
        """
    )
    records = mex.matrix(plan)
    assert {(record["model"], record["status"]) for record in records} == {("file", "ok"), ("logistic", "ok")}
    assert records[0]["target_accuracy"] > 0.95
