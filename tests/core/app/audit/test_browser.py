"""The page of an audit in a real browser: it fits, it is readable without a pointer, and it asks for nothing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mex.app.audit.document import document
from mex.app.audit.page import page
from mex.app.audit.running import Outcome

REQUIRED = "MEX_REQUIRE_BROWSER"
"""Set in CI: a browser that is missing is then a failure, and no reason to skip."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not (chromium and driver):
        if os.environ.get(REQUIRED):
            pytest.fail("there is no browser, and CI needs one")
        pytest.skip("needs Chromium and its driver")
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = chromium
    for flag in ("headless=new", "no-sandbox", "disable-gpu", "disable-background-networking"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as chrome:
        yield chrome


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")])
def test_the_page_fits_and_asks_for_nothing(
    browser: Any, outcome: Outcome, tmp_path: Path, width: int, scheme: str
) -> None:
    path = tmp_path / "audit.html"
    path.write_text(page(document(outcome)), encoding="utf-8")
    tell, ask = browser.execute_cdp_cmd, browser.execute_script
    tell("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    tell("Emulation.setDeviceMetricsOverride", metrics)
    browser.get_log("performance")
    browser.get(path.as_uri())
    assert ask("return document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert ask("return [...document.querySelectorAll('svg[role=img]')].every(s => s.ariaLabel.length > 20)")
    assert ask("return [...document.querySelectorAll('svg:not([role])')].every(s => s.ariaHidden === 'true')")
    assert ask(
        "return [...document.querySelectorAll('figure[data-values]')].every(f => f.tabIndex === 0 && f.ariaLabel)"
    )
    told = ask(
        "const f = document.querySelector('figure[data-values]'); f.focus();"
        " f.dispatchEvent(new KeyboardEvent('keydown', {key: 'End', bubbles: true}));"
        " return f.querySelector('output').textContent"
    )
    assert told.startswith("after 120 queries")
    scrolls = "[...document.querySelectorAll('.scroll')]"
    assert ask(f"return {scrolls}.every(s => s.tabIndex === 0 && s.getAttribute('aria-label'))")
    assert ask(
        "const c = getComputedStyle(document.body); return c.color !== c.backgroundColor && "
        f"(c.backgroundColor === 'rgb(255, 255, 255)') === {str(scheme == 'light').lower()}"
    )
    over = ask(
        "const found = []; for (const s of document.querySelectorAll('svg')) {"
        " const b = [...s.querySelectorAll('text')].map(t => t.getBoundingClientRect());"
        " for (let i = 0; i < b.length; i++) for (let j = i + 1; j < b.length; j++)"
        " if (b[i].left < b[j].right && b[j].left < b[i].right && b[i].top < b[j].bottom && b[j].top < b[i].bottom)"
        " found.push([i, j]); } return found"
    )
    assert over == []
