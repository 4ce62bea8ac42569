"""What ``mex matrix`` says at the end: the table, what went wrong, what the gate finds, and where records are kept."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from mex.app.cli.output import StdoutError, give_up, say

if TYPE_CHECKING:
    from mex.app.analysis.aggregate import Comparison
    from mex.app.analysis.gate import Gate
    from mex.app.matrix.record import Record
    from mex.app.matrix.run import Run

GATE, UNJUDGED = 3, 4
"""The exit codes where the condition of a gate holds, and where there was nothing to judge one by, or not all."""
TEXTS_UNTRIED = "attacks that write texts were not tried, and may break it"
"""Why no gate passes on a model that reads free text."""


@attrs.define
class Tally:
    """What a run leaves to be told.

    Attributes:
        failed: how many cells failed.
        records: those of the cells, where they are needed.
        lost: the error of stdout that ended the run, and the record that was not printed.
    """

    failed: int = 0
    records: list[Record] = attrs.field(factory=list)
    lost: tuple[StdoutError, Record] | None = None


def conclude(ready: Run, tally: Tally, args: argparse.Namespace) -> int:
    """Print the table and what went wrong, and judge; return the exit code."""
    from mex.app.analysis.aggregate import compare
    from mex.app.analysis.junit import write_junit
    from mex.app.cli import FAILED, OK
    from mex.app.cli.summary import print_comparisons, reasons
    from mex.app.matrix.looking import read_texts

    found = compare(tally.records, ready.plan)
    untold = tally.lost is not None and keep_untold(tally.lost[0], [tally.lost[1]], args.out)
    if not args.json:
        for line in reasons(tally.records):  # before the table, so that the answer is what stands at the end
            print(line, file=sys.stderr)
        try:
            print_comparisons(found, args.format, args.level, args.curves)
            sys.stdout.flush()
        except StdoutError as error:
            untold = keep_untold(error, tally.records, args.out)
    untried = [TEXTS_UNTRIED] if ready.gate.conditions and read_texts(ready.registry, ready.cells) else []
    if args.junit:
        write_junit(args.junit, found, ready.gate, untried)
    for sentence in filter(None, (ready.restored, ready.unwritten)):
        say(sentence)
    if tally.failed:
        say(f"{tally.failed} of {len(ready.cells)} cells failed")
    code = judge(ready.gate, found)
    if code == 0 and tally.lost and ready.gate.conditions:
        say("gate: stdout took no more, so the run ended early and not all was judged")
        code = UNJUDGED
    for sentence in untried:
        say(f"gate: {sentence}")
        code = code or UNJUDGED
    return code or (FAILED if tally.failed or untold or ready.unwritten else OK)


def keep_untold(error: StdoutError, records: Sequence[Record], out: Path | None = None) -> bool:
    """Keep the records that stdout did not take, and say where; False if its reader has left, who wants no more."""
    from mex.app.matrix.results import kept_aside

    give_up()
    if error.reader_left:
        return False
    kept = out or kept_aside(records)
    where = f"records are kept in {kept}: mex report {kept} shows them" if kept else "there was no room for records"
    say(f"cannot write to stdout: {error.strerror}; {where}")
    return True


def judge(gate: Gate, found: Sequence[Comparison]) -> int:
    """Say what a gate finds; its exit code, 0 if it holds nowhere."""
    met = gate.violations(found)
    for comparison, group, sentence in met:
        say(f"gate: {group.attack} against {group.defense} on {comparison.model}, {comparison.dataset}: {sentence}")
    unjudged = gate.unjudged(found)
    for condition in unjudged:
        say(f"gate: {condition}: no cell came to a value, so nothing was judged")
    return GATE if met else UNJUDGED if unjudged else 0
