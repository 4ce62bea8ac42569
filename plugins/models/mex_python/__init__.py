"""The model ``python``: an object of a Python module."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model."""
    return [
        mex.Component(
            "model",
            "python",
            "mex_python.model:Python",
            "a model of yours in a Python module: python:object=module:name",
        )
    ]
