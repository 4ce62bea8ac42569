"""A user's own table."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, TextIO

import attrs

from mex import Dataset, UsageError
from mex.errors import suggest
from mex.params import doc, one_of, optional, text
from mex.toolkit.tabular import Task, class_name, encode


@attrs.frozen(kw_only=True)
class Csv:
    """A CSV file: UTF-8, commas, a first line that names the columns; plain or gzip-compressed (``.gz``).

    Columns of numbers are features, all others are one-hot; rows with a missing value are left out
    (:func:`mex.toolkit.tabular.encode`). The dataset has the name of the file.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "clinic.csv"
    ...     _ = path.write_text("age,smoker,risk\\n41,no,low\\n29,yes,high\\n35,,high\\n", encoding="utf-8")
    ...     Csv(path=str(path), positive="high").load()
    Dataset(name='clinic', X=<2 x 3>, class_names=('low', 'high'))
    """

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the file"))
    target: str | None = attrs.field(
        default=None, validator=optional(text()), metadata=doc("the column to predict; none takes the last one")
    )
    positive: str | None = attrs.field(
        default=None,
        converter=class_name,
        validator=optional(text()),
        metadata=doc("the class to tell from all others; none leaves the classes as they are, sorted"),
    )
    task: Task = attrs.field(
        default="auto",
        validator=one_of("auto", "classification", "regression"),
        metadata=doc("auto takes a target of numbers with more than 20 distinct values for a regression"),
    )

    source: ClassVar[str] = "a file of yours"
    licence: ClassVar[str] = "yours"

    def load(self) -> Dataset:
        """Return the dataset.

        Raises:
            UsageError: if there is no path, no such file, or no dataset in it.
        """
        if self.path is None:
            raise UsageError("csv needs the path of a file: csv:path=FILE")
        path = Path(self.path).expanduser()
        header, *rows = _read(path)
        if not rows:
            raise UsageError(f"{path} has no rows below its header")
        target = header[-1] if self.target is None else self.target
        if target not in header:
            raise UsageError(f"{path} has no column {target!r}{suggest(target, header)}")
        name = Path(path.name.removesuffix(".gz")).stem
        dataset = encode(name, header, rows, target=target, task=self.task)
        return dataset if self.positive is None else dataset.one_versus_rest(self.positive)


def _open(path: Path) -> TextIO:
    # Excel puts a byte order mark before the first name, which utf-8-sig takes away.
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read(path: Path) -> list[list[str]]:
    """The header and the rows; every way to fail is one sentence."""
    try:
        with _open(path) as file:
            return list(_records(path, file))
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8") from None
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read: {reason[0].lower()}{reason[1:]}") from None


def _records(path: Path, file: TextIO) -> Iterator[list[str]]:
    reader = csv.reader(file)
    header: list[str] | None = None
    for fields in reader:
        record = [field.strip() for field in fields]
        if not record:  # a blank line
            continue
        if header is None:
            header = record
            _check_header(path, header)
        elif len(record) != len(header):
            line = f"line {reader.line_num} of {path}"
            raise UsageError(f"{line} has {len(record)} fields, and the header names {len(header)} columns")
        yield record
    if header is None:
        raise UsageError(f"{path} is empty")


def _check_header(path: Path, header: list[str]) -> None:
    first = f"the first line of {path}"
    if len(header) < 2:
        raise UsageError(f"{first} must name two or more columns, with commas between them, and names {len(header)}")
    for i, name in enumerate(header):
        if not name:
            raise UsageError(f"{first} gives column {i + 1} no name")
        if name in header[:i]:
            raise UsageError(f"{first} names two columns {name!r}")
        if _is_number(name):
            raise UsageError(f"{first} must name the columns, and {name!r} is a number, not a name")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
