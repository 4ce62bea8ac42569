"""Every registered dataset keeps the promises of a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

import mex
from mex.testing import check_dataset, checks

FILES = ["csv", "recorded"]
ALL = [p.component.name for p in mex.load_registry().provided("dataset")]
DATASETS = [name for name in ALL if name not in (*FILES, "parquet")]  # which has a test of its own


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_registered_dataset_conforms(dataset: str) -> None:
    for check in checks("dataset", dataset):
        check()


@pytest.mark.parametrize("name", FILES)
def test_a_table_in_a_file_conforms(registry: mex.Registry, tmp_path: Path, name: str) -> None:
    table = tmp_path / "table.csv"
    table.write_text("age,smoker,label\n41,no,low\n29,yes,high\n35,no,high\n", encoding="utf-8")
    check_dataset(registry.build("dataset", {"use": name, "path": str(table)}))
