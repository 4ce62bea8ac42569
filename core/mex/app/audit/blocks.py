"""What a page of an audit is made of, whatever form it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs

from mex.app.report.chart import Point4
from mex.app.report.tradeoff import Bargain


@attrs.frozen
class Table:
    """Rows with a header, a caption, and a name for who does not see them; ``name`` is the column that names a row."""

    label: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    name: int = 0


@attrs.frozen
class Code:
    """Lines to copy, and what they are; ``folded`` where few read them."""

    caption: str
    lines: str
    folded: bool = False


@attrs.frozen
class Lines:
    """One chart of learning curves: of each attack its name and (queries, low end, median, high end) of its score."""

    caption: str
    lines: Sequence[tuple[str, Sequence[Point4]]]


@attrs.frozen
class Curves:
    """Charts of learning curves that share their axes: the caption, what the score is, and of how many rows."""

    caption: str
    score: str
    rows: int
    charts: Sequence[Lines]


@attrs.frozen
class TradeOff:
    """What each defense buys over what honest users lose, ``lost_is``."""

    caption: str
    lost_is: str
    defenses: Sequence[Bargain]


Part: TypeAlias = str | list[str] | Table | Code | Curves | TradeOff
"""A paragraph, a list, or one of the above."""


@attrs.frozen
class Section:
    """A part of the page."""

    title: str
    parts: Sequence[Part]
