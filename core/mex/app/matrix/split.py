"""How a dataset is dealt out to the operator, the attacker and the judge."""

from __future__ import annotations

import attrs
import numpy as np

from mex.dataset import Dataset, Rows
from mex.errors import UsageError

SHARES = {"train": 0.5, "pool": 0.25, "held_out": 0.25}
"""Who gets the rows: half train f*, a quarter is the attacker's unlabeled pool, a quarter measures."""


@attrs.frozen(eq=False)
class Split:
    """A dataset dealt out to the operator (train), the attacker (pool) and the judge (held out)."""

    train: Rows
    pool: Rows
    held_out: Rows
    dataset: Dataset


def split(dataset: Dataset, rng: np.random.Generator) -> Split:
    """Shuffle into train, pool and held-out rows (:data:`SHARES`), each class in proportion.

    Raises:
        UsageError: if a class is too rare to be in both the training and the held-out rows.
    """
    order = rng.permutation(len(dataset.X))
    if dataset.class_names:
        # Deal the rows out class by class, so that every part gets its share of each class.
        order = order[np.argsort(dataset.y[order], kind="stable")]
    deal = np.arange(len(order)) % 4  # 0, 1: train; 2: pool; 3: held out
    parts = {"train": order[deal < 2], "pool": order[deal == 2], "held_out": order[deal == 3]}
    if dataset.class_names and any(len(np.unique(dataset.y[i])) < 2 for i in (parts["train"], parts["held_out"])):
        raise UsageError(
            f"dataset {dataset.name!r} has too few rows of one class to split (it has {len(dataset.y)} rows)"
        )
    shuffled = {name: rng.permutation(rows) for name, rows in parts.items()}
    return Split(**{name: Rows(dataset.X[rows], dataset.y[rows]) for name, rows in shuffled.items()}, dataset=dataset)


def deal(rows: Rows, rng: np.random.Generator, name: str) -> tuple[Rows, Rows, Rows]:
    """Shuffle the rows of a table about which a deployed model is asked: a third each is train, pool and held out.

    The model has been fitted elsewhere: what it is not measured by and the attacker does not have is for defenses to
    learn from.

    Raises:
        UsageError: if there are fewer than three rows.
    """
    if len(rows.X) < 3:
        raise UsageError(f"{name} has too few rows for the attacker, the defense and the measurement: {len(rows.X)}")
    order = rng.permutation(len(rows.X))
    train, pool, held_out = (Rows(rows.X[order[i::3]], rows.y[order[i::3]]) for i in range(3))
    return train, pool, held_out
