"""The defense that an audit recommends, in a sentence, and the lines that deploy it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mex.app.analysis.numbers import number
from mex.app.audit.trade import NAMED, NOT_KNOWN, Trade
from mex.app.audit.verdict import shown_words


def recommendation(trades: Sequence[Trade], subject: Mapping[str, Any]) -> dict[str, Any]:
    """Which defense to deploy, how, and why the best known alternatives are not preferred."""
    best = next((trade for trade in trades if not trade.objection), None)
    if best is None:
        if trades and all(trade.factor is None for trade in trades):
            far = all(trade.level is None for trade in trades)
            why = "without one no attack got far enough" if far else "no attack came to a result against one"
            told = f"What a defense buys cannot be told, as {why}."
        elif unknown := [trade for trade in trades if trade.objection.startswith(NOT_KNOWN)]:
            names = ", ".join(str(trade.shield.spec) for trade in unknown[:NAMED]) + " and others" * (
                len(unknown) > NAMED
            )
            told = (
                f"No defense is known to be worth deploying: what {names} would buy could not be measured, as attacks "
                "on them came to no result; others are not worth their cost."
            )
        else:
            why = "No defense that was tried is worth deploying" if trades else "No defense was tried"
            told = f"{why}: what protects is how many rows one client may ask, and how coarse answers are."
        return {"defense": None, "sentence": told, "python": None, "serve": None}
    spec = best.shield.spec
    cost = costs_text(best.row(), ", ") or "nothing that was measured"
    if best.queries is None:
        closest = "" if best.reached is None else f" (the best to {math.floor(1000 * best.reached + 1e-9) / 1000:.3f})"
        got = f"none of {best.tried} attacks on it got to {best.level:g}{closest}: that takes"
    else:
        got = f"the best of {best.tried} attacks on it takes {number(best.queries)} queries to {best.level:g},"
    more = f"at least {best.pessimistic:.1f} times as many as without it{_sooner(best)}"
    told = f"Deploy {spec}: {got} {more}, and it costs honest users {cost}."
    python = f'mex.Defended{"Classifier" if best.shown != "value" else "Regressor"}.wrap(model, "{spec}", secret=…)'
    where = f"{shlex.quote(subject['model'])} --data {shlex.quote(subject['data'])}"
    serve = None if subject["from_python"] else f"mex serve {where} -d {shlex.quote(str(spec))} --secret NAME"
    return {"defense": str(spec), "sentence": told, "python": python, "serve": serve}


def _sooner(trade: Trade) -> str:
    """What a lower agreement takes."""
    at = trade.sooner
    return "" if at is None else f" (to {at.level:g} {number(at.queries)} queries, {at.factor:.1f} times as many)"


def costs_text(trade: Mapping[str, Any], between: str) -> str:
    """What honest users notice of a defense, in words; "" if nothing that was measured."""
    costs, values = trade["costs"], trade["shown"] == "value"
    parts = [f"the {' and '.join(shown_words(kind) for kind in trade['withheld'])}"] if trade["withheld"] else []
    lost = round(costs["accuracy_lost"] or 0.0, 3)
    if lost:
        parts.append(f"{lost:.3f} of R²" if values else f"{100 * lost:.1f} points of accuracy")
    if costs["answers_changed"]:
        parts.append(f"{100 * costs['answers_changed']:.1f} % of answers changed{_shift(trade)}")
    if costs["honest_refused"]:
        parts.append(f"{100 * costs['honest_refused']:.1f} % of rows refused")
    if parts and costs["answers_changed"] is None:  # no attack on it ran
        parts.append("the rest was not measured")
    return between.join(parts)


def _shift(trade: Mapping[str, Any]) -> str:
    """By how much answers are changed, where they are numbers."""
    shift, shown = trade["costs"]["answer_shift"], trade["shown"]
    if shift is None or shown not in ("proba", "value") or shown in trade["withheld"]:
        return ""
    return f", by {shift:.2g} on average" if shown == "proba" else f", by {shift:.2g} standard deviations on average"
