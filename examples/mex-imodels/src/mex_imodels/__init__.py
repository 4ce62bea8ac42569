"""Interpretable models of imodels as targets."""

from __future__ import annotations

import mex


@mex.hookimpl
def mex_components() -> list[mex.Component]:
    """Register them."""
    return [
        mex.Component("model", "greedy-rule-list", "mex_imodels.lists:GreedyRuleList", "if … then, else if … then"),
        mex.Component("model", "one-r", "mex_imodels.lists:OneR", "a rule list on one feature"),
        mex.Component("model", "shrunk-tree", "mex_imodels.trees:ShrunkTree", "a tree whose leaves shrink to the root"),
        mex.Component("model", "figs", "mex_imodels.trees:FIGS", "a sum of a few small trees, grown together"),
        mex.Component("model", "boosted-rules", "mex_imodels.rules:BoostedRules", "a vote of weighted rules"),
        mex.Component("model", "rule-fit", "mex_imodels.rules:RuleFit", "a sparse sum of rules and features"),
    ]
