"""Audits of whole models, as their owners would make them, against full matrices of every attack that applies.

python benchmarks/audit.py                                  every part, at quick depth
python benchmarks/audit.py strings forest --out runs        kept there: a second call goes on from it
python benchmarks/audit.py tree --no-matrix                 only the audit

A part audits a model, then runs every attack that applies with the budget and the seeds of the judging, and prints for
each kind of answer the queries of the best attack of each, and their ratio. Ratios count queries; minutes and what was
cut depend on the machine. The first six parts have models on disk or behind HTTP, the others are fitted by components.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import attrs
from audit_parts.models import MODELS, Made
from parts import Part, run

import mex
from mex.app.audit.clock import SHARES, Clock
from mex.app.audit.depth import depth_called, plan_minutes
from mex.app.audit.document import document, dumped
from mex.app.audit.measuring import Measured, UnderWay
from mex.app.audit.page import page
from mex.app.audit.running import Audit, Outcome
from mex.app.audit.stages import judged
from mex.app.audit.subject import open_subject
from mex.app.audit.thieves import strongest
from mex.app.matrix.backends import Workers, cores
from mex.registry.spec import Spec

LEVELS = (0.95, 0.99)
FITTED = {
    "linear": ("logistic", "breast-cancer"),
    "tree": ("decision-tree:max_depth=5", "heart"),
    "forest-100": ("random-forest", "heart"),
    "boosted": ("boosted-trees", "breast-cancer"),
    "linear-regression": ("linear-regression", "diabetes"),
}


def options() -> argparse.ArgumentParser:
    """What the command line says beside the parts."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep models and cells there; go on from them")
    parser.add_argument("--minutes", type=float, help="of each audit (default: those of its depth)")
    parser.add_argument("--matrix-minutes", type=float, default=math.inf, help="of each full matrix (default: no end)")
    parser.add_argument("--no-matrix", action="store_true", help="audits only")
    return parser


def part(name: str, made: Callable[[Path], Made]) -> Part:
    """A part that audits one model."""

    def compare(seeds: int) -> None:
        given, _ = options().parse_known_args()
        with contextlib.ExitStack() as stack:
            root = given.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder = root / name
            folder.mkdir(parents=True, exist_ok=True)
            model, data = stack.enter_context(made(folder))
            subject = open_subject(mex.load_registry(), Spec.of(model, "model"), Spec.of(data, "dataset"))
            depth = attrs.evolve(depth_called("quick"), seeds=seeds)
            workers = Workers(cores(), fork=sys.platform == "linux")
            audit = Audit(subject, depth, folder / "audit", workers, 1e-4, minutes=plan_minutes(depth, given.minutes))
            audit.out.mkdir(exist_ok=True)
            audited = _timed("audit", audit)
            told = document(audited)
            (folder / "audit.html").write_text(page(told), encoding="utf-8")
            (folder / "audit.json").write_text(dumped(told), encoding="utf-8")
            print(*told["verdict"], sep="\n")
            if not given.no_matrix:
                _compared(audited, _matrix(audit, audited, given.matrix_minutes))

    compare.__doc__ = made.__doc__
    return compare


def _timed(what: str, audit: Audit) -> Outcome:
    started = time.perf_counter()
    outcome = audit.run(lambda name, run: None, lambda sentence: None)
    measured = [*outcome.raced, *outcome.measured]
    print(f"{len(audit.applying)} attacks apply, {len(outcome.stay)} stay; ", end="")
    _told(what, measured, started)
    if outcome.unjudged:
        print(f"not judged to the end: {len(outcome.unjudged)} attacks", flush=True)
    return outcome


def _matrix(audit: Audit, audited: Outcome, minutes: float) -> Outcome:
    """Every attack that applies, with the budget and the seeds of the judging."""
    started = time.perf_counter()
    under_way = UnderWay(audit.subject, audit.out, audit.workers, audit.price, Clock(60 * minutes), lambda *_: None)
    measured = under_way.measure(judged(audit.applying, audit.depth), list(SHARES)[-1])
    _told("matrix", measured, started)
    return attrs.evolve(audited, judged=measured)


def _told(what: str, measured: Sequence[Measured], started: float) -> None:
    """How many cells there were, and how long they took."""
    cells, cut = sum(len(m.group.records) for m in measured), sum(m.late for m in measured)
    print(f"{what}: {cells} cells, {cut} cut; {(time.perf_counter() - started) / 60:.1f} min", flush=True)


def _compared(audited: Outcome, matrix: Outcome) -> None:
    """The best attack of each, by answers and level."""
    for shown in audited.subject.kinds:
        for level in LEVELS:
            found = [strongest(outcome, shown).best(level) for outcome in (audited, matrix)]
            told = [f"{best[1].value:,.0f} by {best[0].choice.label}" if best else "nothing" for best in found]
            values = [best[1].value if best else math.inf for best in found]
            ratio = values[0] / values[1] if math.isfinite(values[1]) else 1.0
            print(f"{shown} to {level:g}: audit {told[0]}; matrix {told[1]}; ratio {ratio:.2f}", flush=True)


def fitted(model: str, data: str) -> Callable[[Path], Made]:
    """A model that a component fits, as those of :mod:`audit_parts.models` are."""

    @contextlib.contextmanager
    def made(folder: Path) -> Iterator[tuple[str, str]]:
        yield model, data

    made.__doc__ = f"{model} on {data}"
    return made


if __name__ == "__main__":
    models = MODELS | {name: fitted(*given) for name, given in FITTED.items()}
    run(__doc__, {name: part(name, made) for name, made in models.items()}, "seeds", 2, [options()])
