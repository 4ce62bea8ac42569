"""The judge of :func:`mex.attack`: the yardstick of the matrix, laid on an extraction when it is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex.app.given import Given
from mex.app.matrix.evaluation import Yardstick
from mex.app.matrix.isolation import isolated
from mex.app.matrix.ledgers import describe
from mex.app.result import SCORES, AttackResult
from mex.dataset import Rows
from mex.defense import undefended
from mex.errors import Incompatible, sentence
from mex.extraction import Extraction
from mex.fitted import FittedTarget
from mex.target import Target
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.replay import ReplayTarget
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import RecordedTarget, Remote, recorded
from mex.toolkit.tabular.adapters import TableModel
from mex.types import Function, stream

EVALUATION = 500
"""Rows at most that a model which costs money is asked to judge."""
CURVE = (*SCORES, "class_agreement", "geometric_error")


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


def judged(
    extraction: Extraction, given: Given, judge: Target, seed: int, ledger: Path | None, budget: int, **names: Any
) -> AttackResult:
    """The extraction with its scores, and with hypotheses that take the tables that the model takes.

    What was paid for is not lost with the judgement: a judge that fails is a remark. What the judge asks goes through a
    ledger beside that of the attack, and where it costs money up to ``budget`` rows are asked.
    """
    scores: dict[str, Any] = {}
    remarks = list(given.notes)
    if given.held_out is not None:
        try:
            with _asked(judge, ledger, budget) as asked:
                scores, chance = _scores(extraction, given, asked, seed, budget)
                remarks += filter(None, [chance])
        except Exception as error:
            remarks.append(f"nothing was judged: {sentence(error)}")
    kept = {field.name: getattr(extraction, field.name) for field in attrs.fields(Extraction)}
    if (schema := given.schema) is not None:
        kept["hypothesis"] = TableModel(extraction.hypothesis, schema)
        kept["snapshots"] = tuple((queries, TableModel(then, schema)) for queries, then in extraction.snapshots)
    return AttackResult(**kept, **scores, **names, remarks=tuple(remarks))


@contextlib.contextmanager
def _asked(judge: Target, path: Path | None, budget: int) -> Iterator[Target]:
    """The judge's model through a ledger: of answers that were paid for none is paid for again."""
    remote = _remote(judge)
    if not isinstance(judge, FittedTarget) or isinstance(judge, ReplayTarget) or (path is None and not remote):
        yield judge
        return
    beside = None if path is None else path.with_name(f"{path.stem}-evaluation{path.suffix}")
    with contextlib.closing(Ledger.at(beside, describe(judge))) as ledger:
        yield recorded(judge, Session(ledger, "evaluation", budget if remote else None))


def _remote(judge: Target) -> bool:
    return isinstance(getattr(judge, "estimator", None), Remote)


def _sent(judge: Target) -> int:
    """How many rows were sent for a judge that asks through a ledger."""
    return sum(map(judge.session.ledger.sent, ("evaluation", "check"))) if isinstance(judge, RecordedTarget) else 0


def _scores(extraction: Extraction, given: Given, judge: Target, seed: int, budget: int) -> tuple[dict[str, Any], str]:
    """The fields of a result, and a sentence if the model answers by chance."""
    assert given.held_out is not None
    before = _sent(judge)
    with isolated(seed):
        rows = Rows(given.held_out, np.empty(0))
        most = budget if _remote(judge) else None
        yardstick = Yardstick.of(judge, rows, stream(seed, "yardstick"), labelled=False, budget=most)
        scores = [(queries, yardstick.score(hypothesis)) for queries, hypothesis in extraction.snapshots]
    told = {
        "curve": [{"queries": queries, **{name: then[name] for name in CURVE}} for queries, then in scores],
        "majority": yardstick.majority("agreement"),
        "uniform_majority": yardstick.majority("uniform_agreement"),
        "held_out": len(yardstick.points["agreement"]),
        "asked_to_judge": _sent(judge) - before if isinstance(judge, RecordedTarget) else yardstick.asked,
    }
    return told, yardstick.chance
