"""What :func:`mex.attack` returns: the stolen model, and the answer to how many queries and dollars it took."""

from __future__ import annotations

import html
import importlib
import importlib.util
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

import attrs

from mex.app.analysis.numbers import BELOW, number, shown, usd, worse_than_constant
from mex.app.analysis.statistics import LEVELS, queries_to
from mex.app.matrix.units import Point
from mex.errors import UsageError
from mex.extraction import Extraction

SCORES = {"agreement": "held-out rows", "near_agreement": "rows between them", "uniform_agreement": "uniform points"}
"""The agreements, and the points on which they are measured."""


@attrs.frozen(eq=False, repr=False)
class AttackResult(Extraction):
    """What an attack got, what it paid, and how far the stolen model agrees with the real one.

    It prints as a few lines, and shows as a table in a notebook.

    Attributes:
        attack, defense, model: what was attacked, how, and behind what.
        price_per_query: in US dollars.
        curve: the scores after so many queries, as in a record (``mex show record``); empty if nothing was judged.
        majority, uniform_majority: the shares of held-out rows and of uniform points that get the most common label,
            which is what one constant answer agrees on; None for values.
        held_out: how many rows were held out to judge on.
        asked_to_judge: rows that the real model was asked to judge, beside the queries; none that a ledger has.
        remarks: what was left out of what was given, and why nothing was judged if nothing was.
    """

    attack: str
    defense: str
    model: str
    price_per_query: float
    curve: Sequence[Mapping[str, Any]] = ()
    majority: float | None = None
    uniform_majority: float | None = None
    held_out: int = 0
    asked_to_judge: int = 0
    remarks: tuple[str, ...] = ()

    @property
    def agreement(self) -> float | None:
        """The share of held-out rows on which the stolen model and the real one agree (values: R²)."""
        return self._last("agreement")

    @property
    def class_agreement(self) -> float | None:
        """The same averaged over the classes of the real model; None for values."""
        return self._last("class_agreement")

    @property
    def near_agreement(self) -> float | None:
        """The same between held-out rows: on convex pairs, or crossovers for trees, integers and one-hot groups."""
        return self._last("near_agreement")

    @property
    def uniform_agreement(self) -> float | None:
        """The same on uniform points of the domain; read it beside ``uniform_majority``."""
        return self._last("uniform_agreement")

    @property
    def geometric_error(self) -> float | None:
        """‖ŵ − w*‖₂ of unit normals; None unless both are halfspaces."""
        return self._last("geometric_error")

    def queries_to(self, level: float) -> float:
        """Queries after which the agreement on held-out rows is ``level`` or more and stays so; infinite if never.

        Raises:
            UsageError: if nothing was judged.
        """
        if not self.curve:
            raise UsageError(f"the stolen model was not judged: {'; '.join(self.remarks)}")
        return queries_to(cast("Sequence[Point]", self.curve), level)

    def usd_to(self, level: float) -> float:
        """What these queries cost, in US dollars."""
        return self.queries_to(level) * self.price_per_query

    def to_frame(self) -> Any:
        """The learning curve as a data frame, a row for each number of queries: of pandas or polars.

        Of the library that is loaded, or else installed.

        Raises:
            UsageError: if there is neither.
        """
        names = ("pandas", "polars")
        there = [name for name in names if name in sys.modules] or [n for n in names if importlib.util.find_spec(n)]
        if not there:
            raise UsageError("to_frame needs pandas or polars: pip install pandas")
        rows = [{**point, "usd": point["queries"] * self.price_per_query} for point in self.curve]
        columns = ("queries", "usd", *SCORES, "class_agreement", "geometric_error")
        library: Any = importlib.import_module(there[0])
        return library.DataFrame({name: [row[name] for row in rows] for name in columns})

    def plot(self, ax: Any = None) -> Any:
        """Draw the learning curve on axes of matplotlib, new ones by default, and return them.

        Raises:
            UsageError: without matplotlib, or if nothing was judged.
        """
        if importlib.util.find_spec("matplotlib") is None:
            raise UsageError("plot needs matplotlib: pip install 'model-extraction[report]'")
        self.queries_to(LEVELS[0])
        if ax is None:
            from matplotlib import pyplot

            ax = pyplot.figure(figsize=(6, 4)).subplots()
        queries = [max(point["queries"], 1) for point in self.curve]
        for score, where in SCORES.items():
            ax.plot(queries, [point[score] for point in self.curve], marker=".", label=where)
        ax.set(xscale="log", xlabel="queries", ylabel="agreement with the model", title=self._title)
        ax.legend()
        return ax

    def __str__(self) -> str:
        lines = [f"{self._title}: {self._ended}", *(f"{name}: {value}" for name, value in self._told())]
        return "\n".join([*lines, *self.remarks])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        told = [(html.escape(name), html.escape(value)) for name, value in self._told()]
        rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in told)
        title = f"<caption>{html.escape(self._title)}: {html.escape(self._ended)}</caption>"
        remarks = "".join(f"<p>{html.escape(remark)}</p>" for remark in self.remarks)
        return f"<table>{title}<tbody>{rows}</tbody></table>{remarks}"

    @property
    def _title(self) -> str:
        behind = "" if self.defense == "none" else f" behind {self.defense}"
        return f"{self.attack} on {self.model}{behind}"

    @property
    def _ended(self) -> str:
        how = {"budget": "the budget is spent", "done": "done", "refused": "shut out by the defense"}
        return f"{how.get(self.stopped, self.stopped)} after {_queries(self.queries, self.price_per_query)}"

    def _told(self) -> list[tuple[str, str]]:
        """What there is to tell, by name."""
        told = []
        if self.curve:
            told += [
                ("agreement", self._score("agreement", self.majority)),
                ("near", self._score("near_agreement")),
                ("uniform", self._score("uniform_agreement", self.uniform_majority)),
                *((f"to {level:g}", _queries(self.queries_to(level), self.price_per_query)) for level in LEVELS),
            ]
        if self.class_agreement is not None:
            told.insert(1, ("by class", f"{shown('class_agreement', self.class_agreement, self.held_out)}, each alike"))
        if self.geometric_error is not None:
            told.append(("geometric error", f"{self.geometric_error:.2g}"))
        if self.refused:
            told.append(("refused", f"{number(self.refused)} queries"))
        if self.agreement is not None and self.agreement < (self.majority or 0.0):
            told.append(("beware", worse_than_constant(self.majority, self.held_out)))
        elif any(BELOW in text for _, text in told):
            told.append(("beware", f"{BELOW} worse than a constant answer"))
        return [*told, ("note", self.note)] if self.note else told

    def _score(self, score: str, majority: float | None = None) -> str:
        """A score and where it was measured, with what one constant answer gets there."""
        constant = "" if majority is None else f" (one constant answer: {shown(score, majority, self.held_out)})"
        where = SCORES[score].replace("held-out", f"{self.held_out} held-out")
        value = self.curve[-1][score]
        compared = majority is not None or (
            self.majority is None and score != "near_agreement"
        )  # values: beside R² = 0
        below = BELOW if compared and value is not None and value < (majority or 0.0) else ""
        return f"{shown(score, value, self.held_out)}{below} on {where}{constant}"

    def _last(self, score: str) -> float | None:
        return self.curve[-1][score] if self.curve else None


def _queries(count: float, price: float) -> str:
    """A number of queries and what they cost.

    >>> _queries(73.2, 0.0001), _queries(math.inf, 0.0001)
    ('74 queries ($0.0074)', 'not reached')
    """
    if not math.isfinite(count):
        return "not reached"
    return f"{number(math.ceil(count))} queries ({usd(math.ceil(count) * price)})"
