"""The access log: a line of JSON for each request, with its rows and what was answered, which ``recorded:`` replays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mex.errors import UsageError
from mex.types import Answer, Array, FloatArray


class AccessLog:
    """Appends to a file that only its owner may read; several processes may append to one."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            UsageError: if it cannot be written.
        """
        try:
            self._file = os.open(path.expanduser(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UsageError(f"the log {path} cannot be written: {error.strerror}") from None

    def about(self, what: Mapping[str, Any]) -> None:
        """Write what is served: its columns and classes, which are needed to replay the lines that follow."""
        self._write({"time": round(time.time(), 6), "about": what})

    def request(
        self,
        client: str | None,
        protocol: str,
        status: int,
        seconds: float,
        X: Sequence[Any] | FloatArray,
        given: Mapping[Answer, Array],
        alarm: int | None,
    ) -> None:
        """Write a request down: its rows, as rows of the domain, and its answers if it was given any."""
        line: dict[str, Any] = {
            "time": round(time.time(), 6),
            "client": client,
            "protocol": protocol,
            "status": status,
            "seconds": round(seconds, 6),
            "rows": len(X),
        }
        if alarm is not None:
            line["alarm"] = alarm
        if len(X):
            line["X"] = _without_nan(np.asarray(X))
            line["answers"] = {kind: answers.tolist() for kind, answers in given.items()}
        self._write(line)

    def _write(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line, allow_nan=False).encode() + b"\n"
        if os.write(self._file, text) < len(text):  # at once and at the end, so that lines of others are not torn
            raise OSError("the access log takes no more: its disk is full")


def _without_nan(X: FloatArray) -> list[Any]:
    if not np.isnan(X).any():
        return list(X.tolist())
    return [[None if value != value else value for value in row] for row in X.tolist()]
