"""What an audit is evidence for: entries of OWASP AISVS, of NIST AI 100-2 and of Article 15 of the EU AI Act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mex.app.analysis.numbers import number
from mex.app.audit.running import Outcome
from mex.app.audit.verdict import agreement_text, shown_words

AISVS = "OWASP AISVS 1.0"
NIST = "NIST AI 100-2 E2025"
AI_ACT = "EU AI Act, Article 15(5)"


def mappings(told: Mapping[str, Any]) -> list[dict[str, str]]:
    """For each entry what it asks for, what the audit shows of it, and what it does not show.

    Args:
        told: the document so far, with ``reactions`` and ``cap``.
    """
    entries = (
        (
            AISVS,
            "11.2.2",
            "Inference endpoints enforce rate limits for each principal and in all, sized to the extraction threat.",
            f"The size: {_size(told)} {_reactions(told)}",
            "That a limit is enforced where the model is deployed, or that one principal has one account.",
        ),
        (
            AISVS,
            "11.3.1",
            "The pattern of queries feeds a detector of extraction attempts.",
            _detectors(told),
            "That a detector runs where the model is deployed, or sees a thief who has several accounts.",
        ),
        (
            AISVS,
            "11.3.2",
            "Raw outputs are not exposed, and visible answers are calibrated to the risk of extraction.",
            f"{_precision(told)} {told['recommendation']['sentence']}",
            "Which answers reach clients in deployment, beside those that were shown to the audit.",
        ),
        (
            NIST,
            "NISTAML.031, model extraction",
            "A taxonomy, no requirement: query access, the attacker's knowledge, and mitigations.",
            f"Query access only; {len(told['thieves'])} attackers by what they are shown and know beforehand.",
            "Side channels, stolen files, insiders; attacks that no installed plugin implements.",
        ),
        (
            AI_ACT,
            "cybersecurity: confidentiality attacks",
            "Measures against confidentiality attacks; a test states budget, fidelity, the cap, and what reacted.",
            f"Budget: {number(told['depth']['budget'])} queries for each attack and seed. Fidelity: {_fidelity(told)}. "
            f"Cap: {_size(told)} {_reactions(told)}",
            "Conformity: that is assessed for a whole system, and extraction is one of its risks.",
        ),
    )
    names = ("framework", "entry", "asks", "shows", "does_not_show")
    return [dict(zip(names, entry, strict=True)) for entry in entries]


def _size(told: Mapping[str, Any]) -> str:
    found = told["cap"]
    if found is None:
        if not told["levels"]:
            return "not measured, as one constant answer agrees as much as any copy could."
        return f"no attack got to {told['levels'][0]:g} within {number(told['depth']['budget'])} rows."
    return (
        f"{number(found['queries'])} rows lead to {found['level']:g} at the pessimistic end, so {found['days']} days "
        f"at {number(found['rows_a_day'])} {'row' if found['rows_a_day'] == 1 else 'rows'} a day."
    )


def _reactions(told: Mapping[str, Any]) -> str:
    seen = told["reactions"]
    if not seen["refused"] and not seen["alarms"]:
        return "No rate limit or detector of the model itself reacted to any attack."
    return f"Of {seen['cells']} attacks {seen['refused']} were refused rows and {seen['alarms']} raised an alarm."


def _detectors(told: Mapping[str, Any]) -> str:
    tried = told["reactions"]["behind_detectors"]
    if not tried["cells"]:
        return "No detector was tried at this depth."
    return (
        f"Of {tried['cells']} attacks behind a detector {tried['alarms']} raised its alarm and {tried['reached']} got "
        f"to {min(told['levels'], default=1.0):g} all the same."
    )


def _precision(told: Mapping[str, Any]) -> str:
    kinds = ("precision", "leaf ids", "training data")
    found = [finding["sentence"] for finding in told["findings"] if finding["kind"] in kinds]
    return (
        " ".join(found)
        or f"The interface shows {' and '.join(shown_words(kind) for kind in told['subject']['answers'])}."
    )


def _fidelity(told: Mapping[str, Any]) -> str:
    strongest = next(thief for thief in told["thieves"] if thief["shown"] == told["shown"])
    most = strongest["most"]
    if most is None:
        return "no attack came to a result"
    return f"{agreement_text(most['agreement'], most['held_out'])} on {number(most['held_out'])} held-out rows"


def reactions(outcome: Outcome) -> dict[str, Any]:
    """How many attacks were refused rows or raised an alarm: of the model as it stands, and behind detectors."""
    level = min(outcome.levels, default=1.0)
    bare = [record for measured in outcome.judged for record in measured.group.ran]
    behind = [
        (record, measured.group)
        for measured in outcome.defended
        if measured.shield and measured.shield.effect and measured.shield.effect.watches
        for record in measured.group.ran
    ]
    return {
        "cells": len(bare),
        "refused": sum(bool(record["refused"]) for record in bare),
        "alarms": sum(record["alarm"] is not None for record in bare),
        "behind_detectors": {
            "cells": len(behind),
            "alarms": sum(record["alarm"] is not None for record, _ in behind),
            "reached": sum(any(p["agreement"] >= level for p in (record["curve"] or [])[-1:]) for record, _ in behind),
        },
    }
