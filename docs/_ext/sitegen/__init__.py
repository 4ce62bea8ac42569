"""A small extension of Sphinx: pages from the code and its docstrings, formulas as MathML, the check of every link."""

from __future__ import annotations

from typing import Any

from sitegen import docstrings, links, mathml, pages


def setup(app: Any) -> dict[str, bool]:
    """Register them."""
    app.connect("builder-inited", pages.write)
    app.connect("autodoc-process-docstring", docstrings.process)
    app.connect("missing-reference", docstrings.resolve)
    app.add_html_math_renderer("mathml", (mathml.inline, None), (mathml.block, None))
    app.connect("build-finished", links.check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
