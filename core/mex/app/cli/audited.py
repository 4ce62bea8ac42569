"""What ``mex audit`` leaves: pages, the verdict, what changed, and what a gate finds."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from mex.app.cli.conclusion import TEXTS_UNTRIED, UNJUDGED, judge
from mex.app.cli.output import print_json, say
from mex.app.files import replacing

if TYPE_CHECKING:
    from mex.app.analysis.gate import Gate
    from mex.app.audit.running import Outcome


def show(args: argparse.Namespace, told: dict[str, Any], old: dict[str, Any] | None) -> None:
    """Write the pages, print the verdict, and say what changed since ``old``."""
    from mex.app.audit.comparing import changes
    from mex.app.audit.document import dumped
    from mex.app.audit.markdown import markdown
    from mex.app.audit.page import page
    from mex.app.audit.text import verdict_text

    if args.out:
        for name, text in (("html", page(told)), ("md", markdown(told)), ("json", dumped(told))):
            with replacing(args.out / f"audit.{name}") as part:
                part.write_text(text, encoding="utf-8", errors="replace")
    if args.json:
        print_json(told)
    else:
        print(verdict_text(told))
    if args.out:
        say(f"the page is {args.out / 'audit.html'}")
    if old is not None:
        for sentence in changes(old, told) or ["nothing changed that the seeds tell apart"]:
            print(sentence, file=sys.stderr if args.json else sys.stdout)


def judged(args: argparse.Namespace, outcome: Outcome, told: dict[str, Any], gate: Gate) -> int:
    """What the gate finds, written as JUnit and SARIF if asked for; the exit code, those of ``mex matrix``."""
    from mex.app.analysis.junit import write_junit
    from mex.app.audit.gating import compared
    from mex.app.audit.sarif import write_sarif

    found, left = [compared(outcome)], _left(outcome, gate) if gate.conditions else []
    if args.junit:
        write_junit(args.junit, found, gate, left)
    if args.sarif:
        broken = [f"{group.attack}: {sentence}" for _, group, sentence in gate.violations(found)]
        write_sarif(args.sarif, told, outcome.subject, broken)
    code = judge(gate, found)
    for sentence in left:
        say(f"gate: {sentence}")
    return code or (UNJUDGED if left else 0)


def _left(outcome: Outcome, gate: Gate) -> list[str]:
    """What was not judged and may break a gate, in sentences."""
    left, judged = [], {measured.choice: measured.group for measured in outcome.judged}
    if count := sum(choice not in judged or gate.undecided(judged[choice]) for choice in outcome.unjudged):
        left.append(
            f"{count} attack{'s' * (count > 1)} not judged to the end may break it; the verdict says which. More"
            " --minutes judge more; with --out what was measured is kept"
        )
    if outcome.subject.texts:
        left.append(TEXTS_UNTRIED)
    return left
