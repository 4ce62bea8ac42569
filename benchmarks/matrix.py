"""The engine of the matrix: what it costs, and what survives when its processes are killed.

python benchmarks/matrix.py                  every part
python benchmarks/matrix.py kills --times 50
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from parts import Part, run
from threadpoolctl import threadpool_limits

import mex
from mex.app.matrix.cells import Cell
from mex.app.matrix.experiment import run_cell
from mex.app.matrix.plan import Plan
from mex.app.matrix.record import TIMINGS
from mex.app.matrix.scenarios import deploy, set_scene
from mex.defense import twin
from mex.types import stream

REGISTRY = mex.load_registry()
MEX = [sys.executable, "-m", "mex"]
SMALL = ["-a", "passive", "-a", "margin", "-d", "none", "-d", "bounded-noise:rho=0.1", "-m", "logistic"]
SMALL += ["--data", "haberman", "--data", "heart", "--budget", "200"]


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
    """The processes below ``parent`` that are workers, from the system's own list."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                command = (entry / "cmdline").read_text(encoding="utf-8")
            except OSError:
                continue
            if int(stat[1]) == parent and "popen_loky_posix" in command:
                found.append(int(entry.name))
    return found


def kills(times: int) -> None:
    """SIGKILL of a worker or of the parent at random moments, then the same command until it ends."""
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as base:
        command = [*MEX, "matrix", *SMALL, "--seeds", "8", "--jobs", "2", "--json"]
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
    """Cells per second for 1 and 2 workers, start-up to the first result, memory with many cells."""
    print(f"{'jobs':>5s} {'cells':>6s} {'cells/s':>8s} {'first after':>12s} {'efficiency':>11s}")
    base = 0.0
    for jobs in (1, 2):
        command = [*MEX, "matrix", *SMALL, "--seeds", "50", "--jobs", str(jobs), "--json"]
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        first = time.perf_counter() - started
        n = 1 + sum(1 for _ in process.stdout)
        process.wait()
        rate = (n - 1) / (time.perf_counter() - started - first)
        base = base or rate
        print(f"{jobs:5d} {n:6d} {rate:8.1f} {first:10.2f} s {100 * rate / base / jobs:9.0f} %")


def share(times: int) -> None:
    """The framework's share of a cell: all but the learner, the target and the scoring of its hypotheses."""
    print(f"{'cell':42s} {'ms':>8s} {'bare ms':>8s} {'share':>7s}")
    for attack, model, data, budget in (
        ("passive", "logistic", "breast-cancer", 1000),
        ("margin", "logistic", "breast-cancer", 200),
        ("version-space", "logistic", "breast-cancer", 700),
        ("pivot", "logistic", "spambase", 1500),
        ("passive", "random-forest", "breast-cancer", 1000),
    ):
        plan = Plan.of(
            {"attacks": [attack], "defenses": ["none"], "models": [model], "datasets": [data], "budget": budget}
        )
        cell = plan.resolve(REGISTRY).cells()[0]
        run_cell(REGISTRY, cell)  # the scene is there from here on
        whole, bare = [], []
        for _ in range(max(3, times // 10)):
            started = time.process_time()
            run_cell(REGISTRY, cell)
            whole.append(time.process_time() - started)
            bare.append(_bare(cell))
        a, b = float(np.median(whole)), float(np.median(bare))
        print(f"{attack + ' ' + model + ' ' + data:42s} {1e3 * a:8.1f} {1e3 * b:8.1f} {100 * (a - b) / a:6.1f} %")


def _bare(cell: Cell) -> float:
    """CPU seconds of the same learner asking the same target in a plain loop, and of scoring the same hypotheses."""
    with threadpool_limits(1):
        scene = set_scene(REGISTRY, cell.model, cell.dataset, cell.seed)
        target = twin(deploy(REGISTRY, cell).target)
        known = mex.Oracle(target, budget=cell.budget).knowledge(pool=scene.pool.X)
        learner = REGISTRY.build("attack", cell.attack).learner(known, stream(cell.seed, "attack"))
        started = time.process_time()
        asked, level, kept = 0, 8.0, []
        while (X := learner.ask()) is not None and asked < cell.budget:
            X = X[: cell.budget - asked]
            learner.tell(X, target.answer(X, known.answers))
            asked += len(X)
            if asked >= level:
                kept.append(learner.hypothesis())
                while level <= asked:
                    level *= 2**0.5
        kept.append(learner.hypothesis())
        for hypothesis in kept:
            for X in scene.yardstick.points.values():
                hypothesis.predict(X)
        return time.process_time() - started


def memory(times: int) -> None:
    """Memory of the parent after 100 and after 10,000 cells."""
    script = """
import resource, sys
import mex
from mex.app.matrix import engine, experiment
from mex.app.matrix.plan import Plan
registry = mex.load_registry()
plan = {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"], "budget": 1,
        "seeds": int(sys.argv[1])}
engine.run_cell = lambda registry, cell, _: experiment.failed(cell, "not run: this measures the engine")
for record in engine.records(registry, Plan.of(plan).resolve(registry).cells()):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
    for n in (100, 10_000):
        done = subprocess.run([sys.executable, "-c", script, str(n)], capture_output=True, text=True, check=True)
        print(f"{n:6d} cells: {done.stdout.strip()} MiB at most")


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


PARTS: dict[str, Part] = {"kills": kills, "scale": scale, "share": share, "memory": memory, "pairs": pairs}

if __name__ == "__main__":
    run(__doc__, PARTS, "times", 50)
