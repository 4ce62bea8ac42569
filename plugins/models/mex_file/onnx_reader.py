"""ONNX files, through onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mex import UsageError
from mex.toolkit.saved import Reading, Wishes, library, telling
from mex.types import Array
from mex_file.adapter import Adapter
from mex_file.onnx_graph import classes_of, describe, family_of, levels_of

DTYPES = {"float": np.float32, "double": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_}


def read(path: Path, wishes: Wishes) -> Reading:
    """Read a file with one input of rows, or one input a column.

    Raises:
        UsageError: if onnxruntime does not take it, or its outputs are not labels, probabilities or values.
    """
    onnx, runtime = library("onnx", path, "onnx"), library("onnxruntime", path, "onnx")
    with telling(path, "ONNX"):
        graph = onnx.load(str(path)).graph
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {each.name: each.type.removeprefix("tensor(").removesuffix(")") for each in session.get_inputs()}
    wide = len(inputs) == 1 and session.get_inputs()[0].shape[-1] != 1
    label, scores = _outputs(path, session)
    own: Sequence[Any] | None = classes_of(graph) if label else None
    if label and own is None:
        own = wishes.classes
        if own is None:
            raise UsageError(f"{path} does not tell its classes: give classes=[…], in the order of its probabilities")

    def run(X: Any, output: str) -> Any:
        if wide:
            (name, kind), feed = next(iter(inputs.items())), {}
            feed[name] = _cast(X, kind, "a row")
        else:
            feed = {name: _cast(X[name], kind, f"column {name!r}").reshape(-1, 1) for name, kind in inputs.items()}
        return session.run([output], feed)[0]

    def probabilities(X: Any) -> Array:
        given = run(X, str(scores))
        if isinstance(given, list):  # a dictionary a row
            return np.array([[row[label] for label in own_list] for row in given])
        return np.asarray(given)

    own_list = list(own) if own is not None else []
    proba = bool(label and scores) and _are_probabilities(session, str(scores), len(own_list))
    model = Adapter(
        "ONNX model",
        width=_width(session) if wide else None,
        names=None if wide else list(inputs),
        levels={} if wide else levels_of(graph, list(inputs)),
        values=lambda X: run(X, str(label or scores)),
        scores=probabilities if proba else None,
        own=own,
        classes=wishes.classes,
    )
    single = "float" in inputs.values() and "double" not in inputs.values()
    return Reading(
        model=model,
        family=family_of(graph, len(own_list)),
        frame="numpy" if wide else "columns",
        precision="float32" if single else "float64",
        facts={
            "class": f"ONNX of {graph.name or 'no name'}: {', '.join(node.op_type for node in graph.node)}",
            "inputs": _words(inputs, wide),
            "outputs": ", ".join(f"{each.name}: {each.type}" for each in session.get_outputs())
            + ("" if proba or not (label and scores) else "; these scores are no probabilities, and are not offered"),
            "leaf ids": "none",
            **describe(graph),
        },
    )


def _outputs(path: Path, session: Any) -> tuple[str | None, str | None]:
    """The names of the outputs that are labels, and probabilities or values."""
    labels = [
        each.name for each in session.get_outputs() if "int" in each.type.partition("map")[0] and "map" not in each.type
    ]
    labels += [each.name for each in session.get_outputs() if each.type == "tensor(string)"]
    numbers = [
        each.name
        for each in session.get_outputs()
        if each.type in ("tensor(float)", "tensor(double)") or each.type.startswith("seq(map(")
    ]
    if len(labels) > 1 or len(numbers) > 1 or not labels + numbers:
        told = ", ".join(f"{each.name}: {each.type}" for each in session.get_outputs())
        raise UsageError(
            f"{path} answers {told}: a model here answers labels, with probabilities or without, or values"
        )
    return (labels or [None])[0], (numbers or [None])[0]


def _are_probabilities(session: Any, output: str, k: int) -> bool:
    """Whether a float output is one probability for each of ``k`` classes, and not margins."""
    told = next(each for each in session.get_outputs() if each.name == output)
    return told.type.startswith("seq(map(") or (len(told.shape) == 2 and told.shape[1] == k)


def _width(session: Any) -> int | None:
    width = session.get_inputs()[0].shape[-1]
    return width if isinstance(width, int) else None


def _cast(values: Any, kind: str, what: str) -> Array:
    """The array of an input; a fraction for a whole number, which onnxruntime would not see, is an error."""
    if kind == "string":
        return np.array([str(value) for value in values], dtype=object)
    array = np.asarray(values)
    if "int" in kind and array.dtype.kind == "f" and not np.array_equal(np.round(array), array):
        raise ValueError(f"{what} takes whole numbers ({kind}), and was given fractions")
    return array.astype(DTYPES.get(kind, np.float32))


def _words(inputs: Mapping[str, str], wide: bool) -> str:
    kinds = sorted(set(inputs.values()))
    return kinds[0] if wide else f"one a column: {', '.join(f'{name} {kind}' for name, kind in inputs.items())}"
