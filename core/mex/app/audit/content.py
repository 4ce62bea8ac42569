"""What stands on the page of an audit, section by section: the same for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from mex.app.analysis.numbers import number, usd
from mex.app.audit.text import defense_rows, thief_rows
from mex.app.audit.verdict import agreement_text, read_words, shown_words

MOST_LINES = 6
"""Attacks in one chart, the best first: more would not be told apart."""


@attrs.frozen
class Table:
    """Rows with a header and a caption."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@attrs.frozen
class Code:
    """Lines to copy, and what they are; ``folded`` where few read them."""

    caption: str
    lines: str
    folded: bool = False


@attrs.frozen
class Curve:
    """One line of a chart: its name, its points (x, y) and what each is called."""

    name: str
    points: Sequence[tuple[float, float]]


@attrs.frozen
class Chart:
    """Lines over a logarithmic axis of queries."""

    caption: str
    x: str
    y: str
    curves: Sequence[Curve]


Part: TypeAlias = str | list[str] | Table | Code | Chart
"""A paragraph, a list, or one of the above."""


@attrs.frozen
class Section:
    """A part of the page."""

    title: str
    parts: Sequence[Part]


def sections(told: Mapping[str, Any]) -> list[Section]:
    """The page of a document, in reading order; what is empty is left out."""
    found = [
        Section("Verdict", [*told["verdict"]]),
        Section("What a theft takes", [_thieves(told), *_charts(told), _attacks(told)]),
        Section("What each defense buys", _defenses(told)),
        Section("What the interface gives away", _findings(told)),
        Section("What these numbers are not", [told["limits"] + told["resolution"], _not_tried(told)]),
        Section("What attacks say of themselves", [told["checks"]] if told["checks"] else []),
        Section("What this page is evidence for", [_mappings(told)]),
        Section("How to repeat it", _method(told)),
    ]
    return [section for section in found if section.parts]


def _thieves(told: Mapping[str, Any]) -> Table:
    what = "R²" if told["subject"]["task"] == "regression" else "agreement"
    return Table(
        f"Queries after which the best attack gets to an {what} of 0.95, 0.99 and 0.999 on held-out rows, and stays "
        "there: the median over seeds, and the ends of its interval. Class: the thief knows the class of the model; "
        "rows: it has unlabeled rows. Never: not within the budget.",
        ["answers shown", "the thief knows", "to 0.95", "to 0.99", "to 0.999", "agrees most"],
        thief_rows(told),
    )


def _charts(told: Mapping[str, Any]) -> list[Part]:
    return [_chart(told, kind) for kind in told["subject"]["answers"] if _lines(told, kind)]


def _chart(told: Mapping[str, Any], kind: str) -> Chart:
    return Chart(
        f"{shown_words(kind).capitalize()}: agreement after so many queries, the seed in the middle, for the thief who "
        "knows all; attacks that read this kind of answer.",
        "queries",
        "agreement",
        _lines(told, kind),
    )


def _lines(told: Mapping[str, Any], kind: str) -> list[Curve]:
    ran = [a for a in told["attacks"] if a["reads"] == kind and a["curves"] and a["rows"] and a["class_known"]]
    best = sorted(ran, key=lambda a: -a["agreement"]["median"])[:MOST_LINES]
    return [Curve(a["attack"], _middle(a["curves"])) for a in best]


def _middle(curves: Sequence[Sequence[Sequence[float]]]) -> list[tuple[float, float]]:
    """The curve of the seed whose last agreement is in the middle."""
    ranked = sorted(curves, key=lambda curve: curve[-1][1])
    return [(queries, agreement) for queries, agreement in ranked[len(ranked) // 2]]


def _attacks(told: Mapping[str, Any]) -> Table:
    rows = []
    for attack in told["attacks"]:
        if attack["agreement"] is None:
            continue
        found = [attack["queries"][level] for level in ("0.95", "0.99")]
        rows.append(
            [
                attack["attack"] + " (baseline)" * attack["baseline"],
                read_words(attack["reads"]),
                agreement_text(attack["agreement"], attack["held_out"]),
                *("never" if e is None or e["median"] is None else number(e["median"]) for e in found),
            ]
        )
    return Table("Every attack that judged.", ["attack", "reads", "agreement", "to 0.95", "to 0.99"], rows)


def _defenses(told: Mapping[str, Any]) -> list[Part]:
    if not told["defenses"]:
        return []
    level = told["defenses"][0]["level"]
    at = "no level" if level is None else f"{level:g}"
    caption = (
        f"How many times as many queries the best attack that knows the defense takes to {at}, where "
        f"{shown_words(told['shown'])} are shown without it, with the ends of the interval; what honest users notice; "
        "and whether to deploy it."
    )
    header = ["defense", "buys", "best attack on it", "costs", "judgement"]
    parts: list[Part] = [told["recommendation"]["sentence"], Table(caption, header, defense_rows(told))]
    if told["recommendation"]["defense"]:
        lines = "\n".join([told["recommendation"]["python"], told["recommendation"]["serve"]])
        parts.append(Code("To deploy it, in Python or in front of the model:", lines))
    return parts


def _findings(told: Mapping[str, Any]) -> list[Part]:
    rows = [[f["kind"], f["sentence"], str(f["evidence"])] for f in told["findings"]]
    return [Table("Findings, each with what it was read off.", ["what", "finding", "evidence"], rows)] if rows else []


def _not_tried(told: Mapping[str, Any]) -> Table:
    rows = [[entry["kind"], entry["name"], entry["reason"]] for entry in told["not_tried"]]
    return Table("What judged nothing, and why.", ["kind", "name", "why"], rows)


def _mappings(told: Mapping[str, Any]) -> Table:
    header = ["framework", "entry", "asks", "this page shows", "it does not show"]
    keys = ("framework", "entry", "asks", "shows", "does_not_show")
    rows = [[entry[key] for key in keys] for entry in told["mappings"]]
    return Table("Entries of standards, what this page shows of each and what not.", header, rows)


def _method(told: Mapping[str, Any]) -> list[Part]:
    depth, subject = told["depth"], told["subject"]
    said = [
        f"Depth {depth['name']}: {depth['cells']} cells, {number(depth['rows_asked'])} rows asked by attacks"
        + (f", {number(depth['rows_sent'])} rows sent to the endpoint" if depth["rows_sent"] else "")
        + f", at {usd(depth['price_per_query'])} a row.",
        f"Seeds {', '.join(map(str, depth['seeds']))} judge; seed {depth['race_seed']} ran the race.",
        f"{depth['race_rule']}.",
        f"The model: {subject['model']}, a {subject['family']} model of {subject['features']} features. The data: "
        f"{subject['data']}, {number(subject['rows'])} rows.",
    ]
    hashes = "\n".join(f"{name}  {value}" for name, value in subject["hashes"].items())
    versions = "\n".join(f"{name} {version}" for name, version in told["method"]["versions"].items())
    recipes = [
        Code(f"{name}: mex matrix {name} repeats this part", text, folded=True)
        for name, text in told["method"]["recipes"].items()
    ]
    return [said, Code("Hashes of the model and the data", hashes), Code("Versions", versions, folded=True), *recipes]
