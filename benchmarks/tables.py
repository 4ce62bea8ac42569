"""Tables: what it costs to read a CSV file, and to go between tables and rows.

python benchmarks/tables.py                  every part
python benchmarks/tables.py codes --times 5
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from parts import run
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mex

READERS = {
    "mex, the whole dataset": "from mex_csv.dataset import Csv\nfound = Csv(path=path).load()",
    "pyarrow, texts": (
        "from pyarrow import csv, string\nnames = open(path).readline().split(',')\n"
        "found = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types={n: string() for n in names}))"
    ),
    "pandas, types": "import pandas\nfound = pandas.read_csv(path)",
    "polars, texts": "import polars\nfound = polars.read_csv(path, infer_schema=False)",
    "csv of Python, nothing kept": "import csv\nfor record in csv.reader(open(path)): pass",
}
"""Ways to read a file, each run in a process of its own."""
TIMED = """
import sys, time
path = sys.argv[1]
started, cpu = time.perf_counter(), time.process_time()
{}
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
print(f"{{time.perf_counter() - started:.2f}} s, {{time.process_time() - cpu:.2f}} s of CPU, peak {{peak:.0f}} MB")
"""


def mixed(n: int, numbers: int, integers: int, truths: int, categories: int) -> pd.DataFrame:
    """A table of random columns of each kind; the categories have 2 to 10 levels."""
    rng = np.random.default_rng(0)
    levels = [np.array([f"level {k}" for k in range(2 + i % 9)], dtype=object) for i in range(categories)]
    return pd.DataFrame(
        {f"number {i}": rng.normal(size=n).round(4) for i in range(numbers)}
        | {f"integer {i}": rng.integers(0, 1000, n) for i in range(integers)}
        | {f"truth {i}": rng.random(n) < 0.5 for i in range(truths)}
        | {f"category {i}": known[rng.integers(0, len(known), n)] for i, known in enumerate(levels)}
    )


def best(times: int, call: Callable[[Any], Any], argument: Any) -> str:
    """The shortest wall and CPU time of several."""
    wall, cpu = [], []
    for _ in range(times):
        started, worked = time.perf_counter(), time.process_time()
        call(argument)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - worked)
    return f"{min(wall):.3f} s ({min(cpu):.3f} s of CPU)"


def codes(times: int) -> None:
    """encode and decode 100,000 rows of 18 columns of numbers, 8 of integers, 4 of truth values, 20 of categories"""
    table = mixed(100_000, 18, 8, 4, 20)
    texts = [name for name in table if str(name).startswith("category")]
    for name, held in {
        "pandas, texts": table,
        "pandas, objects": table.astype(dict.fromkeys(texts, object)),
        "pandas, categories": table.astype(dict.fromkeys(texts, "category")),
        "polars": pl.from_pandas(table),
        "pyarrow": pl.from_pandas(table).to_arrow(),
    }.items():
        schema = mex.Schema.of(held)
        X = schema.encode(held)
        encode, decode = best(times, schema.encode, held), best(times, schema.decode, X)
        print(f"{name:20} {X.shape[1]} features; encode {encode}, decode {decode}")


def csv(times: int) -> None:
    """read 200,000 rows of 20 columns of numbers, 10 of integers, 9 of categories, and the target"""
    table = mixed(200_000, 20, 10, 0, 9).assign(y=np.random.default_rng(1).choice(["no", "yes"], 200_000))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.to_csv(path, index=False)
        print(f"the file has {path.stat().st_size / 1e6:.0f} MB")
        for name, code in READERS.items():
            command = [sys.executable, "-W", "ignore", "-c", TIMED.format(code), str(path)]
            done = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(times)]
            print(f"{name:28} {min(done).strip()}")


def oracle(times: int) -> None:
    """the oracle's time on a pipeline of adult, against calling the pipeline bare: rows one by one, and all at once"""
    table = pd.read_csv(Path(sys.modules["mex_uci"].__file__ or "").parent / "data" / "adult.csv.gz").dropna()
    y, table = table["income"], table.drop(columns="income")
    texts = list(table.select_dtypes(exclude="number"))
    numbers = [name for name in table if name not in texts]
    columns = ColumnTransformer([("texts", OneHotEncoder(), texts), ("numbers", StandardScaler(), numbers)])
    model = make_pipeline(columns, LogisticRegression(max_iter=200)).fit(table, y)
    schema = mex.Schema.of(model, like=table)
    target = mex.FittedTarget.wrap(model, schema=schema)
    for size, count in ((1, 200), (1000, 20)):
        frames = [table[i * size : (i + 1) * size] for i in range(count)]
        rows = [schema.encode(frame) for frame in frames]
        bare, whole = [], []
        for frame, X in list(zip(frames, rows, strict=True)) * times:  # in turns, so that both see the same machine
            started = time.process_time()
            model.predict(frame)
            between = time.process_time()
            target.answer(X, "label")
            bare.append(between - started)
            whole.append(time.process_time() - between)
        ratio = np.median(whole) / np.median(bare)
        print(f"{size} rows a query: bare {np.median(bare) * 1e3:.2f} ms, through the schema {ratio:.3f} of that")


if __name__ == "__main__":
    import mex_uci  # noqa: F401

    run(__doc__, {"codes": codes, "csv": csv, "oracle": oracle}, option="times", default=3)
