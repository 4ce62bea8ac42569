"""Audits from Python."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import attrs

from mex.app.audit.depth import depth_called, plan_minutes
from mex.app.audit.document import document
from mex.app.audit.planning import recommended
from mex.app.audit.running import Audit
from mex.app.audit.subject import Subject, open_subject
from mex.app.audit.text import table, verdict_text
from mex.app.matrix.backends import Workers
from mex.app.objects import read_objects
from mex.errors import UsageError
from mex.oracle import PRICE_PER_QUERY
from mex.registry import Registry
from mex.registry.loader import load_registry


@attrs.frozen(eq=False, repr=False)
class AuditResult:
    """What an audit found; it prints as the verdict and the tables that it rests on.

    Attributes:
        document: all of it, as JSON-ready values.
    """

    document: dict[str, Any]

    def __repr__(self) -> str:
        return verdict_text(self.document)

    @property
    def verdict(self) -> str:
        """The verdict in a paragraph."""
        return " ".join(self.document["verdict"])

    @property
    def recommendation(self) -> str | None:
        """The defense to deploy, as it is written; None if none is worth its cost."""
        found: str | None = self.document["recommendation"]["defense"]
        return found


@attrs.frozen(eq=False, repr=False)
class Recommendation:
    """Which attacks and defenses apply to a model; it prints as a table of those that do.

    Attributes:
        components: a mapping for each, with ``kind``, ``name``, ``applies``, ``reads`` and ``why``.
    """

    components: list[dict[str, Any]]

    def __repr__(self) -> str:
        rows = [[c["kind"], c["name"], c["reads"], c["why"]] for c in self.components if c["applies"]]
        return "\n".join(table(["kind", "component", "from", "for"], rows))


def audit(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    target: str | None = None,
    depth: str = "quick",
    out: str | Path | None = None,
    minutes: float | None = None,
    jobs: int | None = None,
    price_per_query: float = PRICE_PER_QUERY,
    registry: Registry | None = None,
) -> AuditResult:
    """Say what it takes to steal a model, what each defense buys and costs, and which one to deploy.

    Args:
        model: a fitted estimator or a function of rows; or a component as on the command line.
        X: rows such as its users send, a data frame or a dataset as on the command line.
        y: their true labels or values; of a data frame they may be its column ``target``.
        target: that column.
        depth: ``quick``, ``standard`` or ``thorough``.
        out: a directory that keeps every finished cell; a second call goes on from there.
        minutes: after which it ends; by default 6, 25 or 120 by depth. What is not done then is cut and named.
        jobs: how many worker processes; by default cells run in this process, where one that has begun cannot be ended
            before it is done.
        price_per_query: in US dollars.
        registry: the components, by default those installed.

    Raises:
        UsageError: for a model or data that cannot be audited; and for a model whose rows cost money, which is audited
            where somebody can be asked: ``mex audit``.
    """
    subject = _subject(model, X, y, target, registry)
    if subject.costs_money:
        raise UsageError("an endpoint is audited on the command line, which asks before money is spent: mex audit")
    with contextlib.ExitStack() as stack:
        place = Path(out or stack.enter_context(tempfile.TemporaryDirectory(prefix="mex-audit-")))
        workers = Workers(jobs, live=subject.live)
        deep = depth_called(depth)
        ready = Audit(subject, deep, place, workers, price_per_query, minutes=plan_minutes(deep, minutes))
        return AuditResult(document(ready.run(lambda name, run: None, lambda sentence: None)))


def recommend(
    model: Any, X: Any, y: Any = None, *, target: str | None = None, registry: Registry | None = None
) -> Recommendation:
    """Say which attacks and defenses apply to a model; the arguments are those of :func:`audit`.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> found = recommend(DecisionTreeClassifier(random_state=0).fit(X, y), X, y)
    >>> [c["name"] for c in found.components if c["why"] == "made for this class" and c["reads"] == "leaf"]
    ['path-finding', 'tree-structure']
    """
    return Recommendation(recommended(_subject(model, X, y, target, registry)))


def _subject(model: Any, X: Any, y: Any, target: str | None, registry: Registry | None) -> Subject:
    given = X if y is None else (X, y)
    axes, live = read_objects(model if isinstance(model, str) else {"model": model}, given, target)
    known = registry or load_registry()
    (the_model,), (the_data,) = (
        one.values() if isinstance(one := axes[axis], dict) else one for axis in ("models", "datasets")
    )
    return open_subject(live.added_to(known) if live else known, the_model, the_data, live)
