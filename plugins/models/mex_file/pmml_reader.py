"""Files of PMML, through jpmml-evaluator, which runs on Java."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from mex import Family, UsageError
from mex.toolkit.saved import Reading, Wishes, library, telling
from mex.types import Array
from mex_file.adapter import Adapter


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file with one target.

    Raises:
        UsageError: if there is no Java, or it is no PMML that the evaluator takes.
    """
    jpmml = library("jpmml_evaluator", path, "pmml")
    if shutil.which("java") is None:
        raise UsageError(f"{path.name}: jpmml-evaluator runs on Java, and there is none here")
    with telling(path, "PMML"):
        evaluator = jpmml.make_evaluator(str(path))
        inputs = evaluator.getInputFields()
        targets, outputs = evaluator.getTargetFields(), evaluator.getOutputFields()
    if len(targets) != 1:
        raise UsageError(f"{path} has {len(targets)} targets; a model here has one")
    names = [field.getName() for field in inputs]
    kinds = {field.getName(): str(field.getDataType()).lower() for field in inputs}
    elements = _elements(path)
    levels, own = _levels(elements)
    target = targets[0].getName()
    classes = own.get(target)
    told = [field.getName() for field in outputs]
    probabilities = [f"probability({label})" for label in classes or ()]
    proba = bool(classes) and set(probabilities) <= set(told)

    def evaluated(X: Any) -> Any:
        import pandas as pd

        results = evaluator.evaluateAll(pd.DataFrame({name: _cast(X[name], kinds[name]) for name in names}))
        return results

    def values(X: Any) -> Array:
        given = evaluated(X)[target]
        if given.isna().any():
            raise ValueError(f"row {int(np.argmax(given.isna()))} has no answer: a value is missing or not valid")
        return np.asarray(given)

    model = Adapter(
        "PMML model",
        names=names,
        levels={name: found for name, found in levels.items() if name in names},
        values=values,
        scores=(lambda X: evaluated(X)[probabilities].to_numpy(dtype=float)) if proba else None,
        own=classes,
        classes=wishes.classes,
    )
    return Reading(
        model=model,
        family=_family(elements, bool(classes)),
        frame="columns",
        facts={
            "class": "PMML, through jpmml-evaluator",
            "inputs": ", ".join(f"{name} {kind}" for name, kind in kinds.items()),
            "leaf ids": "none",
            "missing values": "no answer, where the file does not say what to put in their place",
            "unseen levels": "no answer, or as the file says; refused here",
        },
    )


def _elements(path: Path) -> list[tuple[str, Any]]:
    """All elements with their names, in the order of the file."""
    from xml.etree import ElementTree

    return [(element.tag.rpartition("}")[2], element) for element in ElementTree.parse(path).iter()]


def _family(elements: list[tuple[str, Any]], classifies: bool) -> Family:
    """The public class, where it is one tree or one linear model of the columns as they are."""
    names = {name for name, _ in elements}
    if "DerivedField" in names or "MiningModel" in names or len(names & {"TreeModel", "RegressionModel"}) != 1:
        return Family("pmml", reason="it is not one tree or linear model of the columns as they are")
    if "TreeModel" in names:
        return Family("tree")
    if any(element.get("exponent", "1") != "1" for name, element in elements if name == "NumericPredictor"):
        return Family("pmml", reason="it has powers of columns")
    how = next(element.get("normalizationMethod", "none") for name, element in elements if name == "RegressionModel")
    links = {"none": "margin" if classifies else "identity", "softmax": "logit", "logit": "logit", "exp": "log"}
    return Family("linear", {"intercept": True, "link": links.get(how, "bent")})


def _levels(elements: list[tuple[str, Any]]) -> tuple[dict[str | int, list[Any] | None], dict[str, list[Any]]]:
    """The values of the categorical fields of the data dictionary: as levels of inputs, and as classes."""
    levels = dict[str | int, list[Any] | None]()
    classes = dict[str, list[Any]]()
    for tag, element in elements:
        if tag == "DataField" and element.get("optype") != "continuous":
            texts = [str(value.get("value")) for value in element if value.tag.rpartition("}")[2] == "Value"]
            make = {"integer": int, "double": float, "float": float}.get(str(element.get("dataType")), str)
            if texts:
                levels[str(element.get("name"))] = classes[str(element.get("name"))] = [make(text) for text in texts]
    return levels, classes


def _cast(values: Any, kind: str) -> list[Any]:
    make = {"integer": int, "string": str, "boolean": bool}.get(kind, float)
    if make is int and any(value != int(value) for value in values):
        raise ValueError("a whole number was given a fraction")
    return [make(value) for value in values]
