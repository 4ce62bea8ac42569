"""What a defended target promises that refuses rows: which, and what it remembers of its client."""

from __future__ import annotations

import json

import numpy as np

from mex.defense import Defended
from mex.testing.defense_trial import DefenseTrial


def admits_row_by_row(trial: DefenseTrial) -> None:
    """Rows are admitted one by one, by themselves and the client's rows so far, whatever the batch."""
    X = trial.X
    batch, single = trial.protected(), trial.protected()
    admitted = np.asarray(batch.admit(X))
    assert admitted.shape == (len(X),), (
        f"admit must answer for each of the {len(X)} rows, shape ({len(X)},), not {admitted.shape}"
    )
    assert admitted.dtype == np.bool_, f"admit must answer True or False for each row, not {admitted.dtype}"
    alone = np.concatenate([np.asarray(single.admit(row[None])) for row in X])
    differ = np.flatnonzero(admitted != alone)
    assert not len(differ), (
        f"row {differ[0]} of a batch is {'admitted' if admitted[differ[0]] else 'refused'}, and not so where the same "
        "rows come one by one: go by the row and the client's rows so far, not by the place in a batch"
    )


def remembers_by_its_memory(trial: DefenseTrial) -> None:
    """What it remembers of its client is its memory, as JSON holds it: another one goes on from there."""
    asked, other = trial.protected(), trial.protected()
    if not (isinstance(asked, Defended) and isinstance(other, Defended)) or type(asked).admit is Defended.admit:
        return
    assert type(asked).memory is not Defended.memory, (
        "a defense with an admit of its own tells what it remembers of its client, or it cannot be served to several: "
        "override memory, with its setter; it is None where each row is admitted by itself"
    )
    half = len(trial.X) // 2
    asked.admit(trial.X[:half])
    try:
        memory = json.loads(json.dumps(asked.memory))
    except (TypeError, ValueError):
        raise AssertionError("memory must be JSON-ready: numbers, texts and lists, no arrays") from None
    if memory is not None:
        other.memory = memory
    same = np.array_equal(other.admit(trial.X[half:]), asked.admit(trial.X[half:])) and other.alarm == asked.alarm
    assert same, "one that is given the memory of another must admit and alarm as that one: something is not in memory"
