"""Models that are there already are opened and not fitted: the table gives rows to attack and to measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure
from mex.app.matrix.scenarios import set_scene
from mex.registry.spec import Spec
from mex.toolkit.normals import normal
from mex.toolkit.tabular.opening import open_model

RNG = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "age": RNG.integers(18, 90, 300),
        "income": RNG.normal(40, 10, 300).round(2),
        "town": RNG.choice(["Bonn", "Kiel", "Ulm"], 300),
    }
)
WORTHY = np.where(PEOPLE["income"] + 10 * (PEOPLE["town"] == "Kiel") + 0.2 * PEOPLE["age"] > 55, "yes", "no")


def pipeline() -> Any:
    encoder = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["age", "income"]))
    return make_pipeline(encoder, LogisticRegression(C=100)).fit(PEOPLE, WORTHY)


MODEL = pipeline()


@attrs.frozen(kw_only=True)
class Live:
    """The pipeline of this module, deployed."""

    scope: ClassVar[mex.Scope] = mex.Scope()

    def open(self, table: mex.Table | None) -> mex.FittedTarget:
        """Open it."""
        return open_model(MODEL, table)


class Plugin:
    """Registers it."""

    @mex.hookimpl
    def mex_components(self) -> list[mex.Component]:
        return [mex.Component("model", "live", f"{__name__}:Live", "a model in this process")]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> mex.Registry:
    import sys

    monkeypatch.setitem(sys.modules, Live.__module__, sys.modules[__name__])
    registry = mex.load_registry()
    assert registry.add(Plugin, "live")
    return registry


def cell(registry: mex.Registry, path: Path, **fields: Any) -> Cell:
    parts = {"attack": "pivot", "defense": "none", "model": "live", "dataset": str(path)}
    specs = {kind: registry.resolve(kind, text) for kind, text in (parts | fields).items() if kind in parts}
    return Cell(**specs, budget=3000, **{k: v for k, v in fields.items() if k not in parts})


def test_a_table_with_labels_and_columns_that_the_model_does_not_take(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    PEOPLE[["town", "income", "age"]].assign(id=range(300), worthy=WORTHY).to_csv(path, index=False)
    record, _ = measure(registry, cell(registry, path))
    assert record["agreement"] >= 0.99
    assert record["target_accuracy"] == pytest.approx(np.mean(MODEL.predict(PEOPLE) == WORTHY), abs=0.05)
    assert set_scene(registry, Spec.of("live"), Spec.of(str(path)), 0).read == (
        "labelled: 300 rows of 3 columns, 5 features; labels in column 'worthy'"
    )


def test_a_table_without_labels_gives_no_accuracy(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    PEOPLE.to_csv(path, index=False)
    record, _ = measure(registry, cell(registry, path))
    assert record["agreement"] >= 0.99
    assert record["target_accuracy"] is record["accuracy_lost"] is record["stolen_accuracy"] is None
    json.dumps(record)


def test_defenses_learn_from_rows_that_the_attacker_does_not_have(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    PEOPLE.to_csv(path, index=False)
    scene = set_scene(registry, Spec.of("live"), registry.resolve("dataset", str(path)), 0)
    rows = [
        {row.tobytes() for row in part} for part in (scene.train.X, scene.pool.X, scene.yardstick.points["agreement"])
    ]
    assert len(set.union(*rows)) == sum(map(len, rows)) == 300
    assert (scene.train.y == scene.target.answer(scene.train.X, "label")).all()
    record = measure(registry, cell(registry, path, defense="boundary-noise", attack="passive"))[0]
    assert record["status"] == "ok", record["reason"]


def test_labels_of_another_coding_are_said_and_not_guessed(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "coded.csv"
    PEOPLE.assign(worthy=(WORTHY == "yes").astype(int)).to_csv(path, index=False)
    scene = set_scene(registry, Spec.of("live"), registry.resolve("dataset", str(path)), 0)
    assert "labels in column 'worthy' have 0, none of the model's classes 'no', 'yes', so no accuracy" in scene.read


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (PEOPLE.drop(columns="age"), "the model takes a column 'age', and the table has none"),
        (PEOPLE.assign(town="Rom"), "column 'town' is 'Rom', not one of its 3 levels 'Bonn', 'Kiel', 'Ulm'"),
    ],
)
def test_a_table_that_does_not_suit_is_a_sentence(
    registry: mex.Registry, tmp_path: Path, table: pd.DataFrame, sentence: str
) -> None:
    path = tmp_path / "rows.csv"
    table.to_csv(path, index=False)
    with pytest.raises(mex.UsageError, match=sentence):
        measure(registry, cell(registry, path))


def test_a_matrix_of_deployed_models_asks_for_no_dataset(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    PEOPLE.to_csv(path, index=False)
    tables = {"attacks": ["passive"], "defenses": ["none", "rounding"], "models": ["live"], "datasets": [str(path)]}
    records = mex.matrix({**tables, "counters": False, "budget": 50, "seeds": 1}, registry=registry)
    assert [record["status"] for record in records] == ["ok", "ok"]


def test_a_deployed_model_learns_nothing_for_an_attack(registry: mex.Registry, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    PEOPLE.to_csv(path, index=False)
    with pytest.raises(mex.Incompatible, match="passive trains a model, and Live opens one that is fitted already"):
        measure(registry, cell(registry, path, attack="passive:model=live"))


def test_a_model_of_arrays_takes_columns_in_their_order(tmp_path: Path) -> None:
    numbers = PEOPLE[["age", "income"]]
    model = LogisticRegression().fit(numbers.to_numpy(), WORTHY)
    for table in (numbers, numbers.assign(worthy=WORTHY)):
        target = open_model(model, mex.Table("people", table))
        assert target.schema is not None
        X = target.schema.encode(numbers)
        assert (target.answer(X, "label") == model.predict(numbers.to_numpy())).all()
    with pytest.raises(mex.UsageError, match="takes 2 columns and the table has 4"):
        open_model(model, mex.Table("people", numbers.assign(a=1, b=2)))


def test_the_ranges_reach_as_far_as_the_rows_do() -> None:
    target = open_model(MODEL, mex.Table("people", PEOPLE), like=PEOPLE[PEOPLE["age"] < 40])
    assert target.domain.upper[0] == PEOPLE["age"].max()
    assert target.domain.lower[0] == PEOPLE["age"].min()


def test_a_model_that_refuses_missing_values_has_a_complete_domain() -> None:
    holed = PEOPLE.astype({"income": float})
    holed.loc[3, "income"] = np.nan
    assert not open_model(MODEL, mex.Table("people", holed)).domain.incomplete


def test_the_normal_of_a_model_that_chooses_columns_by_name_is_found() -> None:
    numbers = PEOPLE[["age", "income"]]
    scaled = make_pipeline(make_column_transformer((StandardScaler(), ["income", "age"])), LogisticRegression())
    model = scaled.fit(numbers, WORTHY)
    w, b = normal(model) or (np.zeros(2), 0.0)
    assert np.allclose(numbers.to_numpy() @ w + b, model.decision_function(numbers))
