"""A model behind HTTP as a target."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import FittedTarget, Scope, Table, UsageError
from mex.params import Check, above, boolean, doc, optional, text, whole
from mex.toolkit.tabular.declared import DeclaredModel
from mex.toolkit.tabular.opening import features_of
from mex.toolkit.tabular.reading import columns_of, distinct, is_missing
from mex.types import Answer, Array, FloatArray
from mex_endpoint.columns import Told, applied, read
from mex_endpoint.preflight import ask_known_rows
from mex_endpoint.secrets import check_headers, check_url
from mex_endpoint.template import PRESETS, a_preset, preset, read_template


@attrs.frozen(repr=False)
class Unechoed(Check):
    """A check of what may hold a secret: its complaint does not repeat the value, as far as ``complain`` does not."""

    complain: Callable[[Any], None] = attrs.field(kw_only=True)

    def __call__(self, _: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not self.accepts(value):
            raise UsageError(f"{attribute.name} must be {self.noun}")
        if value is not None:
            self.complain(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(part, str) for part in value.values())


URL = Unechoed("a string, a URL of http or https", lambda v: v is None or isinstance(v, str), complain=check_url)
HEADERS = Unechoed("a table of strings", _are_texts, complain=check_headers)


@attrs.frozen(kw_only=True)
class Endpoint(DeclaredModel):
    """A model behind HTTP, asked as its users ask it. Needs ``pip install 'model-extraction[live]'``.

    Before anything else it is asked one row of the table, which tells what kind of answer it gives. What it is asked
    later goes through a ledger: each attempt is written down before it is sent. Secrets come from the environment.
    """

    url: str | None = attrs.field(
        default=None, validator=URL, metadata=doc("where requests are posted; $NAME is taken from the environment")
    )
    preset: str | None = attrs.field(
        default=None, validator=optional(a_preset()), metadata=doc("the kind of server, or of its protocol")
    )
    template: str | None = attrs.field(
        default=None,
        validator=optional(text()),
        metadata=doc("instead of a preset, a TOML file with the body of a request and where the answers are"),
    )
    headers: Mapping[str, str] = attrs.field(
        factory=dict,
        validator=HEADERS,
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
    columns: str | None = attrs.field(
        default=None,
        validator=optional(text()),
        metadata=doc(
            "a file that describes the columns: MLmodel of MLflow, V2 metadata, an OpenAPI document; by default what "
            "the server itself tells of them"
        ),
    )
    probe: bool = attrs.field(
        default=True,
        validator=boolean(),
        metadata=doc("also ask a row without one of its columns, once: what the error tells is a finding"),
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
        told = self._described(client)
        try:
            target = provisional.opened(client, table, frame="records")
        except UsageError as error:
            raise _about_columns(error, client.told, table) from None
        if client.reply is None:
            raise UsageError("an endpoint needs a table with a complete row: it is asked one before anything else")
        if self.probe:
            assert target.schema is not None
            client.probe(target.schema.decode(complete_rows(target, table)[:1]), "label")
        if self.schema is None:
            target = _as_told(target, told or client.told)
        classes = self._classes(table)
        answers = self._kinds(client.reply.kind, classes)
        client.probing = False
        client.classes = None if answers == ("value",) else classes
        target = attrs.evolve(target, answers=answers, classes=client.classes)
        ask_known_rows(target, complete_rows(target, table))
        return target

    def _described(self, client: Any) -> list[Told]:
        """The columns as a document or the server itself describes them."""
        told: list[Told] = client.described() if self.columns is None else read(Path(self.columns).expanduser())
        return told

    def _client(self) -> Any:
        if self.url is None:
            raise UsageError("endpoint needs a url: endpoint:url=http://…,preset=v2")
        if self.preset is None and self.template is None:
            raise UsageError(f"endpoint needs a preset, one of {', '.join(PRESETS)}, or a template in a TOML file")
        try:
            from mex_endpoint.client import HTTPEndpoint
            from mex_endpoint.wire import Settings
        except ImportError as error:
            raise UsageError(f"an endpoint needs {error.name}: pip install 'model-extraction[live]'") from None
        template = preset(self.preset) if self.preset else read_template(Path(str(self.template)).expanduser())
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


def complete_rows(target: FittedTarget, table: Table | None) -> FloatArray:
    """The rows of a table without a missing value, as rows of the domain."""
    assert target.schema is not None
    assert table is not None
    X = target.schema.encode(features_of(target.estimator, table, target.schema))
    complete: FloatArray = X[~np.isnan(X).any(axis=1)]
    return complete


def _as_told(target: FittedTarget, told: Sequence[Told]) -> FittedTarget:
    assert target.schema is not None
    schema = applied(target.schema, told)
    return target if schema is target.schema else attrs.evolve(target, schema=schema, domain=schema.domain)


def _about_columns(error: UsageError, told: Sequence[Told], table: Table | None) -> UsageError:
    """The error of the first row; where it is about columns that the server has told, a shorter one."""
    names = [] if table is None else list(map(str, columns_of(table.columns)))
    missing = [column.name for column in told if column.name not in names]
    if not missing:
        return error
    taken = ", ".join(f"{column.name} ({column.kind})" for column in told[:20])
    return UsageError(f"the endpoint takes the columns {taken}, and the table has no {missing[0]}")
