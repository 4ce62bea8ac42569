"""A model behind HTTP as a target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import FittedTarget, Scope, Table, UsageError
from mex.errors import MexError
from mex.params import above, boolean, doc, one_of, optional, text, whole
from mex.toolkit.tabular.declared import DeclaredModel
from mex.toolkit.tabular.opening import features_of
from mex.toolkit.tabular.reading import columns_of, distinct, is_missing
from mex.types import Answer, Array
from mex_endpoint.secrets import check_headers, check_url
from mex_endpoint.template import PRESETS, read_template

PROBES = 16
"""Known rows, at most, on which labels are compared with probabilities."""


def _url(_: Any, __: Any, value: Any) -> None:
    if value is not None:
        if not isinstance(value, str):
            raise UsageError("url must be a string")
        check_url(value)


def _headers(_: Any, __: Any, value: Any) -> None:
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for part in value.values()):
        raise UsageError("headers must be a table of strings")
    check_headers(value)


@attrs.frozen(kw_only=True)
class Endpoint(DeclaredModel):
    """A model behind HTTP, asked as its users ask it. Needs ``pip install 'model-extraction[live]'``.

    Before anything else it is asked one row of the table, which tells what kind of answer it gives. What it is asked
    later goes through a ledger: each attempt is written down before it is sent. Secrets come from the environment.
    """

    url: str | None = attrs.field(
        default=None, validator=_url, metadata=doc("where requests are posted; $NAME is taken from the environment")
    )
    preset: str | None = attrs.field(
        default=None, validator=optional(one_of(*PRESETS)), metadata=doc("the kind of server, or of its protocol")
    )
    template: str | None = attrs.field(
        default=None,
        validator=optional(text()),
        metadata=doc("instead of a preset, a TOML file with the body of a request and where the answers are"),
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=_headers,
        metadata=doc("of requests, from the environment: {Authorization='Bearer $TOKEN'}"),
    )
    batch: int = attrs.field(default=100, validator=whole(1), metadata=doc("rows of a request at most"))
    threads: int = attrs.field(default=1, validator=whole(1), metadata=doc("requests at once at most"))
    rate: float | None = attrs.field(
        default=None, validator=optional(above(0)), metadata=doc("requests a second at most")
    )
    timeout: float = attrs.field(default=30.0, validator=above(0), metadata=doc("seconds to wait for a reply"))
    deadline: float = attrs.field(
        default=300.0, validator=above(0), metadata=doc("seconds after which a request is not sent again")
    )
    evaluation_budget: int = attrs.field(
        default=500,
        validator=whole(20),
        metadata=doc("rows at most that are asked to measure, for all attacks together"),
    )
    proxies: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("use the proxies that the environment names")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2: f* of a server, behind its prediction interface"

    def __attrs_post_init__(self) -> None:
        if self.preset is not None and self.template is not None:
            raise UsageError("give a preset or a template, not both")

    def open(self, table: Table | None) -> FittedTarget:
        """Ask one row, and make the target that its answer shows.

        Raises:
            UsageError: if the endpoint does not answer, or it is not clear what its answers are.
        """
        client = self._client()
        provisional = attrs.evolve(self, answers=["value"], classes=None)
        target = provisional.opened(client, table, frame="records")
        if client.reply is None:
            raise UsageError("an endpoint needs a table with a complete row: it is asked one before anything else")
        classes = self._classes(table)
        answers = self._kinds(client.reply.kind, classes)
        client.probing = False
        client.classes = None if answers == ("value",) else classes
        target = attrs.evolve(target, answers=answers, classes=client.classes)
        self._try(target, table)
        return target

    def _client(self) -> Any:
        if self.url is None:
            raise UsageError("endpoint needs a url: endpoint:url=http://…,preset=v2")
        if self.preset is None and self.template is None:
            raise UsageError(f"endpoint needs a preset, one of {', '.join(PRESETS)}, or a template in a TOML file")
        try:
            from mex_endpoint.client import HTTPEndpoint, Settings
        except ImportError as error:
            raise UsageError(f"an endpoint needs {error.name}: pip install 'model-extraction[live]'") from None
        template = PRESETS[self.preset] if self.preset else read_template(Path(str(self.template)).expanduser())
        if template.outputs and self.answers is None:
            template = attrs.evolve(template, outputs={})  # the server's own choice
        return HTTPEndpoint(
            Settings(
                url=self.url,
                headers=dict(self.headers),
                template=template,
                batch=self.batch,
                threads=self.threads,
                rate=self.rate,
                timeout=self.timeout,
                deadline=self.deadline,
                proxies=self.proxies,
            )
        )

    def _classes(self, table: Table | None) -> Array | None:
        """The labels that were declared, or that the table has in the column that was said to be the target."""
        if self.classes is not None:
            return np.asarray(self.classes)
        if table is None:
            return None
        if table.labels is not None:
            return np.asarray(table.class_names) if table.class_names else None
        if table.target is None:
            return None
        _, values = distinct(columns_of(table.columns)[table.target])
        known = [value for value in values if not is_missing(value)]
        fractions = any(isinstance(v, float) and not (math.isfinite(v) and v.is_integer()) for v in known)
        return None if fractions or len(known) < 2 else np.array(sorted(known, key=lambda v: (str(type(v)), v)))

    def _kinds(self, seen: Answer | None, classes: Array | None) -> tuple[Answer, ...]:
        """The kinds of answer that the endpoint gives."""
        if self.answers is not None:
            kinds = tuple(self.answers)
            if classes is None and not {"label", "proba"}.isdisjoint(kinds):
                raise UsageError("say which labels it answers: classes=[…], in the order of its probabilities")
            return kinds
        if classes is None:
            if seen in ("label", "proba"):
                shown = "a label" if seen == "label" else "what may be probabilities"
                raise UsageError(
                    f"the endpoint answers {shown}: give classes=[…], in the order of its probabilities, "
                    "or answers='value'"
                )
            return ("value",)
        return ("proba",) if seen == "proba" else ("label",)

    def _try(self, target: FittedTarget, table: Table | None) -> None:
        """Ask known rows for each kind of answer; compare labels with probabilities where there are both."""
        assert target.schema is not None
        assert table is not None
        X = target.schema.encode(features_of(target.estimator, table, target.schema))
        X = X[~np.isnan(X).any(axis=1)][: PROBES if {"label", "proba"} <= set(target.answers) else 1]
        try:
            given: Mapping[Answer, Array] = {kind: target.answer(X, kind) for kind in target.answers}
        except MexError as error:
            raise UsageError(f"the endpoint does not answer a row of its own table as declared: {error}") from None
        if "label" in given and "proba" in given:
            self._compare(given["label"], given["proba"], target.classes)

    def _compare(self, labels: Array, shares: Array, classes: Array | None) -> None:
        """The order of classes is never on the wire: labels tell it.

        Raises:
            UsageError: if the most probable class is another one than the label for most rows.
        """
        assert classes is not None
        likeliest = classes[np.argmax(shares, axis=1)]
        if np.mean(likeliest == labels) < 0.5:
            order = _order(labels, shares, classes)
            hint = f"; classes={order} would suit" if order else ""
            raise UsageError(
                f"of {len(labels)} known rows {int((likeliest != labels).sum())} have a label that is not the most "
                f"probable class: is the order of classes that of the probabilities?{hint}"
            )


def _order(labels: Array, shares: Array, classes: Array) -> Sequence[Any] | None:
    """The order of classes that labels and probabilities show, if they show all but one."""
    places: dict[int, Any] = {}
    for label, place in zip(labels.tolist(), np.argmax(shares, axis=1).tolist(), strict=True):
        if places.setdefault(place, label) != label:
            return None
    missing = [label for label in classes.tolist() if label not in places.values()]
    free = [place for place in range(len(classes)) if place not in places]
    if len(missing) > 1 or len(missing) != len(free):
        return None
    places |= dict(zip(free, missing, strict=True))
    return [places[place] for place in range(len(classes))]
