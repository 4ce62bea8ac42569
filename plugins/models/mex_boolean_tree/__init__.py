"""The model ``boolean-tree``, and the dataset ``boolean`` of rows that such trees label."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register the model and the dataset."""
    return [
        mex.Component(
            "model",
            "boolean-tree",
            "mex_boolean_tree.model:BooleanTree",
            "decision tree over bits whose nodes test the parity of a few, or a junta of a few bits",
        ),
        mex.Component(
            "dataset",
            "boolean",
            "mex_boolean_tree.dataset:Boolean",
            "uniform random bits, labelled by a random tree of parities or a random junta",
        ),
    ]
