"""Which component reads a file, by its name."""

from __future__ import annotations

import re

FILES = {
    "dataset": {
        "csv": "csv tsv txt csv.gz csv.bz2 csv.xz tsv.gz tsv.bz2 tsv.xz txt.gz txt.bz2 txt.xz",
        "parquet": "parquet pq feather arrow",
    },
    "model": {"file": "skops joblib pickle pkl onnx json ubj xgb txt lgb cbm cb pmml tl"},
}
"""The components that read files, by their kind, and how the names of these files end."""


def reader_of(kind: str, path: str) -> str:
    """The component of ``kind`` that reads a file of this name; "" if none does.

    >>> reader_of("dataset", "rows.CSV.gz"), reader_of("model", "rows.csv")
    ('csv', '')
    """
    readers = FILES.get(kind, {}).items()
    return next((r for r, ends in readers if re.fullmatch(rf"(?i).+\.({ends.replace(' ', '|')})", path)), "")


def no_file(kind: str, name: str) -> str:
    """The end of a sentence about a name that looks like a file's where none of ``kind`` is; "" of any other.

    >>> no_file("dataset", "model.skops")
    ', and a file of a model is none: files of a dataset end in .csv, .tsv, .txt, .parquet, .pq, .feather, .arrow'
    """
    if kind not in FILES or not re.fullmatch(r".+\.\w+", name):
        return ""
    other = next((f", and a file of a {o} is none" for o in FILES if o != kind and reader_of(o, name)), "")
    ends = [f".{end}" for ends in FILES[kind].values() for end in ends.split() if "." not in end]
    return f"{other}: files of a {kind} end in {', '.join(ends)}"
