"""CSV files as tables of numbers, truth values and categories."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from mex.errors import UsageError, suggest
from mex.toolkit.tabular.doubts import Doubt
from mex.toolkit.tabular.parsing import MISSING, decimal_mark, parse
from mex.toolkit.tabular.textfile import UNNAMED, read_texts

SHOWN = 5
"""How many doubtful columns an error describes."""


@attrs.frozen(kw_only=True)
class Reading:
    """How a CSV file is to be read; what is not given is told from the file.

    Attributes:
        sep, encoding: as :func:`mex.toolkit.tabular.textfile.read_texts` takes them.
        decimal: the decimal mark.
        missing: the texts that stand for a missing value.
        drop, categorical, numeric: columns to leave out, to take for categories, for numbers.
        trusted: take every column for what it looks like; by default a doubtful one is an error.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    missing: Collection[str] = MISSING
    drop: Collection[str] = ()
    categorical: Collection[str] = ()
    numeric: Collection[str] = ()
    trusted: bool = False


@attrs.frozen(eq=False)
class Table:
    """A file that has been read.

    Attributes:
        columns: a pyarrow table of numbers, truth values and texts.
        target: the column to predict: the one asked for, or the last one.
        notes: what was done to it, to be told.
    """

    columns: Any
    target: str
    notes: tuple[str, ...]


@contextlib.contextmanager
def _giving_back() -> Iterator[None]:
    """Let pyarrow take its memory from the system, which gets it back; what it has of its own it would keep."""
    import pyarrow as pa

    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.system_memory_pool().release_unused()
        pa.set_memory_pool(usual)


@_giving_back()
def read_csv(path: Path, how: Reading, target: str | None = None) -> Table:
    """Read a file; whatever ``target`` holds is taken as it is.

    Raises:
        UsageError: if it cannot be read, or it is in doubt what columns are: one sentence that says what to do.
    """
    import pyarrow as pa

    # "-" is a value beside "+": who reads the column decides.
    texts = read_texts(path, sep=how.sep, encoding=how.encoding, missing=[m for m in how.missing if m != "-"])
    target = check_names(path, list(texts), how, target)
    decimal = how.decimal or decimal_mark(texts.values())
    notes = [f"the decimal mark is {decimal!r}"] if decimal != (how.decimal or ".") else []
    columns, doubts = dict[str, Any](), dict[str, Doubt]()
    for name in list(texts):
        column = texts.pop(name)  # what has been read takes no memory any more
        if name in how.drop:
            continue
        role = "categorical" if name in how.categorical else "numeric" if name in how.numeric else ""
        trusted = how.trusted or name == target
        parsed = parse(name, column, decimal=decimal, missing=how.missing, role=role or "trusted" * trusted)
        idle = parsed.doubt is not None and parsed.doubt.idle
        if name.startswith(UNNAMED) and not role:
            notes.append(_nameless(path, name, parsed.values))
        elif parsed.doubt and idle:
            notes.append(f"column {name!r} {parsed.doubt.what} and is left out")
        else:
            columns[name] = parsed.values
            doubts |= {name: parsed.doubt} if parsed.doubt else {}
            notes += [f"column {name!r} {parsed.remark}"] if parsed.remark else []
    if doubts:
        raise UsageError(f"{path}: {question(doubts)}")
    return Table(pa.table(columns), target, tuple(notes))


def check_names(path: Path, names: list[str], how: Reading, target: str | None) -> str:
    """The column to predict: ``target``, or the last one of those that are not dropped.

    Raises:
        UsageError: if there is no such column, or none of a name that ``how`` has.
    """
    asked = [*how.drop, *how.categorical, *how.numeric, *([] if target is None else [target])]
    for name in asked:
        if name not in names:
            raise UsageError(f"{path} has no column {name!r}{suggest(name, names)}")
    if target is not None:
        return target
    left = [name for name in names if name not in how.drop and not name.startswith(UNNAMED)]
    if not left:
        raise UsageError(f"{path} has no column left to predict")
    return left[-1]


def _nameless(path: Path, name: str, values: Any) -> str:
    """What is said of a column without a name that is left out: it is empty, or another in each row."""
    import pyarrow.compute as pc

    place = int(name.removeprefix(UNNAMED)) + 1
    if values.null_count == len(values):
        return f"column {place} has neither a name nor a value and is left out"
    if pc.count_distinct(values).as_py() < len(values):
        raise UsageError(f"the first line of {path} gives column {place} no name: write one, or give drop={name!r}")
    return f"column {place} has no name, is another in each row, as an index is, and is left out"


def question(doubts: Mapping[str, Doubt]) -> str:
    """What is in doubt, and how to say what it is."""
    whats = [f"column {name!r} {doubt.what}" for name, doubt in doubts.items()]
    more = [f"and {len(whats) - SHOWN} columns more"] if len(whats) > SHOWN else []
    cures = dict[str, list[str]]()
    for name, doubt in doubts.items():
        cures.setdefault(doubt.cures[0], []).append(name)
    example = ",".join(f"{parameter}={names}" for parameter, names in cures.items())
    return f"{'; '.join(whats[:SHOWN] + more)}: say what to do with drop=, numeric= or categorical=, such as {example}"
