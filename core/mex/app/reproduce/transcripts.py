"""Numbers of the paper that are read off what an attack asked: its queries beside the boundary, and beside the data."""

from __future__ import annotations

import json
from collections import UserDict
from pathlib import Path
from typing import TypeAlias

import numpy as np
from scipy.stats import f as f_distribution

from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import measure
from mex.app.matrix.record import Record
from mex.app.matrix.scenarios import deploy, set_scene
from mex.errors import UsageError
from mex.registry import Registry
from mex.toolkit.metrics import unit_normal
from mex.types import FloatArray

NEAR = 0.35
"""Queries nearer to the boundary than this are in the near one of Figure 7's two bins, which are about 0 and 0.7."""
MOST = 20_000
"""The most queries that are looked at."""
FILE = "transcripts.jsonl"

Found: TypeAlias = dict[str, float | None]


class Numbers(UserDict[str, Found]):
    """The numbers of cells by their digests, kept in a file beside the results: a line for each.

    Args:
        directory: where; None keeps nothing.

    Raises:
        UsageError: if the file cannot be read or, when numbers are set, written.
    """

    def __init__(self, directory: Path | None) -> None:
        super().__init__()
        self._path = directory / FILE if directory else None
        if self._path is None or not self._path.exists():
            return
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise UsageError(f"cannot read {self._path}: {error}") from None
        for line in lines:
            try:
                found = json.loads(line)
                self.data[found.pop("cell")] = found
            except (ValueError, KeyError, AttributeError):  # cut short by a kill: its cell runs again
                continue

    def __setitem__(self, cell: str, found: Found) -> None:
        self.data[cell] = found
        if self._path is None:
            return
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("\n" + json.dumps({"cell": cell, **found}))  # a line that was cut short ends here
        except OSError as error:
            raise UsageError(f"cannot write {self._path}: {error.strerror or error}") from None


def with_transcript(registry: Registry, cell: Cell) -> tuple[Record, Found]:
    """Run a cell in this process; return its record, and the numbers that are read off its transcript.

    Raises:
        Incompatible, MexError: as :func:`mex.app.matrix.experiment.measure`.
    """
    record, extraction = measure(registry, cell)
    scene = set_scene(registry, cell.model, cell.dataset, cell.seed)
    asked = extraction.transcript.X[:MOST]
    found: Found = {"wrong_answers": None, "near_share": None}
    defended = deploy(registry, cell).target
    rho_at = getattr(defended, "rho_at", None)
    if rho_at is not None:
        found["wrong_answers"] = float(np.mean(rho_at(asked)))
    normal = unit_normal(scene.target.estimator, scene.target.domain)
    if normal is not None:
        distances = np.abs(asked @ normal[:-1] + normal[-1]) / np.linalg.norm(normal[:-1])
        found["near_share"] = float(np.mean(distances < NEAR))
    found["t_squared"], found["log10_p"] = hotelling(asked, scene.train.X)
    return record, {name: None if value is None or np.isnan(value) else value for name, value in found.items()}


def hotelling(queries: FloatArray, rows: FloatArray) -> tuple[float, float]:
    """Hotelling's two-sample T² of the means, with the pooled covariance, and the logarithm of its p to base 10.

    >>> rows = np.random.default_rng(0).standard_normal((400, 3))
    >>> t_squared, log10_p = hotelling(rows[:200], rows[200:])
    >>> log10_p > -2, hotelling(rows[:200] + 1, rows[200:])[1] < -20
    (True, True)
    """
    n, m = len(queries), len(rows)
    if n < 2 or m < 2:
        return float("nan"), float("nan")
    pooled = ((n - 1) * np.atleast_2d(np.cov(queries.T)) + (m - 1) * np.atleast_2d(np.cov(rows.T))) / (n + m - 2)
    gap = queries.mean(axis=0) - rows.mean(axis=0)
    rank = int(np.linalg.matrix_rank(pooled, hermitian=True))
    t_squared = float(n * m / (n + m) * gap @ np.linalg.pinv(pooled, hermitian=True) @ gap)
    rest = n + m - rank - 1
    log_p = f_distribution.logsf(t_squared * rest / (rank * (n + m - 2)), rank, rest) / np.log(10)
    return t_squared, max(float(log_p), -999.0)
