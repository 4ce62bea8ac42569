"""The kinds of answer that every component may be given."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register them, as a plugin registers its own."""
    return [
        mex.Component("answer", "label", "mex.answers:LABEL", "the class of each row"),
        mex.Component("answer", "proba", "mex.answers:PROBA", "the probability of each class, for each row"),
        mex.Component("answer", "leaf", "mex.answers:LEAF", "the id of the leaf of each row, or one of each tree"),
        mex.Component("answer", "value", "mex.answers:VALUE", "the value of each row, of a regressor"),
    ]
