"""``python:object=module:name``: an estimator, a function of rows or of tables, a class."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import mex

SOURCE = """
    import numpy as np
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    X, y = load_iris(return_X_y=True, as_frame=True)
    tree = DecisionTreeClassifier(random_state=0).fit(X, y)
    three = 3

    def rule(table):
        return ["large" if value > 3 else "small" for value in table["petal length (cm)"]]

    def width(table):
        return 2 * table["petal width (cm)"] + 1

    class Rule:
        classes_ = np.array([0, 1])
        def predict(self, table):
            return (np.asarray(table)[:, 2] > 3).astype(int).tolist()

    class Holder:
        inner = tree

    class Needy:
        def __init__(self, key):
            self.key = key
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module in the working directory."""
    (tmp_path / "models_of_a_test.py").write_text(dedent(SOURCE), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "models_of_a_test"
    sys.modules.pop("models_of_a_test", None)


@pytest.mark.parametrize(
    ("name", "options", "attack", "features"),
    [
        ("tree", "", "tree-structure", 4),
        ("Holder.inner", "", "tree-structure", 4),
        ("Rule", "", "passive:model=decision-tree", 4),
        ("rule", ",classes=['small','large']", "passive:model=decision-tree", 4),
        ("rule", ",classes=['small','large'],family=tree", "tree-labels", 4),
        ("width", ",answers=value,family={kind='linear',link='identity'}", "equation-solving", 4),
    ],
)
def test_a_model_of_a_module_is_attacked(
    module: str, run: Callable[..., Any], name: str, options: str, attack: str, features: int
) -> None:
    model = f"python:object={module}:{name}{options}"
    answers = ["--answers", "leaf"] if attack == "tree-structure" else []
    done = run("attack", attack, "-m", model, "--data", "iris", "--budget", "1500", "--json", *answers)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["agreement"] > 0.95
    assert record["features"] == features
    assert done.stderr.startswith("mex: iris: 150 rows of 4 features; ")
    assert done.stderr.count("\n") == 1


MISTAKES = {
    "rule": "a function does not tell what it answers: give classes=[...] for labels, or answers='value'",
    "three": "a model needs a predict method, and int has none, nor is it a function",
    "four": "models_of_a_test:four cannot be had (AttributeError: module 'models_of_a_test' has no attribute 'four')",
    "Needy": "models_of_a_test:Needy cannot be had (TypeError: Needy.__init__() missing 1 required positional argument",
    "tree,family=bush": "model 'python': family must be one of linear, polynomial, kernel, tree, forest, boosted",
    "tree,schema=none.json": "none.json cannot be read as a schema ([Errno 2] No such file or directory: 'none.json')",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_with_it_is_one_sentence(module: str, run: Callable[..., Any], name: str) -> None:
    done = run("attack", "passive", "-m", f"python:object={module}:{name}", "--data", "iris")
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith(f"mex: {MISTAKES[name]}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("python", "python needs the place of a model: python:object=package.module:name"),
        ("python:object=mymodule", "object must be written package.module:name"),
        ("python:object=no_such_module_here:x", "no_such_module_here:x cannot be had (ModuleNotFoundError: No module"),
    ],
)
def test_a_place_that_is_none_is_one_sentence(run: Callable[..., Any], model: str, sentence: str) -> None:
    done = run("attack", "passive", "-m", model, "--data", "iris")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1


def test_columns_may_be_declared(module: str, tmp_path: Path) -> None:
    from mex_python.model import Python

    sys.path.append(str(tmp_path))
    table = mex.Schema.of(__import__(module).X).to_dict()
    table["columns"][0]["upper"] = 12.5
    (tmp_path / "columns.json").write_text(json.dumps(table), encoding="utf-8")
    for schema in (table, "columns.json"):
        assert Python(object=f"{module}:tree", schema=schema).open(None).domain.upper[0] == 12.5
    assert Python(object=f"{module}:tree", family={"kind": "boosted", "max_depth": 1}).open(None).family.public == {
        "max_depth": 1
    }
