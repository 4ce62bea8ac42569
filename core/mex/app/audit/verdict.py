"""The verdict of an audit, in sentences that need no explanation."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mex.answers import USUAL, answer_kind
from mex.app.analysis.numbers import digits, number, share, usd
from mex.errors import UsageError

CAP_DAYS = 30
"""Days that a thief with one account should need at least."""
NAMED = 4
"""Attacks that were not judged and that the paragraph names; more are counted."""
FEW = 100
"""Rows that honest users ask as well: no cap is below them."""
COARSE = 100
"""Held-out rows of which an agreement of 99 % leaves out none."""


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

    Where fewer rows are needed than days, it is one row a day for as many days. It counts on the pessimistic end of the
    strongest thief's queries. None where no attack got to any level.
    """
    strongest = next(thief for thief in thieves if thief["shown"] == shown)
    for name, at in strongest["levels"].items():
        if at and at["queries"]["low"] is not None:
            rows = max(1, math.floor(at["queries"]["low"] / CAP_DAYS))
            days = min(CAP_DAYS, math.floor(at["queries"]["low"] / rows))
            return {"level": float(name), "queries": at["queries"]["low"], "days": days, "rows_a_day": rows}
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
    said += [*_few_rows(document), *_constant(document), *_by_chance(document["varies"])]
    said += [finding["sentence"] for finding in document["findings"] if finding["kind"] == "free text"]
    if document["unjudged"]:
        said.append(_unjudged(document["unjudged"]))
    said.append(document["recommendation"]["sentence"])
    if document["cap"]:
        said.append(_cap_sentence(document["cap"], document["subject"]["task"] == "regression"))
    return said


def _held_out(document: Mapping[str, Any]) -> int:
    """How many rows agreement was measured on; 0 where nothing ran."""
    return min((thief["most"]["held_out"] for thief in document["thieves"] if thief["most"]), default=0)


def _few_rows(document: Mapping[str, Any]) -> list[str]:
    """A warning where the rows are too few to tell an agreement of 0.99."""
    held = _held_out(document)
    if not 0 < held < COARSE or document["subject"]["task"] == "regression":
        return []
    return [
        f"All this was measured on {held} held-out rows, where 99 % agreement means all of them: with more rows it may "
        "be otherwise."
    ]


def _constant(document: Mapping[str, Any]) -> list[str]:
    """What a thief has who asks nothing, where that is as much as a level."""
    held = _held_out(document)
    if not held or len(document["levels"]) == len(document["thieves"][0]["levels"]):
        return []
    constant = share(document["constant"], held)
    agrees = f"One constant answer agrees with the model on {constant} of these rows, for nothing"
    agrees += ": no lower agreement is a theft." if document["levels"] else ": no agreement on them tells a theft."
    by_class = next(thief["class_agreement"] for thief in document["thieves"] if thief["shown"] == document["shown"])
    told = "" if by_class is None else f" With each class alike the best copy agrees on {share(by_class, held)}."
    return [agrees + told]


def _by_chance(varies: Mapping[str, float]) -> list[str]:
    """What an agreement means of a model that answers by chance: of labels no copy gets to 1 (``Yardstick.chance``)."""
    if not varies:
        return []
    kind = next((usual for usual in USUAL if usual in varies), next(iter(varies)))
    said = (
        f"The model itself gives {100 * varies[kind]:.2g} % of rows other {read_words(kind)} when they are asked again"
    )
    if kind == "label":
        most = 100 - 50 * varies[kind]
        said += f": no copy can be expected to agree with one answer on more than about {most:.3g} % of rows"
    return [f"{said}, and a level that was not reached may be out of reach of any copy: it tells nothing of safety."]


def _unjudged(names: Sequence[str]) -> str:
    """The attacks that were not judged, the first of them by name."""
    several = len(names) > 1
    more = f" and {len(names) - NAMED} others, which are named below" if len(names) > NAMED else ""
    return (
        f"{len(names)} {'attacks that apply were' if several else 'attack that applies was'} not judged to the end, as "
        f"{'they' if several else 'it'} failed or took too long here, and {'any of them' if several else 'it'} may do "
        f"better: {', '.join(names[:NAMED])}{more}."
    )


def _cap_sentence(found: Mapping[str, Any], regression: bool) -> str:
    rows, level = number(found["queries"]), agreeing(found["level"], regression)
    if found["queries"] < FEW:
        return f"No daily cap helps: {rows} rows are enough for {level}, at the pessimistic end."
    return (
        f"For a daily cap count on {rows} rows for {level}: at {number(found['rows_a_day'])} a day one account "
        f"takes {found['days']} days. A thief with several accounts takes less."
    )


def _on(thief: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """What the thief who knows everything needs where one kind of answer is shown."""
    where = f"Where {'only labels are' if thief['shown'] == 'label' else shown_words(thief['shown']) + ' are'} shown"
    if not thief["attacks"]:
        return f"{where}, no attack came to a result: nothing can be said."
    if not document["levels"]:
        near = agreement_text(thief["most"]["agreement"], thief["most"]["held_out"])
        return f"{where}, the best of {thief['attacks']} attacks, {thief['most']['attack']}, got to {near}."
    regression = document["subject"]["task"] == "regression"
    reached = [(level, at) for level, at in thief["levels"].items() if at and at["queries"]["median"] is not None]
    budget = number(document["depth"]["budget"])
    if not reached:
        most = thief["most"]
        near = agreement_text(most["agreement"], most["held_out"])
        level = f"{document['levels'][0]:g}"
        first = thief["levels"][level]
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
