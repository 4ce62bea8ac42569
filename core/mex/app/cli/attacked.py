"""What ``mex attack`` says to a person: three sentences and a small table."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from mex.app.analysis.group import above_constant, value_of
from mex.app.analysis.numbers import BELOW, number, shown, usd, worse_than_constant
from mex.app.analysis.statistics import LEVELS, queries_to
from mex.app.cli.documents import one_line
from mex.app.cli.tables import print_table
from mex.app.matrix.record import Record

ENDED = {
    "done": "The attack was done",
    "budget": "The budget was spent",
    "refused": "The defense shut the attacker out",
    "interrupted": "It was interrupted",
    "failed": "It ended early",
}
USED_UP = "The rows that the attacker has were used up, which are the only ones that it asks: another sampler asks more"


def tell(record: Record) -> None:
    """Print the result of an attack; the rest of its record is for ``--json``."""
    for sentence in sentences(record):
        print(one_line(sentence))
    rows, points = record["held_out"] or 1, record["points"] or 1
    what = "R²" if record["majority"] is None else "agreement"
    measured = [
        (f"{number(rows)} held-out rows", "agreement", "majority"),
        *([("each class alike", "class_agreement", "")] if record["class_agreement"] is not None else []),
        (f"{number(points)} rows between them", "near_agreement", ""),
        (f"{number(points)} uniform points", "uniform_agreement", "uniform_majority"),
    ]
    table = []
    for where, field, constant in measured:
        value, always = value_of(record, field), value_of(record, constant) if constant else None
        below = value is not None and always is not None and value < always
        told = "" if value is None else shown(field, value, rows, points) + BELOW * below
        table.append([where, told, "" if always is None else shown(field, always, rows, points)])
    print_table(["measured on", what, "one constant answer"], table, right=(1, 2))
    if (above_constant(record) or 0) < 0:
        print(worse_than_constant(record["majority"], rows), file=sys.stderr)


def sentences(record: Record) -> list[str]:
    """What the copy is worth, what it took, how it ended, and what an endpoint tells beside its answers."""
    return [_worth(record), _took(record), *_of_endpoint(record), _ended(record)]


def _worth(record: Record) -> str:
    rows = record["held_out"] or 1
    behind = "" if record["defense"] == "none" else f" behind {record['defense']}"
    who = f"{record['attack']} on {_what(record)}{behind}"
    paid = f"{number(record['queries'] or 0)} queries ({usd(record['price_usd'] or 0.0)})"
    if record["agreement"] is None:
        return f"{who}: {paid}, and the copy was not measured."
    agreement = shown("agreement", record["agreement"], rows)
    if record["majority"] is None:
        return f"{who}: after {paid} the copy explains {agreement} of the variance of the model's values (R²)."
    return f"{who}: after {paid} the copy answers {agreement} of the held-out rows as the model does."


def _what(record: Record) -> str:
    """The model and the data: of files their names."""
    model, data = (record[f"{kind}_params"].get("path") for kind in ("model", "dataset"))  # type: ignore[literal-required]
    of_data = Path(str(data)).name if data else record["dataset"]
    known = Path(str(model)).name if model else record["model_params"].get("object")
    if model and model == data:  # a record is both
        return str(known)
    if known is None and record["model"] != "endpoint":
        return f"{record['model']} of {of_data}"
    return f"{known or 'the endpoint'} with the rows of {of_data}"


def _took(record: Record) -> str:
    """The queries to each level that tells a theft; of several that are not reached, the lowest."""
    said: list[str] = []
    constant = record["majority"] or 0.0
    for level in (level for level in LEVELS if level > constant):
        needed = value_of(record, f"queries_to_{level}")
        if needed is None or math.isinf(needed):
            said.append(f"{'one of' if said else 'an agreement of'} {level:g} was not reached")
            break
        queries = math.ceil(needed)
        price = usd(queries * record["price_per_query"])
        said.append(f"{'one of' if said else 'an agreement of'} {level:g} took {number(queries)} queries ({price})")
    text = "; ".join(said)
    told = [f"{text[0].upper()}{text[1:]}."] if said else []
    if constant >= LEVELS[0]:
        agrees = shown("majority", constant, record["held_out"] or 1)
        told.insert(0, f"One constant answer agrees on {agrees}, for nothing: no lower agreement is a theft.")
        needed = queries_to(record["curve"] or [], LEVELS[0], "class_agreement")
        took = "was not reached" if math.isinf(needed) else f"took {number(math.ceil(needed))} queries"
        told.append(f"With each class alike, an agreement of {LEVELS[0]:g} {took}.")
    return " ".join(told)


def _of_endpoint(record: Record) -> list[str]:
    said = []
    if record["evaluation_rows"] is not None:
        sent, measured = number(record["rows_sent"] or 0), number(record["evaluation_rows"])
        said.append(f"{sent} rows were sent to the endpoint for the attack, and {measured} to measure it.")
    if found := record["findings"]:
        told = "; ".join(f"{finding['sentence']} ({finding['kind']})" for finding in found)
        said.append(f"Beside its answers: {told}.")
    return said


def _ended(record: Record) -> str:
    rows = record["held_out"] or 1
    used_up = record["attack_params"].get("sampler") == "pool" and (record["queries"] or 0) < record["budget"]
    ended = record["stopped"] or ""
    parts = [USED_UP if used_up and ended == "done" else ENDED.get(ended, "It ended")]
    if record["refused"]:
        parts.append(f"{number(record['refused'])} queries were refused")
    if record["alarm"] is not None:
        parts.append(f"the alarm was raised after {number(record['alarm'])} queries")
    if record["reason"]:
        parts.append(record["reason"])
    ours, theirs, honest = (value_of(record, f"{whose}_accuracy") for whose in ("target", "stolen", "defended"))
    if ours is not None and theirs is not None:
        right = f"{shown('target_accuracy', ours, rows)}, the copy on {shown('stolen_accuracy', theirs, rows)}"
        parts.append(f"by the true labels the model is right on {right}")
    if record["defense"] != "none" and honest is not None:
        parts.append(f"honest users get {shown('defended_accuracy', honest, rows)}")
    return f"{'; '.join(parts)}. --json prints all fields."
