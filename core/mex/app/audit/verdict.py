"""The verdict of an audit, in sentences that need no explanation."""

from __future__ import annotations

import contextlib
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from mex.answers import answer_kind
from mex.app.analysis.numbers import digits, number, usd
from mex.app.analysis.statistics import LEVELS
from mex.errors import UsageError

CAP_DAYS = 30
"""Days that a thief with one account should need at least."""
NAMED = 4
"""Attacks that were not judged and that the paragraph names; more are counted."""
FEW = 100
"""Rows that honest users ask as well: no cap is below them."""


def read_words(kind: str) -> str:
    """A kind of answer that is read, in the words of the page; of a plugin that is not installed here, its name."""
    with contextlib.suppress(UsageError):
        return answer_kind(kind).words
    return kind


def shown_words(kind: str) -> str:
    """The same of one that is shown."""
    return "labels only" if kind == "label" else read_words(kind)


def cap(thieves: Sequence[Mapping[str, Any]], shown: str) -> dict[str, Any] | None:
    """The daily cap that follows: at it one account takes :data:`CAP_DAYS` days to the lowest level that is reached.

    It counts on the pessimistic end of the strongest thief's queries. None where no attack got to any level.
    """
    strongest = next(thief for thief in thieves if thief["shown"] == shown)
    for level in LEVELS:
        at = strongest["levels"][f"{level:g}"]
        if at and at["queries"]["low"] is not None:
            rows = max(1, math.floor(at["queries"]["low"] / CAP_DAYS))
            return {"level": level, "queries": at["queries"]["low"], "days": CAP_DAYS, "rows_a_day": rows}
    return None


def queries_text(queries: Mapping[str, float | None], reached: int, seeds: int) -> str:
    """Queries with the ends of their interval; *never* where fewer than half of the seeds got there.

    >>> queries_text({"median": 97.5, "low": 80.0, "high": None}, 2, 3)
    '98 (80 to never)'
    >>> queries_text({"median": None, "low": 80.0, "high": None}, 1, 3)
    'never (in 1 of 3 seeds after 80)'
    """
    low, high = queries["low"], queries["high"]
    if queries["median"] is None:
        return "never" if low is None else f"never (in {reached} of {seeds} seeds after {number(low)})"
    middle = number(queries["median"])
    if low == high:
        return middle
    return f"{middle} ({'never' if low is None else number(low)} to {'never' if high is None else number(high)})"


def agreement_text(agreement: Mapping[str, float], rows: int) -> str:
    """An agreement with the ends of its interval."""
    places = digits(rows)
    whole = [math.floor(agreement[end] * 10**places + 1e-9) / 10**places for end in ("median", "low", "high")]
    ends = f" ({whole[1]:.{places}f} to {whole[2]:.{places}f})" if whole[1] != whole[2] else ""
    return f"{whole[0]:.{places}f}{ends}"


def verdict(document: Mapping[str, Any]) -> list[str]:
    """The paragraph that a manager reads: what a theft takes, what to do, and what follows for a daily cap."""
    strongest: dict[str, Any] = {}
    for thief in document["thieves"]:
        strongest.setdefault(thief["shown"], thief)
    said = [_on(thief, document) for thief in strongest.values()]
    if document["unjudged"]:
        said.append(_unjudged(document["unjudged"]))
    said.append(document["recommendation"]["sentence"])
    if document["cap"]:
        said.append(_cap_sentence(document["cap"], document["subject"]["task"] == "regression"))
    return said


def _unjudged(names: Sequence[str]) -> str:
    """The attacks that were not judged, the first of them by name."""
    several = len(names) > 1
    more = f" and {len(names) - NAMED} others, which are named below" if len(names) > NAMED else ""
    return (
        f"{len(names)} {'attacks that apply were' if several else 'attack that applies was'} not judged, as "
        f"{'they' if several else 'it'} failed or took too long here, and {'any of them' if several else 'it'} may do "
        f"better: {', '.join(names[:NAMED])}{more}."
    )


def _cap_sentence(found: Mapping[str, Any], regression: bool) -> str:
    rows, level = number(found["queries"]), agreeing(found["level"], regression)
    if found["queries"] < FEW:
        return f"No daily cap helps: {rows} rows are enough for {level}, at the pessimistic end."
    return (
        f"For a daily cap count on {rows} rows for {level}: at {number(found['rows_a_day'])} rows a day one account "
        f"takes {found['days']} days. A thief with several accounts takes less."
    )


def _on(thief: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """What the thief who knows everything needs where one kind of answer is shown."""
    where = f"Where {'only labels are' if thief['shown'] == 'label' else shown_words(thief['shown']) + ' are'} shown"
    if not thief["attacks"]:
        return f"{where}, no attack came to a result: nothing can be said."
    regression = document["subject"]["task"] == "regression"
    reached = [(level, at) for level, at in thief["levels"].items() if at and at["queries"]["median"] is not None]
    budget = number(document["depth"]["budget"])
    if not reached:
        most = thief["most"]
        near = agreement_text(most["agreement"], most["held_out"])
        level, first = next(iter(thief["levels"].items()))
        seen = first and first["queries"]["low"]
        some = f"; in one seed one was there after {number(seen)}" if seen else ""
        return (
            f"{where}, none of {thief['attacks']} attacks got to {agreeing(level, regression)} within {budget} queries "
            f"in the median{some}; the best, {most['attack']}, got to {near}. That is no proof that none can."
        )
    level, at = reached[-1]
    low = at["queries"]["low"]
    count = f", in the worst seed {number(low)}" if low != at["queries"]["median"] else ""
    further = [name for name in thief["levels"] if float(name) > float(level)]
    beyond = f"; {agreeing(further[0], regression)} was not reached within {budget}" if further else ""
    return (
        f"{where}, a thief who knows all there is to know has a copy with {agreeing(level, regression)} on real rows "
        f"after {number(at['queries']['median'])} queries{count}, for {usd(at['usd']['median'])}, by {at['attack']}"
        f"{beyond}."
    )


def agreeing(level: str | float, regression: bool) -> str:
    """An agreement as people say it.

    >>> agreeing("0.999", False), agreeing(0.95, True)
    ('99.9 % agreement', 'an R² of 0.95')
    """
    return f"an R² of {float(level):g}" if regression else f"{100 * float(level):.3g} % agreement"


def recommendation(trades: Sequence[Any], subject: Mapping[str, Any]) -> dict[str, Any]:
    """Which defense to deploy, how, and why the best known alternatives are not preferred."""
    best = next((trade for trade in trades if not trade.objection), None)
    if best is None:
        if trades and all(trade.factor is None for trade in trades):
            told = "What a defense buys cannot be told, as no attack got anywhere without one."
        else:
            why = "No defense that was tried is worth deploying" if trades else "No defense was tried"
            told = f"{why}: what protects is how many rows one client may ask, and how coarse answers are."
        return {"defense": None, "sentence": told, "python": None, "serve": None}
    spec = best.shield.spec
    cost = costs_text(best.row(), ", ") or "nothing that was measured"
    more = f"at least {best.pessimistic:.1f}"
    told = (
        f"Deploy {spec}: the best of {best.tried} attacks on it takes {more} times as many queries to {best.level:g}, "
        f"and it costs honest users {cost}."
    )
    python = f'mex.Defended{"Classifier" if best.shown != "value" else "Regressor"}.wrap(model, "{spec}", secret=…)'
    where = f"{shlex.quote(subject['model'])} --data {shlex.quote(subject['data'])}"
    serve = None if subject["from_python"] else f"mex serve {where} -d {shlex.quote(str(spec))} --secret NAME"
    return {"defense": str(spec), "sentence": told, "python": python, "serve": serve}


def costs_text(trade: Mapping[str, Any], between: str) -> str:
    """What honest users notice of a defense, in words; "" if nothing that was measured."""
    costs, values = trade["costs"], trade["shown"] == "value"
    parts = [f"the {' and '.join(shown_words(kind) for kind in trade['withheld'])}"] if trade["withheld"] else []
    if lost := costs["accuracy_lost"]:
        parts.append(f"{lost:.3f} of R²" if values else f"{100 * lost:.1f} points of accuracy")
    if costs["answers_changed"]:
        parts.append(f"{100 * costs['answers_changed']:.1f} % of answers changed{_shift(trade)}")
    if costs["honest_refused"]:
        parts.append(f"{100 * costs['honest_refused']:.1f} % of rows refused")
    return between.join(parts)


def _shift(trade: Mapping[str, Any]) -> str:
    """By how much answers are changed, where they are numbers."""
    shift, shown = trade["costs"]["answer_shift"], trade["shown"]
    if shift is None or shown not in ("proba", "value") or shown in trade["withheld"]:
        return ""
    return f", by {shift:.2g} on average" if shown == "proba" else f", by {shift:.2g} standard deviations on average"
