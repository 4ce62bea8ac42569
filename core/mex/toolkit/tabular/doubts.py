"""What looks like a feature and is none, or might be read in two ways: a person must say what such a column is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from mex.toolkit.tabular.textfile import Texts

MOST_CATEGORIES = 1000
"""A column of more different texts holds names or remarks."""
FEW = 20
"""That so few values all differ says nothing."""
MOST = 0.9
"""What so many of the rows hold, the column holds."""
SHOWN = 30
"""How much of a text an error shows."""
LARGEST = 2.0**53
"""Whole numbers up to here are floats without loss."""

ID = re.compile(r"(?i:(^|[^a-z])(id|uuid|guid|key|nr|no|num|number|idx|index))$|[a-z]I[Dd]$")
DATE = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{1,2}[ -]?[A-Za-z]{3,9}[ ,.-]*\d{2,4}"
    r"|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})([T ]+\d.*)?|\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[APap][Mm])?"
)
QUANTITY = re.compile(
    r"(?P<open>\()?(?P<sign>[+-]?\s*([€$£¥₹]|[A-Z]{3})?\s*[+-]?)(?P<digits>[.,]?\d[\d.,'’\s]*)(?P<exponent>[eE][+-]?\d+)?\s*([€$£¥₹%]|[A-Z]{3})?(?(open)\))"
)
MARKS = {".": ",", ",": "."}
"""What parts thousands beside each decimal mark."""


@attrs.frozen
class Doubt:
    """A column that is no plain number and no category.

    Attributes:
        what: the rest of the sentence that starts with the column's name.
        cures: the parameters that decide what it is, the likeliest first.
        idle: whether it tells no rows apart, so that nothing is lost without it.
    """

    what: str
    cures: tuple[str, ...]
    idle: bool = False


def of_numbers(name: str, texts: Texts, values: Any) -> Doubt | None:
    """The doubt about a column of numbers: one in every row, codes, dates, the number of the row."""
    import pyarrow.compute as pc

    known = values.drop_null().to_numpy()
    n = len(known)
    if not n or known.min() == known.max():
        return _sole([f"{known[0]:g}"] if n else [], "numeric", values.null_count)
    if not np.array_equal(known, np.round(known)):
        return None
    if starts_with_zero(texts):
        example = next(text for text in texts.to_pylist() if text and re.match(r"0\d", text))
        return Doubt(f"holds codes that start with 0 ({example!r})", ("categorical", "numeric", "drop"))
    if max(-float(known.min()), float(known.max())) > LARGEST:
        return Doubt(f"holds whole numbers beyond 2**53 ({known[0]:g}), as identifiers are", ("drop", "numeric"))
    lower, upper, different = int(known.min()), int(known.max()), pc.count_distinct(values, mode="only_valid").as_py()
    if n > FEW and (different == n == upper - lower + 1 or (different > MOST * n and ID.search(name))):
        return Doubt(f"has another number in each row ({lower} to {upper}), as an identifier has", ("drop", "numeric"))
    month, day = known // 100 % 100, known % 100
    if lower >= 19000101 and upper <= 21001231 and ((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all():
        return Doubt(f"holds dates ({lower})", ("drop", "numeric"))
    return None


def starts_with_zero(texts: Texts) -> bool:
    """Whether some numbers start with a 0 before other digits, as codes do."""
    import pyarrow.compute as pc

    return bool(pc.any(pc.match_substring_regex(texts, r"^0\d")).as_py())


def of_texts(counts: Mapping[str, int], rows: int, decimal: str) -> Doubt | None:
    """The doubt about a column of texts, by how many of its rows have each."""
    total = sum(counts.values())
    if len(counts) < 2:
        return _sole(list(counts), "categorical", rows - total)

    def having(test: Callable[[str], Any]) -> tuple[list[str], float]:
        found = [text for text in counts if test(text)]
        return found, sum(counts[text] for text in found) / total

    number = re.compile(rf"[+-]?(\d+[{decimal}]?\d*|[{decimal}]\d+)([eE][+-]?\d+)?").fullmatch
    plain, share = having(number)
    if share >= 0.5:
        others = [text for text in counts if text not in set(plain)]
        odd = sum(counts[text] for text in others)
        cures = ("numeric", "categorical") if share >= MOST or len(plain) >= FEW / 2 else ("categorical", "numeric")
        return Doubt(f"holds numbers, but texts in {odd} of {total} rows ({short(others[0])})", (*cures, "drop"))
    amounts, share = having(lambda text: quantity(text, decimal) is not None)
    if share >= MOST:
        example = next(text for text in amounts if not number(text))
        units = set(re.findall(r"[€$£¥₹%]|[A-Z]{3}", example))
        what = "per cents" if units == {"%"} else "money" if units else "numbers written in another way"
        return Doubt(f"holds {what} ({short(example)})", ("numeric", "drop", "categorical"))
    days, share = having(DATE.fullmatch)
    if share >= MOST:
        return Doubt(f"holds dates or times ({short(days[0])})", ("drop", "categorical"))
    if len(counts) > MOST_CATEGORIES or (len(counts) > FEW and len(counts) > total / 2):
        what = f"holds {len(counts)} different texts in {total} rows ({short(next(iter(counts)))})"
        return Doubt(f"{what}, names or remarks rather than categories", ("drop", "categorical"))
    return None


def _sole(values: list[str], keep: str, missing: int) -> Doubt:
    """The doubt about a column with one value at most: if nothing is missing, it tells no rows apart."""
    if values and missing:
        return Doubt(f"is {short(values[0])} or missing", ("drop", keep))
    what = f"is {short(values[0])} in every row" if values else "has no value in any row"
    return Doubt(what, ("drop", keep), idle=True)


def short(text: str) -> str:
    """The start of a text, in quotes."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")


def quantity(text: str, decimal: str) -> float | None:
    """The number in a text with a unit or parted thousands, or None.

    Of two marks the last one is the decimal mark; a single one that is not ``decimal`` parts thousands if three digits
    follow.

    >>> [quantity(text, ".") for text in ("$1,200.50", "1.200,50 €", "45%", "(3)", "1,5", "1,500", "1_1", "12 pm")]
    [1200.5, 1200.5, 45.0, -3.0, 1.5, 1500.0, None, None]
    """
    found = QUANTITY.fullmatch(text.strip())
    if not found:
        return None
    digits = re.sub(r"['’\s]", "", found["digits"])
    marks = re.sub(r"\d", "", digits)
    point = decimal
    if marks:
        single = len(marks) == 1 and (marks == decimal or not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits))
        point = marks if single else marks[-1] if len(set(marks)) == 2 else MARKS[marks[0]]
    group = MARKS[point]
    if not re.fullmatch(rf"(\d{{1,3}}([{group}]\d{{3}})+|\d*)([{point}]\d*)?", digits):
        return None
    value = float(digits.replace(group, "").replace(point, ".") + (found["exponent"] or ""))
    return -value if found["open"] or "-" in found["sign"] else value
