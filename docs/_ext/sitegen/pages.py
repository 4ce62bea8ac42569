"""The pages that are made from the code, each time the site is built: no copy of them is kept in the repository."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import mex
from mex.registry.loader import OURS_ALONE
from sitegen import api, components, reference

FOLDER = "generated"


def write(app: Any) -> None:
    """Write them below ``generated/``, those that changed; what is no longer made is removed."""
    folder = Path(app.srcdir) / FOLDER
    os.environ[OURS_ALONE] = "1"  # the site is about what is in the repository, whatever else is installed
    registry = mex.load_registry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small examples are fitted, to see which attacks start
        made = dict([*components.pages(registry), *reference.pages(registry), *api.pages()])
    paths = {folder / f"{name}.rst": text for name, text in made.items()}
    for path, text in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for path in folder.rglob("*.rst"):
        if path not in paths:
            path.unlink()
