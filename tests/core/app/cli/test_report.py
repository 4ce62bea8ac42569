"""``mex report``: a page from whatever results there are, looked at in a real browser."""

from __future__ import annotations

import html
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mex
from mex.app.matrix.provenance import FILE as RECIPE
from mex.app.matrix.record import DERIVED, FIELDS, MEASURED
from mex.app.matrix.results import FILE

Run = Callable[..., subprocess.CompletedProcess[str]]
REQUIRED = "MEX_REQUIRE_BROWSER"
"""Set in CI: a browser that is missing is then a failure, and no reason to skip."""


@pytest.fixture(scope="module")
def results(registry: mex.Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a matrix with all there can be: two models, a plane, a pair that is skipped, one that failed."""
    directory = tmp_path_factory.mktemp("results")
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (200, 2)).round(4)
    rows = [f"{a},{b},{'in' if a + b > 0.1 else 'out'}" for a, b in X]
    (directory / "plane.csv").write_text("a,b,y\n" + "\n".join(rows), encoding="utf-8")
    plan = {
        "attacks": ["passive", "margin", "version-space"],
        "defenses": ["none", "bounded-noise:rho=0.1"],
        "models": ["logistic", "decision-tree"],
        "datasets": [f"csv:path='{directory / 'plane.csv'}',target='y'"],
        "budget": 60,
        "seeds": 2,
        "counters": False,
    }
    records = mex.matrix(plan, registry=mex.load_registry(), out=directory)
    failed = {**records[0], "cell": "0", "seed": 9, "status": "failed", "reason": "<script>alert(1)</script> & co"}
    with (directory / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(failed) + "\n")
    return directory


@pytest.fixture(scope="module")
def page(results: Path) -> Path:
    from mex.app.cli import main

    path = results / "report.html"
    assert main(["report", str(results), "-o", str(path)]) == 0
    return path


def test_the_page_says_who_wins_what_is_missing_and_how_to_repeat(page: Path, results: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "logistic on csv" in text
    assert "Without a defense" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co" in text
    assert text.count("<script") == 1, "that of the page"
    assert "ellipsoid in the version space" in text, "what the attack is"
    assert "version-space learns" in text or "version-space works on" in text, "the reason of the pair that was skipped"
    assert '[attacks."passive"]' in html.unescape(text)
    assert "http://" not in text
    assert "https://" not in text


def test_the_same_results_make_the_same_page(page: Path, results: Path, run: Run) -> None:
    again = results / "again.html"
    done = run("report", results, "-o", again)
    assert (done.returncode, done.stdout) == (0, f"{again}\n")
    assert again.read_bytes() == page.read_bytes()


@pytest.mark.parametrize("content", ["", "not json\n", '{"cell": "a"}\n'])
def test_results_without_a_whole_cell_are_one_sentence(run: Run, tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    done = run("report", tmp_path, "-o", tmp_path / "r.html")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"mex: {tmp_path} holds no finished cell; mex matrix --out {tmp_path} makes some"
    )
    assert not (tmp_path / "r.html").exists()


def test_no_results_or_nowhere_to_write_is_one_sentence(run: Run, results: Path, tmp_path: Path) -> None:
    done = run("report", tmp_path / "nothing")
    assert (done.returncode, done.stderr) == (
        2,
        f"mex: cannot read {tmp_path / 'nothing' / FILE}: No such file or directory\n",
    )
    done = run("report", results, "-o", tmp_path / "no" / "such.html")
    assert done.returncode == 2
    assert done.stderr.startswith(f"mex: cannot write {tmp_path / 'no' / 'such.html'}")


def test_half_written_and_corrupt_results_are_reported_as_far_as_they_are_whole(
    run: Run, results: Path, tmp_path: Path
) -> None:
    lines = (results / FILE).read_bytes().splitlines(keepends=True)
    torn = json.loads(lines[3])
    del torn["curve"]
    damaged = [b"\x00 garbage\n", json.dumps(torn).encode() + b"\n", lines[2][:100]]
    (tmp_path / FILE).write_bytes(lines[0] + damaged[0] + lines[1] + damaged[1] + damaged[2])
    (tmp_path / RECIPE).write_bytes(b"\xff not text")
    done = run("report", tmp_path, "-o", tmp_path / "r.html")
    named = [
        "line 2 (it is not JSON from column 1 on)",
        "line 4 (there is no field 'curve')",
        "line 5 (it is cut short)",
    ]
    sentence = f"{tmp_path / FILE}: 3 lines are no records: {', '.join(named)}; the report leaves them out"
    assert (done.returncode, done.stderr) == (0, f"mex: {sentence}\n")
    assert "2 of 2 cells" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_records_of_another_version_are_reported_and_told(run: Run, results: Path, tmp_path: Path) -> None:
    first, second, *_ = (results / FILE).read_text(encoding="utf-8").splitlines()
    version = f'"mex_version": "{mex.__version__}"'
    (tmp_path / FILE).write_text(f"{first}\n{second.replace(version, version.replace('0.', '7.'))}\n", encoding="utf-8")
    done = run("report", tmp_path, "-o", tmp_path / "r.html")
    assert done.returncode == 0
    assert done.stderr.endswith(f", and this is '{mex.__version__}'; numbers may differ\n")
    assert "2 of 2 cells" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_the_page_says_what_each_number_means(page: Path) -> None:
    text = html.unescape(page.read_text(encoding="utf-8"))
    for name in MEASURED:
        assert f"{name}</th>" in text
        assert FIELDS[name].meaning in text
    assert all(meaning in text for _, meaning in DERIVED.values())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        if os.environ.get(REQUIRED):
            pytest.fail("there is no browser, and CI needs one")
        pytest.skip("needs Chromium and its driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-background-networking",
        "disable-component-update",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
        yield chrome


def look(browser: Any, page: Path, width: int, scheme: str = "light") -> None:
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    browser.get(page.as_uri())


@pytest.mark.parametrize("width", [390, 1280])
def test_every_plot_is_there_and_the_page_fits_its_window(browser: Any, page: Path, width: int) -> None:
    look(browser, page, width)
    ask = browser.execute_script
    figures = "[...document.querySelectorAll('figure svg')].filter(s => s.checkVisibility())"
    boxes = ask(f"return {figures}.map(s => s.getBoundingClientRect()).map(b => [b.width, b.height])")
    # The tree: curves against two defenses, and where two attacks asked against each. The halfspace: an attack more,
    # its geometric error, and the trade-off.
    assert len(boxes) == (2 + 4) + (2 + 6 + 2 + 1)
    assert all(w > 150 and h > 130 for w, h in boxes)
    assert ask("return document.documentElement.scrollWidth <= window.innerWidth")
    assert ask(f"return {figures}.every(s => s.querySelectorAll('path, circle').length > 5)")


def test_no_text_of_a_chart_is_over_another(browser: Any, page: Path) -> None:
    look(browser, page, 1280)
    over = browser.execute_script("""
        const over = [];
        for (const svg of document.querySelectorAll('figure svg')) {
          if (!svg.checkVisibility()) continue;
          const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
          for (const [i, [a, r]] of boxes.entries())
            for (const [b, q] of boxes.slice(i + 1))
              if (r.left < q.right - 1 && q.left < r.right - 1 && r.top < q.bottom - 3 && q.top < r.bottom - 3)
                over.push(`${a} | ${b}`);
        }
        return over""")
    assert over == []


def test_a_wide_table_says_that_it_scrolls_and_keeps_its_caption_in_sight(browser: Any, page: Path) -> None:
    look(browser, page, 390)
    ask = browser.execute_script
    table = "document.querySelector('.heat').closest('.scroll')"
    assert ask(f"return {table}.scrollWidth > {table}.clientWidth")
    assert ask(f"return {table}.parentElement.querySelector('.cue').checkVisibility()")
    ask(f"{table}.scrollLeft = 1e6")
    caption = ask(
        f"const r = {table}.querySelector('caption > span').getBoundingClientRect(); return [r.left, r.right]"
    )
    assert caption[0] >= 0
    assert caption[1] <= 390
    first = f"return {table}.querySelector('tbody th').getBoundingClientRect().left >= 0"
    assert ask(first), "and so do the names of the attacks"
    browser.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
    assert not ask(f"return {table}.parentElement.querySelector('.cue').checkVisibility()")


def test_the_reader_chooses_the_level(browser: Any, page: Path) -> None:
    look(browser, page, 1280)
    ask = browser.execute_script
    shown = "return [...document.querySelectorAll('.summary')].filter(s => s.checkVisibility()).map(s => s.innerText)"
    before = ask(shown)
    ask("document.querySelector('input[value=\"0.95\"]').click()")
    after = ask(shown)
    assert len(before) == len(after) == 2
    assert "0.99" in before[0]
    assert "0.95" in after[0]


def test_values_are_read_off_a_curve_by_pointer_and_by_keyboard(browser: Any, page: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    look(browser, page, 1280)
    figure = browser.find_element("css selector", "figure[data-values]")
    told = figure.find_element("css selector", "output")
    values = json.loads(figure.get_attribute("data-values"))
    assert not told.is_displayed()
    browser.execute_script("arguments[0].focus()", figure)
    ActionChains(browser).send_keys(Keys.END).perform()
    last = max(point[0] for line in values["lines"] for point in line[2])
    assert told.text.startswith(f"after {last} queries")
    name, _, points = values["lines"][0]
    assert f"{name} {points[-1][2]:.{values['digits']}f}" in told.text
    ActionChains(browser).send_keys(Keys.LEFT).perform()
    assert not told.text.startswith(f"after {last} queries")
    ActionChains(browser).send_keys(Keys.ESCAPE).perform()
    assert not told.is_displayed()
    ActionChains(browser).move_to_element(figure.find_element("css selector", "svg")).perform()
    assert told.is_displayed()


def test_nothing_is_asked_of_a_network_and_nothing_goes_wrong(browser: Any, page: Path) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    look(browser, page, 1280)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [page.as_uri()]


def test_a_screen_reader_and_a_keyboard_find_their_way(browser: Any, page: Path) -> None:
    look(browser, page, 1280)
    ask = browser.execute_script
    assert ask("return document.documentElement.lang") == "en"
    assert ask("return document.title")
    assert ask(
        "return [...document.querySelectorAll('table')].every(t => t.caption && t.caption.innerText.length > 10)"
    )
    assert ask(
        "return [...document.querySelectorAll('figure svg')]"
        ".every(s => s.getAttribute('aria-label') && s.getAttribute('role') == 'img')"
    )
    assert ask("return [...document.querySelectorAll('th')].every(t => t.scope)")
    assert ask(
        "const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length == new Set(ids).size"
    )
    levels = ask("return [...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    # The first stop of the Tab key leads to the results, and what scrolls can be reached by it.
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert ask("return document.activeElement.getAttribute('href')") == "#main"
    assert ask("return [...document.querySelectorAll('.scroll, pre')].every(e => e.tabIndex == 0)")


def luminance(colour: str) -> float:
    channels = [int(c) / 255 for c in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_the_light_and_in_the_dark(browser: Any, page: Path, scheme: str) -> None:
    look(browser, page, 1280, scheme)
    style = "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]"
    paper = luminance(browser.execute_script(style, "body", "backgroundColor"))
    assert (paper > 0.5) == (scheme == "light")
    for where, what in (
        ("body", "color"),
        ("figure svg text", "fill"),
        (".overview a", "color"),
        ("caption", "color"),
        (".notes", "color"),
    ):
        ink = luminance(browser.execute_script(style, where, what))
        light, dark = max(ink, paper), min(ink, paper)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (where, what)
