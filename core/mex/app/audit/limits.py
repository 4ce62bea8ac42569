"""What no attack can do, what the measurement cannot tell, and what was left out."""

from __future__ import annotations

import math

from mex.answers import USUAL
from mex.app.analysis.numbers import share
from mex.app.analysis.statistics import LEVELS, coverage
from mex.app.audit.running import Outcome
from mex.app.audit.thieves import Thief
from mex.app.audit.verdict import read_words
from mex.target import knowledge
from mex.toolkit.bounds import query_bound
from mex.toolkit.facts import LEAKS


def limit_lines(outcome: Outcome, thieves: list[Thief]) -> list[str]:
    """Bounds that hold for every attack, where the class of the model has one.

    A halfspace: on average over weights drawn uniformly, no attack on labels alone gets to a geometric error with
    fewer queries than its bits (:func:`mex.toolkit.bounds.query_bound`).
    """
    target = outcome.subject.target
    binary = target.classes is not None and len(target.classes) == 2
    if target.family.kind != "linear" or not binary:
        return [
            f"No bound is known for such a model ({target.family.kind}, {knowledge(target).task}): these are the "
            "numbers of the attacks that were tried, and a better one may exist."
        ]
    return [line for thief in thieves if thief.shown == "label" for line in [_halfspace(outcome, thief)] if line][:1]


def _halfspace(outcome: Outcome, thief: Thief) -> str:
    found = max((level for level in outcome.levels if (b := thief.best(level)) and b[1].finite), default=None)
    best = None if found is None else thief.best(found)
    if found is None or best is None:
        return ""
    domain, error = outcome.subject.target.domain, best[0].group.median("geometric_error")
    intercept = bool(outcome.subject.target.family.public.get("intercept", True))
    d = sum(max(1, len(unit) - 1) for unit in domain.units()) + intercept
    if error is None or not 0 < error.value < math.sqrt(2):
        return ""
    least = math.ceil(query_bound(d, error.value))
    return (
        f"No attack on labels alone, however clever, gets as near to the weights as {best[0].choice.label} ended "
        f"(geometric error {error.value:.2g} in {d} dimensions) with fewer than {least:,} queries on average, "
        "unless it knows something of the weights beforehand: a label is one bit. Agreement on real rows takes fewer."
    )


def resolution(outcome: Outcome) -> list[str]:
    """What the yardstick cannot tell apart."""
    ran = [record for measured in outcome.judged for record in measured.group.ran]
    if not ran:
        return _cut(outcome)
    held = min(record["held_out"] or 1 for record in ran)
    values = outcome.subject.target.classes is None  # R² has no steps
    steps = "" if values else f": it has steps of {1 / held:.2g}"
    said = [f"Agreement is measured on {held:,} held-out rows{steps}."]
    fine = [f"{level:g}" for level in LEVELS if held * (1 - level) < 1 - 1e-9]
    if fine and not values:
        said.append(f"On so few rows {' and '.join(fine)} can only mean that all of them agree.")
    if outcome.constant is not None:
        void = [f"{level:g}" for level in LEVELS if level not in outcome.levels]
        more = f": to agree on {' and '.join(void)} is no theft" if void else ""
        said.append(f"One constant answer agrees on {share(outcome.constant, held)} of them{more}.")
    seeds = outcome.depth.seeds
    said.append(f"Numbers in brackets: {coverage(seeds)}. The race had another seed.")
    asked = max(record["queries"] or 0 for record in ran)
    ended = f", and none asked more than {asked:,}" if asked < outcome.depth.budget else ""
    said.append(
        f"Attacks were given {outcome.depth.budget:,} queries{ended}: never means not within these, and is no proof "
        "that more would not do."
    )
    return said + _unread(outcome) + _cut(outcome)


def _unread(outcome: Outcome) -> list[str]:
    """The kinds of answer that are shown and that no judged attack reads."""
    read = {measured.choice.reads for measured in outcome.judged if measured.group.ran}
    kinds = [read_words(kind) for kind in outcome.subject.kinds if kind not in (*USUAL, "proba", *read)]
    return [
        f"No attack that was judged reads {kind} of such a model: what they are worth is not known." for kind in kinds
    ]


def _cut(outcome: Outcome) -> list[str]:
    """What the time plan did not allow."""
    if not outcome.cut:
        return []
    plural = "s" * (outcome.minutes != 1)
    return [
        f"The plan had {outcome.minutes:g} minute{plural}, and {outcome.cut} cells were not done in their time. They "
        "are named below; an interval is of the seeds that are there. The same command with --out goes on with them."
    ]


def not_tried(outcome: Outcome) -> list[dict[str, str]]:
    """Each attack and defense that judged nothing, with the reason."""
    ran = {(m.choice.label, m.choice.reads) for m in outcome.judged if m.group.ran}
    out = [
        {"kind": "attack", "name": choice.label, "reason": choice.reason}
        for choice in outcome.choices
        if choice.reads is None
    ]
    for stage, measured in (("race", outcome.raced), ("judging", outcome.judged), ("defense", outcome.defended)):
        for m in measured:
            if not m.group.ran and (stage == "race" or (m.choice.label, m.choice.reads) not in ran or m.shield):
                name = m.choice.label + (f" against {m.shield.label}" if m.shield else "")
                reason = str(m.group.records[0]["reason"])
                out.append({"kind": "attack", "name": f"{name} ({stage}, {m.choice.reads})", "reason": reason})
    out += [{"kind": "attack", "name": left.partition(" left")[0], "reason": left} for left in outcome.left]
    out += [{"kind": "defense", "name": s.label, "reason": s.reason} for s in outcome.shields if s.reason]
    return out


def checks(outcome: Outcome) -> list[str]:
    """What the attacks that ran say about themselves: assumptions that did not hold, self-checks, each once."""
    notes = (
        f"{m.choice.label} ({m.choice.reads}{', behind ' + m.shield.label if m.shield else ''}): {record['reason']}"
        for m in outcome.measured
        for record in m.group.ran
        if record["reason"] and "changed no answer" not in record["reason"]
    )
    return list(dict.fromkeys(notes))


def leaks(outcome: Outcome) -> str:
    """What thresholds of the model tell of training rows; or ""."""
    return LEAKS.get(str(outcome.subject.target.family.public.get("thresholds")), "")
