"""Findings about the interface: what it shows that makes a theft cheaper, whoever attacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mex.app.audit.limits import leaks
from mex.app.audit.running import Outcome
from mex.app.audit.subject import ASKED
from mex.types import FloatArray

DIGITS = 4
"""Probabilities that need more digits than these are told as precise."""


def findings(outcome: Outcome) -> list[dict[str, Any]]:
    """Each as ``kind``, ``sentence`` and ``evidence``: those of the model, and those that its records bring along."""
    subject = outcome.subject
    found = []
    if "leaf" in subject.kinds:
        found.append(
            _finding(
                "leaf ids",
                "The interface tells the leaf that a row falls into"
                + (
                    ": trees are then recovered exactly, leaf by leaf."
                    if any(m.choice.reads == "leaf" for m in outcome.judged)
                    else ", which tells more than its label."
                ),
                f"answers: {', '.join(subject.kinds)}",
            )
        )
    if leak := leaks(outcome):
        found.append(_finding("training data", leak[0].upper() + leak[1:] + ".", str(subject.target.family.kind)))
    if subject.texts:
        found.append(_finding("free text", beyond_texts(subject.texts), f"columns: {', '.join(subject.texts)}"))
    for kind in ("proba", "value"):
        if kind in subject.kinds and not subject.costs_money and len(subject.pool):
            digits = _digits(np.asarray(subject.target.answer(subject.pool[:ASKED], kind), dtype=np.float64))
            if digits > DIGITS:
                what = "Probabilities" if kind == "proba" else "Values"
                found.append(
                    _finding(
                        "precision",
                        f"{what} are given with {digits} significant digits: each answer is nearly an equation in the "
                        "parameters, where a label is one bit.",
                        f"the fewest digits that tell the answers to {min(ASKED, len(subject.pool))} rows",
                    )
                )
    refused = any(r["refused"] or r["alarm"] is not None for m in outcome.judged for r in m.group.ran)
    most = max((r["queries"] or 0 for m in outcome.judged for r in m.group.ran), default=0)
    if most and not refused:
        found.append(
            _finding(
                "no limit seen",
                f"Nothing refused or flagged a client that asked {most:,} rows: a rate limit in front of the model, if "
                "there is one, was not part of this audit."
                if not subject.costs_money
                else f"No rate limit refused {most:,} rows of one client.",
                f"refused and alarm of {len(outcome.judged)} attacks",
            )
        )
    for measured in outcome.measured:
        for record in measured.group.records:
            found += [dict(given) for given in record["findings"] or () if given not in found]  # of servers
    return found


def beyond_texts(columns: Sequence[str]) -> str:
    """What an audit of a model of free texts does not show."""
    what = f"Column {columns[0]} holds" if len(columns) == 1 else f"Columns {', '.join(columns)} hold"
    return (
        f"{what} free text, which the model takes apart into words. No attack here writes texts: each asks those of "
        "the rows alone. A thief who asks single words learns what each of them weighs, and may need far fewer queries "
        "than are said here."
    )


def _finding(kind: str, sentence: str, evidence: str) -> dict[str, Any]:
    return {"kind": kind, "sentence": sentence, "evidence": evidence}


def _digits(values: FloatArray) -> int:
    """The fewest significant digits that write all of ``values`` down, at most 17.

    >>> _digits(np.array([0.25, 0.5])), _digits(np.array([1 / 3]))
    (2, 16)
    """
    flat = values.ravel()[:ASKED]
    return next(d for d in range(1, 18) if d == 17 or all(float(f"{v:.{d}g}") == v for v in flat.tolist()))
