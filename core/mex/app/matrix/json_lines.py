"""Records as JSON lines, and a sentence about what is no record."""

from __future__ import annotations

import json
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NoReturn, cast, get_args

import attrs

import mex
from mex.app.matrix.record import FIELDS, KIND, RESULTS, Record, Status
from mex.errors import MexError, UsageError
from mex.hooks import KINDS
from mex.registry.spec import Spec

REQUIRED = {
    status: tuple(f.name for f in FIELDS.values() if f.null and status not in f.null.statuses)
    for status in get_args(Status)
}
"""The fields that may be null, but not in a cell of this status."""
NAMED = 3
"""How many of the lines that are no records are named."""


class NotARecord(MexError):
    """What is no record, with the field that is wrong."""


def unfinished(identity: Mapping[str, Any], status: Status, reason: str) -> Record:
    """The record of a cell that came to no result."""
    return cast("Record", {**identity, **dict.fromkeys(RESULTS), "status": status, "reason": reason})


def check(value: Any) -> Record:
    """``value`` itself, which is a record.

    Raises:
        NotARecord: if it is none, naming the field, what is expected and what is given.
    """
    if not KIND.accepts(value):
        raise NotARecord(
            KIND.complaint("", value) if isinstance(value, dict) else f"it must be an object, not {reprlib.repr(value)}"
        )
    record = cast("Record", value)
    for name in REQUIRED[record["status"]]:
        if value[name] is None:
            raise NotARecord(f"{name} must not be null where status is {record['status']}")
    for kind in KINDS:
        _check_component(value[kind], value[f"{kind}_params"])
    return record


def _check_component(name: str, params: dict[str, Any]) -> None:
    """Raise unless the component can be written as on the command line, as its label is."""
    if "nest" in params or any(isinstance(value, list | dict) for value in params.values()):
        try:
            str(Spec(name, params))
        except (UsageError, RecursionError) as error:
            raise NotARecord(f"no component has the parameters {reprlib.repr(params)}: {error}") from None


def parse(line: bytes) -> Record:
    """The record of a JSON line.

    Raises:
        NotARecord: if it is none; of what another version of mex wrote, the sentence says so.
    """
    try:
        value = _DECODER.decode(line.decode())
    except RecursionError:
        raise NotARecord("it nests too deep") from None
    except json.JSONDecodeError as error:
        raise NotARecord(f"it is not JSON from column {error.colno} on") from None
    except ValueError as error:
        raise NotARecord(f"it is not JSON: {error}") from None
    try:
        return check(value)
    except NotARecord as error:
        version = value.get("mex_version") if isinstance(value, dict) else None
        if isinstance(version, str) and version != mex.__version__:
            of = f"a record of mex {reprlib.repr(version)}, and this is {mex.__version__!r}"
            raise NotARecord(f"{error}; {of}") from None
        raise


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_json)
_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


def dump(record: Mapping[str, Any]) -> str:
    """A record as its JSON line.

    Raises:
        ValueError: for a number that is infinite or none.
        TypeError: for what JSON cannot write.
    """
    line = _ENCODER.encode(record)
    try:
        line.encode()
    except UnicodeEncodeError:  # the name of a file in a reason may be no text
        return json.dumps(record, allow_nan=False)
    return line


@attrs.define
class Flaws:
    """What is wrong with a results file.

    Attributes:
        lines: why a line is no record, by its number; no record of it is used.
        versions: how many records each other version of mex wrote.
    """

    lines: dict[int, str] = attrs.field(factory=dict)
    versions: Counter[str] = attrs.field(factory=Counter)

    def sentences(self, path: Path, lines_then: str, versions_then: str) -> list[str]:
        """A sentence about the lines that are no records and one about versions, with what follows from either.

        >>> Flaws({3: "it is cut short"}).sentences(Path("r.jsonl"), "its cell runs again", "")
        ['r.jsonl: 1 line is no record: line 3 (it is cut short); its cell runs again']
        """
        said = []
        if self.lines:
            named = [f"line {number} ({why})" for number, why in list(self.lines.items())[:NAMED]]
            more = f" and {len(self.lines) - NAMED} more" if len(self.lines) > NAMED else ""
            count = "1 line is no record" if len(self.lines) == 1 else f"{len(self.lines)} lines are no records"
            said.append(f"{path}: {count}: {', '.join(named)}{more}; {lines_then}")
        if self.versions:
            of = ", ".join(f"{count} of mex {reprlib.repr(v)}" for v, count in sorted(self.versions.items()))
            of = f"records of another version, {of}, and this is {mex.__version__!r}"
            said.append(f"{path}: there are {of}; {versions_then}")
        return said


def scan(file: IO[bytes], flaws: Flaws) -> Iterator[tuple[int, Record]]:
    """The records of an open file and the places where their lines begin; what is wrong is added to ``flaws``."""
    begins = 0
    for number, line in enumerate(file, start=1):
        try:
            record = parse(line)
        except NotARecord as error:
            if line.strip():
                flaws.lines[number] = str(error) if line.endswith(b"\n") else "it is cut short"
        else:
            if record["mex_version"] != mex.__version__:
                flaws.versions[record["mex_version"]] += 1
            yield begins, record
        begins += len(line)
