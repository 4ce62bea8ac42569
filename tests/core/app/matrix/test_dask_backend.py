"""The matrix on a dask cluster: the same records, and one sentence for what is wrong with the cluster."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

import mex
from mex.app.matrix.json_lines import dump
from mex.app.matrix.record import TIMINGS

PLAN: dict[str, Any] = {
    "attacks": ["passive", "margin"],
    "defenses": ["none", "bounded-noise:rho=0.1"],
    "models": ["logistic"],
    "datasets": ["haberman"],
    "budget": 20,
    "seeds": 2,
    "counters": False,
}
CLUSTER = textwrap.dedent("""
    from distributed import LocalCluster
    if __name__ == "__main__":
        quick = dict(processes=False, protocol="tcp://", dashboard_address=None)  # two workers beside each other
        with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", **quick) as cluster:
            print(cluster.scheduler_address, flush=True)
            input()
    """)


def untimed(records: list[dict[str, Any]]) -> list[str]:
    return [dump({k: v for k, v in record.items() if k not in TIMINGS}) for record in records]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    script = tmp_path_factory.mktemp("cluster") / "cluster.py"
    script.write_text(CLUSTER, encoding="utf-8")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, script], text=True, **pipes) as cluster:
        assert cluster.stdout is not None
        yield cluster.stdout.readline().strip()
        cluster.communicate("\n")


@pytest.mark.filterwarnings("ignore")  # of dask's own
def test_records_from_a_cluster_are_those_of_this_process(scheduler: str) -> None:
    registry = mex.load_registry()
    here = mex.matrix(PLAN, registry=registry)
    there = mex.matrix(PLAN, registry=registry, backend="dask", scheduler=scheduler)
    assert untimed(there) == untimed(here)


@pytest.mark.filterwarnings("ignore")
def test_where_no_scheduler_answers_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr("mex.app.matrix.dask_backend.PATIENCE", 0.5)
    with pytest.raises(mex.UsageError, match=f"no dask scheduler answers at {address}"):
        mex.matrix(PLAN, registry=mex.load_registry(), backend="dask", scheduler=address)


def test_a_cluster_needs_an_address_and_a_backend_a_name() -> None:
    with pytest.raises(mex.UsageError, match="needs the address of a scheduler"):
        mex.matrix(PLAN, registry=mex.load_registry(), backend="dask")
    with pytest.raises(mex.UsageError, match="no backend named 'dusk'; did you mean 'dask'"):
        mex.matrix(PLAN, backend="dusk")
