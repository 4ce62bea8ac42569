"""Sections of a report that plugins add.

``mex.Component("section", name, "package.module:function", heading)`` adds one, below ours. ``function(records)`` gets
copies of the records and returns HTML, or "" where it has nothing to say. It runs with your rights, as all plugins do.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from mex.app.matrix.record import Record
from mex.errors import sentence
from mex.registry.loader import latest


def added(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Name, heading and HTML of each section, or the sentence that says how it failed."""
    from markupsafe import Markup

    registry, sections = latest(), []
    for provided in registry.provided("section"):
        name = provided.component.name
        section = {"name": name, "heading": provided.component.summary, "html": "", "failed": ""}
        try:
            section["html"] = Markup(registry.target("section", name)(copy.deepcopy(list(records))))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            section["failed"] = f"the section {name!r} of {provided.provider} failed: {sentence(error)}"
        if section["html"] or section["failed"]:
            sections.append(section)
    return sections
