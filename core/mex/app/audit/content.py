"""What stands on the page of an audit, section by section: the same for HTML and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mex.app.analysis.numbers import number, usd
from mex.app.audit.blocks import Code, Part, Section, Table
from mex.app.audit.charts import charts, trade_off
from mex.app.audit.text import defense_rows, thief_rows
from mex.app.audit.verdict import agreement_text, read_words, shown_words
from mex.app.report.page import meanings

TERMS = ("queries_to_LEVEL", "agreement", "accuracy_lost", "answers_changed", "answer_shift", "honest_refused")
"""The numbers of the page that it explains, by their names in records."""


def sections(told: Mapping[str, Any]) -> list[Section]:
    """The page of a document, in reading order; what is empty is left out."""
    found = [
        Section("Verdict", [*told["verdict"]]),
        Section("What a theft takes", [_thieves(told), *charts(told), _attacks(told)]),
        Section("What each defense buys", _defenses(told)),
        Section("What the interface gives away", _findings(told)),
        Section("What these numbers are not", [told["limits"] + told["resolution"], _not_tried(told)]),
        Section("What attacks say of themselves", [told["checks"]] if told["checks"] else []),
        Section("What this page is evidence for", [_mappings(told)]),
        Section("What attacks, defenses and numbers are", _meanings(told)),
        Section("How to repeat it", _method(told)),
    ]
    return [section for section in found if section.parts]


def _thieves(told: Mapping[str, Any]) -> Table:
    what = "R²" if told["subject"]["task"] == "regression" else "agreement"
    return Table(
        "Thieves",
        f"Queries after which the best attack gets to an {what} of 0.95, 0.99 and 0.999 on held-out rows, and stays "
        "there: the median over seeds, and the ends of its interval. Class: the thief knows the class of the model; "
        "rows: it has unlabeled rows. Never: not within the budget. No theft: one constant answer agrees as much.",
        ["answers shown", "the thief knows", "to 0.95", "to 0.99", "to 0.999", "agrees most"],
        thief_rows(told),
        numbers=(2, 3, 4),
    )


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
    return Table(
        "Attacks",
        "Every attack that was judged, the thieves who know less among them.",
        ["attack", "reads", "agreement", "to 0.95", "to 0.99"],
        rows,
        numbers=(2, 3, 4),
    )


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
    parts: list[Part] = [told["recommendation"]["sentence"], *trade_off(told)]
    parts.append(Table("Defenses", caption, header, defense_rows(told), numbers=(1,)))
    if told["recommendation"]["defense"]:
        lines = "\n".join(filter(None, (told["recommendation"]["python"], told["recommendation"]["serve"])))
        parts.append(Code("To deploy it, in Python or in front of the model:", lines))
    return parts


def _findings(told: Mapping[str, Any]) -> list[Part]:
    rows = [[f["kind"], f["sentence"], str(f["evidence"])] for f in told["findings"]]
    header = ["what", "finding", "evidence"]
    return [Table("Findings", "Findings, each with what it was read off.", header, rows)] if rows else []


def _not_tried(told: Mapping[str, Any]) -> Table:
    """By reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for entry in told["not_tried"]:
        names.setdefault((entry["kind"], entry["reason"]), []).append(entry["name"])
    rows = [[f"{kind}{'s' * (len(which) > 1)}", reason, ", ".join(which)] for (kind, reason), which in names.items()]
    return Table("Not judged", "What was not judged, and why.", ["what", "why", "which"], rows, name=1)


def _mappings(told: Mapping[str, Any]) -> Table:
    header = ["framework", "entry", "asks", "this page shows", "it does not show"]
    keys = ("framework", "entry", "asks", "shows", "does_not_show")
    rows = [[entry[key] for key in keys] for entry in told["mappings"]]
    return Table("Standards", "Entries of standards, what this page shows of each and what not.", header, rows)


def _meanings(told: Mapping[str, Any]) -> list[Part]:
    rows = [[c["kind"], c["name"], c["summary"]] for c in told["components"]]
    terms = [[name, unit, meaning] for name, unit, meaning in meanings() if name in TERMS]
    what = "What the attacks and defenses above are; mex show KIND NAME says more."
    return [
        Table("Attacks and defenses", what, ["kind", "name", "what it is"], rows, name=1),
        Table("Numbers", "What the numbers are; f* is the undefended model.", ["number", "unit", "meaning"], terms),
    ]


def _method(told: Mapping[str, Any]) -> list[Part]:
    depth, subject = told["depth"], told["subject"]
    said = [
        f"Depth {depth['name']}: {depth['cells']} cells, {number(depth['rows_asked'])} rows asked by attacks"
        + (f", {number(depth['rows_sent'])} rows sent to the endpoint" if depth["rows_sent"] else "")
        + f", at {usd(depth['price_per_query'])} a row.",
        f"Seeds {', '.join(map(str, depth['seeds']))} judge; seed {depth['race_seed']} ran the race.",
        f"{depth['race_rule']}.",
        f"The model: {subject['name']}, given as {subject['model']}, a {subject['family']} model of "
        f"{subject['features']} features.",
        f"The data: {subject['data_name']}, given as {subject['data']}, {number(subject['rows'])} rows.",
    ]
    hashes = "\n".join(f"{name}  {value}" for name, value in subject["hashes"].items())
    versions = "\n".join(f"{name} {version}" for name, version in told["method"]["versions"].items())
    in_python = "mex.matrix(this plan, models={{…}}, data=…) repeats this part"
    repeats = in_python if subject["from_python"] else "mex matrix {} repeats this part"
    recipes = [
        Code(f"{name}: {repeats.format(name)}", text, folded=True) for name, text in told["method"]["recipes"].items()
    ]
    return [said, Code("Hashes of the model and the data", hashes), Code("Versions", versions, folded=True), *recipes]
