"""Warnings, each shown once."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import warnings
from mex.app.warned import show_each_once
show_each_once()
for _ in range(3):
    with warnings.catch_warnings():
        pass
    warnings.warn("of a model", UserWarning)
    warnings.warn("of another", UserWarning)
"""


def test_a_warning_is_shown_once_though_a_library_looks_away_in_between() -> None:
    said = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stderr
    assert said.count("UserWarning: of a model") == said.count("UserWarning: of another") == 1
