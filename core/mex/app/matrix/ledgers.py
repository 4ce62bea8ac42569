"""Where the ledgers of a run lie, and which target is asked through which."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from mex.app.matrix.cells import Cell
from mex.defense import twin, undefended
from mex.domain import Domain
from mex.errors import Incompatible
from mex.extraction import Extraction
from mex.fitted import FittedTarget
from mex.oracle import Transcript
from mex.target import Target, knowledge
from mex.toolkit.ledger.asking import Session
from mex.toolkit.ledger.replay import ReplayTarget
from mex.toolkit.ledger.store import Ledger
from mex.toolkit.ledger.target import LedgerTranscript, RecordedTarget, Remote, recorded

FOLDER, SUFFIX = "ledgers", ".ledger"
MEASURES = "evaluation-"
"""How the names of ledgers begin whose rows measure stolen models."""
directory: Path | None = None
"""Where this process keeps ledgers, None for nowhere; a worker is told."""


@contextlib.contextmanager
def kept_in(out: Path | None) -> Iterator[None]:
    """Keep the ledgers of this process in a folder of ``out`` meanwhile."""
    global directory
    before, directory = directory, None if out is None else out / FOLDER
    try:
        yield
    finally:
        directory = before


def path_of(cell: Cell) -> Path | None:
    """The ledger of a cell."""
    return None if directory is None else directory / f"{cell.key}{SUFFIX}"


@attrs.frozen(eq=False)
class Asked:
    """A defended target as an attacker meets it, and where that is written down.

    Attributes:
        target: whom to ask.
        transcript: where the oracle notes it; None is its own.
        session: of a deployed model that is asked through a ledger.
    """

    target: Target
    transcript: Transcript | None = None
    session: Session | None = None

    @property
    def numbers(self) -> dict[str, int]:
        """What the record says of the rows that a deployed model was asked."""
        if self.session is None:
            return {}
        ledger = self.session.ledger
        return {"rows_answered": ledger.answers, "rows_sent": ledger.sent("attack")}

    def tell(self, extraction: Extraction) -> Extraction:
        """The same with what the user should be told of the target in its note."""
        notes = () if self.session is None else self.session.notes
        return attrs.evolve(extraction, note="; ".join(filter(None, (extraction.note, *notes))))

    def close(self) -> None:
        """Close the ledger."""
        if self.session is not None:
            self.session.ledger.close()
        if isinstance(self.transcript, LedgerTranscript):
            self.transcript.ledger.close()


def through_ledger(defended: Target, cell: Cell, deployed: bool) -> Asked:
    """A target nobody has asked, its answers kept in the ledger of the cell if ledgers are kept.

    What a deployed model answered before is not asked again; a defense in front of it is as it was then, for it is
    given the same answers in the same order. The ledger of a model that was fitted for the cell, and costs nothing, is
    written anew.
    """
    path = path_of(cell)
    if deployed and not isinstance(undefended(defended), ReplayTarget):
        return _replaying(defended, cell, path)
    target = twin(defended)
    if path is None:
        return Asked(target)
    for part in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        part.unlink(missing_ok=True)
    kind = knowledge(target, answers=cell.answers).answers
    return Asked(target, LedgerTranscript(ledger=Ledger.at(path, about(cell, target)), kind=kind))


def _replaying(defended: Target, cell: Cell, path: Path | None) -> Asked:
    model = undefended(defended)
    remote = isinstance(model.estimator, Remote)
    if path is None and not remote:
        return Asked(twin(defended))
    limit = cell.budget if remote and model is defended else None
    return replaying(defended, Session(Ledger.at(path, about(cell, model)), "attack", limit))


@contextlib.contextmanager
def kept(defended: Target, path: Path | None, budget: int) -> Iterator[Asked]:
    """A target whose model answers from the ledger at ``path`` what it answered before; None is the target itself.

    A model that costs money is sent ``budget`` rows at most, with those that are sent again.
    """
    model = None
    with contextlib.suppress(Incompatible) if path is None else contextlib.nullcontext():
        model = undefended(defended)
    remote = model is not None and isinstance(model.estimator, Remote)
    if model is None or (path is None and (not remote or isinstance(model, RecordedTarget))):
        yield Asked(defended)
        return
    limit = budget if remote and model is defended else None
    with contextlib.closing(replaying(defended, Session(Ledger.at(path, describe(model)), "attack", limit))) as asked:
        yield asked


def replaying(defended: Target, session: Session) -> Asked:
    """A target whose model answers from a ledger what it answered before."""
    model = undefended(defended)
    if isinstance(model, ReplayTarget):  # it does so by itself
        return Asked(twin(defended))
    return Asked(twin(defended, instead=(model, recorded(model, session))), session=session)


def about(cell: Cell, target: Target) -> dict[str, Any]:
    """What a ledger is of, by names."""
    return {
        "model": str(cell.model),
        "dataset": str(cell.dataset),
        "defense": str(cell.defense),
        "attack": str(cell.attack),
        "seed": cell.seed,
        "price_per_query": cell.price_per_query,
        **describe(target),
    }


def _bounds(domain: Domain) -> dict[str, Any]:
    """A domain as JSON has it: null for no bound."""
    bounds = {
        side: [float(bound) if np.isfinite(bound) else None for bound in getattr(domain, side)]
        for side in ("lower", "upper")
    }
    groups = [list(group) for group in domain.groups]
    return {**bounds, "integer": domain.integer.tolist(), "groups": groups, "incomplete": domain.incomplete}


def describe(target: Target) -> dict[str, Any]:
    """What a ledger tells of the rows and the labels of its target."""
    return {
        "features": list(target.domain.names or map(str, range(target.domain.n_features))),
        "classes": None if target.classes is None else target.classes.tolist(),
        "family": target.family.kind,
        "domain": _bounds(target.domain),
        "schema": target.schema.to_dict() if isinstance(target, FittedTarget) and target.schema else None,
    }
