"""The engine of the matrix: what it costs, and what survives when its processes are killed.

python benchmarks/matrix.py                  every part
python benchmarks/matrix.py kills --times 50
python benchmarks/matrix.py scale start share --beside OTHER/bin/python   another build in the same run
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from parts import Part, run

import mex
from mex.app.matrix.record import TIMINGS

REGISTRY = mex.load_registry()
OTHER = argparse.ArgumentParser(add_help=False)
OTHER.add_argument("--beside", metavar="PYTHON", help="the python of another build, measured in the same run")
BUILDS = {"this": sys.executable}
MEX = [sys.executable, "-m", "mex"]
SMALL = ["-a", "passive", "-a", "margin", "-d", "none", "-d", "bounded-noise:rho=0.1", "-m", "logistic"]
SMALL += ["--data", "haberman", "--data", "heart", "--budget", "200"]


@functools.cache
def small(python: str) -> list[str]:
    """The flags of a small matrix, without the attackers that some builds add by themselves."""
    told = subprocess.run([python, "-m", "mex", "matrix", "--help"], capture_output=True, text=True, check=True).stdout
    return [*SMALL, "--no-counters"] if "--no-counters" in told else SMALL


def untimed(record: dict[str, Any]) -> str:
    """A record without what differs from run to run."""
    return json.dumps({k: v for k, v in record.items() if k not in TIMINGS}, sort_keys=True)


def lines(directory: Path) -> list[dict[str, Any]]:
    """The whole lines of a results file."""
    path = directory / "results.jsonl"
    found = []
    for line in path.read_bytes().splitlines() if path.exists() else []:
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def children(parent: int) -> list[int]:
    """The processes below ``parent``, from the system's own list."""
    try:
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    except OSError:
        return []


def cpu(pid: int) -> float:
    """CPU seconds of a process and of all that run below it."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu, children(pid)))


def kills(times: int) -> None:
    """SIGKILL of a worker or of the parent at random moments, then the same command until it ends."""
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as base:
        command = [*MEX, "matrix", *small(sys.executable), "--seeds", "8", "--jobs", "2", "--json"]
        reference = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        expected = {json.loads(line)["cell"]: untimed(json.loads(line)) for line in reference}
        tally: Counter[str] = Counter()
        pids: set[int] = set()
        matrices = 0
        while tally["kills of a worker"] + tally["kills of the parent"] < times:
            matrices += 1
            out = Path(base) / str(matrices)
            while True:
                process = subprocess.Popen(
                    [*command, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
                )
                left = times - tally["kills of a worker"] - tally["kills of the parent"]
                if left > 0:
                    time.sleep(dice.uniform(1.0, 6.0))
                    workers = children(process.pid)
                    pids.update(workers)
                    whom = dice.choice(["worker", "parent"])
                    if process.poll() is None and (whom == "parent" or workers):
                        os.kill(process.pid if whom == "parent" else dice.choice(workers), signal.SIGKILL)
                        tally[f"kills of {'the' if whom == 'parent' else 'a'} {whom}"] += 1
                process.communicate()
                if process.returncode in (0, 1):
                    break
            found = lines(out)
            count = Counter(record["cell"] for record in found)
            tally["cells expected"] += len(expected)
            tally["cells lost"] += len(expected.keys() - count.keys())
            tally["cells done twice"] += sum(n - 1 for n in count.values())
            tally["cells failed"] += sum(record["status"] == "failed" for record in found)
            tally["records that differ"] += sum(
                untimed(record) != expected[record["cell"]] for record in found if record["status"] == "ok"
            )
        time.sleep(2)
        tally["orphans"] = sum(Path(f"/proc/{pid}").exists() for pid in pids)
    print(f"{matrices} matrices of {len(expected)} cells")
    for what, n in tally.items():
        print(f"{what:24s}{n:6d}")


def scale(times: int) -> None:
    """Start-up to the first result and cells per second with 1 and 2 workers, on 400 cells.

    The limit is what two matrices of 200 cells with a worker each reach side by side: they share the cores alone.
    """
    print(f"{'build':>7s} {'jobs':>5s} {'cells':>6s} {'first after':>12s} {'cells/s':>8s} {'of 2 x 1':>9s} {'CPU':>8s}")
    for build, python in BUILDS.items():
        alone = 0.0
        for label, jobs, seeds in (("1", 1, [50]), ("2", 2, [50]), ("limit", 1, [25, 25])):
            used = _seconds_of_children()
            with ThreadPoolExecutor() as pool:
                found = list(pool.map(_rate, [python] * len(seeds), [jobs] * len(seeds), seeds))
            rate = sum(each[2] for each in found)
            alone = alone or rate
            share = 100 * rate / alone / max(jobs, len(seeds))
            cells, first, used = (
                sum(each[0] for each in found),
                max(each[1] for each in found),
                _seconds_of_children() - used,
            )
            print(f"{build:>7s} {label:>5s} {cells:6d} {first:10.2f} s {rate:8.1f} {share:7.0f} % {used:6.1f} s")


def _rate(python: str, jobs: int, seeds: int) -> tuple[int, float, float]:
    """Cells, seconds to the first, and cells per second from then on."""
    command = [python, "-m", "mex", "matrix", *small(python), "--seeds", str(seeds), "--jobs", str(jobs), "--json"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    first = time.perf_counter() - started
    n = 1 + sum(1 for _ in process.stdout)
    process.wait()
    return n, first, (n - 1) / (time.perf_counter() - started - first)


def _seconds_of_children() -> float:
    """CPU seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def start(times: int) -> None:
    """From the command to the first of 10 and of 100,000 results: wall time, CPU of all processes, memory of one."""
    print(f"{'build':>7s} {'cells':>7s} {'jobs':>5s} {'wall':>8s} {'CPU':>8s} {'memory':>9s}")
    for cells, jobs in itertools.product((10, 100_000), (1, 2)):
        for build, python in BUILDS.items():
            found = [_first(python, cells, jobs) for _ in range(max(3, times // 10))]
            wall, seconds, mebibytes = map(min, zip(*found, strict=True))
            print(f"{build:>7s} {cells:7d} {jobs:5d} {wall:6.2f} s {seconds:6.2f} s {mebibytes:5.0f} MiB")
    for build, python in BUILDS.items():
        listing = [python, "-m", "mex", "list-plugins"]
        used = [_seconds(listing) for _ in range(times)]
        print(f"{build:>7s} list-plugins: {min(used):.3f} s of CPU")


def _first(python: str, cells: int, jobs: int) -> tuple[float, float, float]:
    command = [python, "-m", "mex", "matrix", "-a", "passive", "-d", "none", "-m", "logistic", "--data", "haberman"]
    command += ["--budget", "20", "--seeds", str(cells), "--jobs", str(jobs), "--json"]
    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        wall = time.perf_counter() - started
        seconds = cpu(process.pid)
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        process.kill()
    return wall, seconds, peak


def _seconds(command: list[str]) -> float:
    before = _seconds_of_children()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return _seconds_of_children() - before


def share(times: int) -> None:
    """The framework's share of a cell: all but the learner, the target and its hypotheses' predictions."""
    print(f"{'build':>7s} {'cell':42s} {'ms':>8s} {'bare ms':>8s} {'share':>7s}")
    script = str(Path(__file__).parent / "matrix_parts" / "share.py")
    for build, python in BUILDS.items():
        done = subprocess.run([python, script, str(times)], capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            found = json.loads(line)
            whole, bare = 1e3 * found["whole"], 1e3 * found["bare"]
            print(f"{build:>7s} {found['cell']:42s} {whole:8.1f} {bare:8.1f} {100 * (whole - bare) / whole:6.1f} %")


def memory(times: int) -> None:
    """Memory of the parent after 100 and after 100,000 cells, whose records are written and not kept."""
    script = """
import resource, sys, tempfile
from pathlib import Path
import mex
from mex.app.matrix import engine
from mex.app.matrix.experiment import failed
from mex.app.matrix.run import Run
plan = {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"], "budget": 1,
        "seeds": int(sys.argv[1])}
engine.run_cell = lambda registry, cell: failed(cell, "not run: this measures the engine")
with tempfile.TemporaryDirectory() as directory:
    for record in Run(plan, mex.load_registry(), out=Path(directory)):
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    for n in (100, 100_000):
        done = subprocess.run([sys.executable, "-c", script, str(n)], capture_output=True, text=True, check=True)
        print(f"{n:7d} cells: {done.stdout.strip()} MiB at most")


def pairs(times: int) -> None:
    """Every attack against every defense on four models of breast-cancer: how many cells ran, and which failed."""
    names = {kind: [p.component.name for p in REGISTRY.provided(kind)] for kind in ("attack", "defense")}
    plan = {
        "attacks": names["attack"],
        "defenses": names["defense"],
        "models": ["logistic", "kernel-svm", "decision-tree", "random-forest"],
        "datasets": ["breast-cancer"],
        "budget": 60,
        "seeds": 1,
    }
    for answers in ("label", "proba"):
        records = mex.matrix({**plan, "answers": answers}, registry=REGISTRY, jobs=2)
        tally = Counter(record["status"] for record in records)
        print(f"{answers}: {len(names['attack'])} attacks x {len(names['defense'])} defenses: {dict(tally)}")
        for record in records:
            if record["status"] == "failed":
                print(f"  {record['attack']} x {record['defense']} x {record['model']}: {record['reason']}")


PARTS: dict[str, Part] = {part.__name__: part for part in (kills, scale, start, share, memory, pairs)}

if __name__ == "__main__":
    other = OTHER.parse_known_args()[0].beside
    BUILDS |= {"beside": other} if other else {}
    run(__doc__, PARTS, "times", 50, [OTHER])
