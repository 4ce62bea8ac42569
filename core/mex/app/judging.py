"""The judge of :func:`mex.attack`: the yardstick of the matrix, laid on an extraction when it is over."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from mex.app.given import Given
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.isolation import isolated
from mex.app.result import SCORES, AttackResult
from mex.dataset import Rows
from mex.defense import undefended
from mex.errors import Incompatible, sentence
from mex.extraction import Extraction
from mex.target import Target
from mex.toolkit.ledger.target import Remote
from mex.toolkit.tabular.adapters import TableModel
from mex.types import Function, stream

EVALUATION = 500
"""Rows at most that a model which costs money is asked to judge."""
CURVE = (*SCORES, "geometric_error")


def judge_of(target: Target) -> Target:
    """The model that stolen ones are compared with: that behind every defense, if it can be seen."""
    try:
        return undefended(target)
    except Incompatible:
        return target


def name_of(target: Target) -> str:
    """What to call a model in a title."""
    model = getattr(judge_of(target), "estimator", target)
    named = model.function if isinstance(model, Function) else type(model)
    return str(getattr(named, "__name__", "function"))


def judged(extraction: Extraction, given: Given, judge: Target, seed: int, **names: Any) -> AttackResult:
    """The extraction with its scores, and with hypotheses that take the tables that the model takes.

    What was paid for is not lost with the judgement: a judge that fails is a remark.
    """
    scores: dict[str, Any] = {}
    remarks = list(given.notes)
    if given.held_out is not None:
        try:
            scores = _scores(extraction, given, judge, seed)
        except Exception as error:
            remarks.append(f"nothing was judged: {sentence(error)}")
    kept = {field.name: getattr(extraction, field.name) for field in attrs.fields(Extraction)}
    if (schema := given.schema) is not None:
        kept["hypothesis"] = TableModel(extraction.hypothesis, schema)
        kept["snapshots"] = tuple((queries, TableModel(then, schema)) for queries, then in extraction.snapshots)
    return AttackResult(**kept, **scores, **names, remarks=tuple(remarks))


def _scores(extraction: Extraction, given: Given, judge: Target, seed: int) -> dict[str, Any]:
    assert given.held_out is not None
    with isolated(seed):
        rows = Rows(given.held_out, np.empty(0))
        remote = isinstance(getattr(judge, "estimator", None), Remote)
        budget = EVALUATION if remote else None
        yardstick = Yardstick.of(judge, rows, stream(seed, "yardstick"), labelled=False, budget=budget)
        scores = [(queries, yardstick.score(hypothesis)) for queries, hypothesis in extraction.snapshots]
    return {
        "curve": [{"queries": queries, **{name: then[name] for name in CURVE}} for queries, then in scores],
        "majority": yardstick.majority("agreement"),
        "uniform_majority": yardstick.majority("uniform_agreement"),
        "held_out": len(yardstick.points["agreement"]),
        "asked_to_judge": sum(map(len, yardstick.points.values())),
    }
