"""The page of a matrix: what it takes to make and to open, and the first impression, ``mex matrix`` alone.

python benchmarks/report.py page --cells 1000
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from parts import Part, run

import mex
from mex.app.matrix.record import Record
from mex.app.report import write

ATTACKS, DEFENSES, SEEDS = 10, 5, 5


def records(cells: int) -> list[Record]:
    """Records of about so many cells: those of one measured cell, with curves drawn anew."""
    plan = {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"]}
    (first,) = mex.matrix({**plan, "budget": 60, "seeds": 1})
    rng = np.random.default_rng(0)
    made: list[Record] = []
    for i in range(cells):
        seed, attack, defense = i % SEEDS, i // SEEDS % ATTACKS, i // (SEEDS * ATTACKS) % DEFENSES
        model = i // (SEEDS * ATTACKS * DEFENSES)
        agreement = np.minimum(1, np.sort(rng.uniform(0.6, 1.02, 14)))
        assert first["curve"]
        point = first["curve"][0]
        curve = [{**point, "queries": int(8 * 2 ** (k / 2)), "agreement": float(a)} for k, a in enumerate(agreement)]
        names = {"attack": f"attack {attack}", "defense": f"defense {defense}" if defense else "none"}
        made.append({**first, **names, "model": f"model {model}", "seed": seed, "budget": 1000, "curve": curve})  # type: ignore[typeddict-item,typeddict-unknown-key]
    return made


def page(cells: int) -> None:
    """Seconds to make the page of so many cells and to open it in Chromium, and its size."""
    found = records(cells)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "report.html"
        started, used = time.perf_counter(), time.process_time()
        write(path, found)
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        print(f"{len(found)} cells: made in {wall:.2f} s ({cpu:.2f} s of CPU), {path.stat().st_size / 1e6:.2f} MB")
        times = opened(path)
        if times:
            print(f"opened in {min(times):.2f} s at best of {len(times)}, {times[0]:.2f} s the first time")
        else:
            print("no Chromium with its driver here to open it")


def opened(path: Path) -> Sequence[float]:
    """Seconds from asking Chromium for the page until its script has run, five times."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        return []
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu"):
        options.add_argument(f"--{flag}")
    ask = "return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000"
    with webdriver.Chrome(options=options, service=Service(driver)) as browser:
        times = []
        for _ in range(5):
            browser.get(path.as_uri())
            times.append(float(browser.execute_script(ask)))
    return times


def alone(cells: int) -> None:
    """Seconds of ``mex matrix`` alone, wall and CPU of all its processes."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "mex", "matrix"], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"mex matrix: {time.perf_counter() - started:.1f} s, {used:.1f} s of CPU")


PARTS: dict[str, Part] = {part.__name__: part for part in (page, alone)}

if __name__ == "__main__":
    run(__doc__, PARTS, "cells", 1000)
