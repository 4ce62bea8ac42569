"""What makes the site: the check of links, docstrings as markup, and the pages from the code."""

from __future__ import annotations

from pathlib import Path

import pytest

import mex
from mex.app.matrix.record import DERIVED, FIELDS
from mex.hooks import KINDS
from sitegen import api, components, reference
from sitegen.docstrings import converted
from sitegen.links import faults

RIGHT = '<a href="there.html#part">x</a> <a href="#own" id="own">y</a> <a href="https://example.org/">z</a>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "there.html").write_text('<h2 id="part">Part</h2>', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RIGHT, []),
        ('<a href="gone.html">x</a>', ["page.html links to gone.html, which is not there"]),
        ('<a href="there.html#gone">x</a>', ["page.html links to there.html#gone, which has no such anchor"]),
        ('<a href="#gone">x</a>', ["page.html links to #gone, which has no such anchor"]),
        ('<img src="gone.png">', ["page.html links to gone.png, which is not there"]),
        (
            '<script src="https://example.org/x.js"></script>',
            ["page.html loads https://example.org/x.js from the network"],
        ),
        (
            '<link rel="stylesheet" href="//example.org/x.css">',
            ["page.html loads //example.org/x.css from the network"],
        ),
    ],
)
def test_a_link_that_leads_nowhere_and_what_comes_from_a_network_are_found(
    site: Path, text: str, said: list[str]
) -> None:
    (site / "page.html").write_text(text, encoding="utf-8")
    assert list(faults(site)) == said


def test_a_style_sheet_that_loads_a_font_from_a_network_is_found(site: Path) -> None:
    (site / "style.css").write_text("@font-face { src: url(https://example.org/x.woff2) }", encoding="utf-8")
    assert list(faults(site)) == ["style.css loads from the network: url(http…"]


def test_sections_of_a_docstring_are_lists_and_bars_are_no_markup() -> None:
    doc = ["The norm ||w||.", "", "Args:", "    rows, more: some", "        of them.", "", ">>> 1 | 2", "3"]
    assert converted(doc) == [
        *("The norm \\|\\|w\\|\\|.", ""),
        *(":Args:", "", "    ``rows, more``", "        some", "        of them.", ""),
        *(">>> 1 | 2", "3"),
    ]


def test_each_component_of_ours_has_a_page_with_its_parameters(registry: mex.Registry) -> None:
    made = dict(components.pages(registry))
    ours = [p.component for p in registry.provided() if p.provider == components.OURS and p.component.kind in KINDS]
    assert made.keys() >= {f"components/{c.kind}/{c.name}" for c in ours}
    page = made["components/attack/pivot"]
    assert "``eps``" in page
    assert "\\|\\|w_hat - w\\*\\|\\|" in page
    assert ":doc:`bounded-noise </generated/components/defense/bounded-noise>`" in page
    assert ":doc:`logistic </generated/components/model/logistic>`" in page


def test_the_pages_of_records_and_plans_tell_every_field_and_key(registry: mex.Registry) -> None:
    record, plan = reference.record(), reference.plan(registry)
    assert all(f"``{name}``" in record for name in [*FIELDS, *DERIVED])
    assert all(f"``{key}``" in plan for key in ("attacks", "budget", "seeds", "answers", "price_per_query", "gate"))


def test_each_file_of_the_contract_has_a_page() -> None:
    core = Path(mex.__file__).parent
    assert set(api.CONTRACT) == {path.stem for path in core.glob("*.py")} - {"__init__", "__main__"}


def test_every_command_has_a_section(registry: mex.Registry) -> None:
    page = reference.commands(registry)
    assert all(f"\nmex {name}\n" in page for name in ("attack", "audit", "matrix", "serve", "new-plugin", "completion"))
    assert "``--fail-if COND``" in page
