"""Sentences below a table: what its marks mean, and what its numbers do not say."""

from __future__ import annotations

from mex.app.analysis.aggregate import LEVEL, Comparison
from mex.app.analysis.numbers import NEVER, share, worse_than_constant
from mex.app.analysis.statistics import coverage

ADDED = "+"
"""Mark of an attack that the plan added by itself."""


def row_name(comparison: Comparison, attack: str) -> str:
    """What stands before the row of an attack: its label, marked where the plan added it."""
    names = {group.name for group in comparison.groups.values() if group.attack == attack}
    return f"{ADDED} {attack}" if names & comparison.added.keys() else attack


def notes(comparison: Comparison, level: float = LEVEL, fractions: bool = True) -> list[str]:
    """The sentences that a comparison calls for, most of them for marks that stand in it.

    ``fractions`` says that k/n stands for the seeds that reached the level.
    """
    groups = [group for group in comparison.groups.values() if group.ran]
    if not groups:
        return []
    said = []
    seeds = max(len(group.ran) for group in groups)
    if seeds > 1:
        said.append(f"(lo–hi) after an agreement: {coverage(seeds)}; after a multiplier: 95 % bootstrap over seeds")
    if fractions and any(0 < group.reached(level) < len(group.ran) for group in groups):
        said.append(
            f"k/n after queries: {level:g} was reached in k of n seeds; {NEVER} says that it was in fewer than half"
        )
    if not comparison.tells(level):
        constant = max(record["majority"] or 0.0 for record in comparison.ran)
        said.append(
            f"{level:g} tells no theft: one constant answer agrees on {share(constant, comparison.rows)} of the "
            "held-out rows; no multiplier is told at it"
        )
    if any(group.below_constant for group in groups):
        majority = comparison.median("majority")
        said.append(worse_than_constant(majority.value if majority else None, comparison.rows))
    if any(comparison.more_than(d, level) and not reached(comparison, d, level) for d in comparison.defenses):
        within = max(group.budget for group in groups)
        said.append(f"> before a multiplier: {level:g} was not reached by these attacks within {within:,} queries")
    if left_out := comparison.left_out:
        said.append(f"cannot work on this model: {', '.join(left_out)}")
    shown = {group.name for group in groups}
    for attack, countered in comparison.added.items():
        if attack not in shown:
            continue
        said.append(f"{ADDED} {attack} was added because it counters {' and '.join(countered)}")
    if absent := {d: best for d in comparison.defenses if (best := comparison.absent(d, level))}:
        best = next(iter(absent.values()))
        said.append(
            f"{best}, the best without a defense, did not meet {', '.join(absent)}: "
            "their multipliers compare the attacks that did"
        )
    return said + idle_defenses(comparison)


def idle_defenses(comparison: Comparison) -> list[str]:
    """A sentence on the defenses that did nothing in any cell, as those of confidence where labels are shown."""
    baseline = comparison.baseline
    kinds = {group.answers for group in comparison.against(baseline)} if baseline else set()
    idle = []
    for defense in comparison.defenses:
        groups = comparison.against(defense)
        withholds = kinds - {group.answers for group in groups}
        if groups and defense != baseline and not withholds and all(group.unchanged for group in groups):
            idle.append(defense)
    if not idle:
        return []
    shown = {group.answers for group in comparison.groups.values() if group.ran}
    hint = f": {shown.pop()} answers were shown here; --answers all runs each kind that the model gives"
    return [f"{', '.join(idle)} changed no answer of honest users" + ("" if shown else hint)]


def reached(comparison: Comparison, defense: str, level: float) -> bool:
    """Whether an attack reached ``level`` against a defense, in the median over seeds."""
    factor = comparison.multiplier(defense, level)
    return factor is None or factor.finite
