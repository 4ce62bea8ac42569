"""CSV files as people have them, read as columns of texts."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, TypeAlias

from mex.errors import UsageError

Texts: TypeAlias = Any
"""A column of texts, a pyarrow array; where one is missing, null."""

SEPARATORS = ",;\t|"
SAMPLE = 1 << 16
"""How many bytes are looked at for the names of the columns and for what separates fields."""
LONGEST = 1 << 23
"""No row is longer, in bytes."""

MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""The byte order marks that tell an encoding."""
PACKED = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
STRANGERS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"PAR1": "a Parquet file: give it a name that ends so, or parquet:path=FILE",
    b"ARROW1": "a Feather or Arrow file: give it a name that ends so, or parquet:path=FILE",
}
"""What other files start with."""


def read_texts(
    path: Path, *, sep: str | None = None, encoding: str | None = None, missing: Collection[str] = ("",)
) -> dict[str, Texts]:
    """The columns of a file by their names, each value a text.

    Args:
        path: a file with a first line that names the columns, plain or packed with gzip, bzip2 or xz.
        sep: what separates fields; by default the one of comma, semicolon, tab and bar that does so evenly.
        encoding: by default what a byte order mark tells, or UTF-8.
        missing: texts that stand for no value.

    Raises:
        UsageError: if it cannot be read, in a sentence that says where and what to do.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data = _utf8(path, _unpacked(path), encoding)
    told = re.match(rb"sep=(.)\r?\n", data)  # what Excel takes as a hint
    if told:
        sep, data = sep or told[1].decode(), data[told.end() :]
    sample = _sample(data)
    sep = sep or _separator(path, sample)
    names = _names(path, sample, sep)
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=LONGEST),
            arrow_csv.ParseOptions(delimiter=sep, newlines_in_values=True),
            arrow_csv.ConvertOptions(
                column_types={f"f{i}": pa.string() for i in range(len(names))},
                null_values=list(missing),
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowException:
        raise UsageError(_fault(path, data, sep, len(names))) from None
    columns = dict(zip(names, table.slice(1).columns, strict=True))
    if table.num_rows < 2:
        raise UsageError(f"{path} has no rows below its header")
    if data.count(b'"') % 2 and any("\n" in (column[-1].as_py() or "") for column in columns.values()):
        raise UsageError(f"{path} has a quotation mark that nothing closes, in or above its last line")
    return columns


def _unpacked(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        for mark, kind in STRANGERS.items():
            if data.startswith(mark):
                raise UsageError(f"{path} is {kind}")
        return next((unpack(data) for mark, unpack in PACKED.items() if data.startswith(mark)), data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path} cannot be read: {reason[0].lower()}{reason[1:]}") from None


def _utf8(path: Path, data: bytes, encoding: str | None) -> bytes:
    """The bytes in UTF-8, without a byte order mark."""
    found = encoding or next((name for mark, name in MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(found)
    except LookupError:
        raise UsageError(f"encoding is the name of one, such as utf-8 or cp1252, not {encoding!r}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        cure = "give its encoding, perhaps encoding=cp1252" if encoding is None else "give another encoding"
        raise UsageError(f"{path} is not text in {found.upper()} (line {line}): {cure}") from None
    return data if found == "utf-8" else text.removeprefix("\ufeff").encode()


def _sample(data: bytes) -> str:
    """The first lines, whole ones."""
    part = data[:SAMPLE]
    if len(data) > SAMPLE:
        part = part[: max(part.rfind(b"\n"), part.rfind(b"\r")) + 1] or part
    return part.decode(errors="ignore")


def _records(text: str, sep: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, with the number of the line on which each ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=sep)
    return ((reader.line_num, record) for record in reader if record)


def _separator(path: Path, sample: str) -> str:
    widths = {sep: [len(record) for _, record in _records(sample, sep)] for sep in SEPARATORS}
    several = {sep: set(counts) for sep, counts in widths.items() if counts and counts[0] > 1}
    even = [sep for sep, counts in several.items() if len(counts) == 1] or list(several)
    if len(even) > 1:
        choices = " or ".join(f"sep={sep!r}" for sep in even)
        raise UsageError(f"{path} may be separated in several ways: give {choices}")
    return even[0] if even else ","


def _names(path: Path, sample: str, sep: str) -> list[str]:
    header = next((record for _, record in _records(sample, sep)), None)
    if header is None:
        raise UsageError(f"{path} is empty")
    first, names = f"the first line of {path}", [name.strip() for name in header]
    if len(names) < 2:
        raise UsageError(
            f"{first} must name the columns, and names one, {names[0]!r}: what stands above them must go; if they are "
            "several names, give sep=, what separates them"
        )
    numbered = [name for name in names if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", name, re.IGNORECASE)]
    if numbered and numbered != [str(i) for i in range(len(numbered))]:  # as pandas numbers them
        raise UsageError(f"{first} must name the columns, and {numbered[0]!r} is a number: write the names above it")
    for i, name in enumerate(names):
        if name and name in names[:i]:
            raise UsageError(f"{first} names two columns {name!r}")
        names[i] = name or f"{UNNAMED}{i}"
    return names


UNNAMED = "Unnamed: "
"""How pandas calls a column without a name, by its number."""


def _fault(path: Path, data: bytes, sep: str, width: int) -> str:
    """Why the table cannot be read: the first record of another width."""
    usual = csv.field_size_limit(LONGEST)
    last = 0
    try:
        for line, record in _records(data.decode(), sep):
            if len(record) != width:
                if any("\n" in field for field in record):
                    return f"line {last + 1} of {path} or one below opens a quotation mark that nothing closes"
                rows = "; if the first column holds the names of rows, name it too" if len(record) == width + 1 else ""
                return f"line {line} of {path} has {len(record)} fields, and the header names {width} columns{rows}"
            last = line
        return f"{path} cannot be read: line {last} is longer than {LONGEST} bytes"
    except csv.Error:
        return (
            f"line {last + 1} of {path} is longer than {LONGEST} bytes, or opens a quotation mark that nothing closes"
        )
    finally:
        csv.field_size_limit(usual)
