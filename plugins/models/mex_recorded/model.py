"""A record as a target."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np

from mex import Domain, Family, FittedTarget, Schema, Scope, Table, UsageError
from mex.answers import answer_kind
from mex.knowledge import KINDS as FAMILIES
from mex.params import doc, optional, text
from mex.toolkit.ledger.replay import ReplayTarget
from mex.toolkit.ledger.values import keys_of
from mex.toolkit.tabular.declared import DeclaredModel
from mex.types import Answer, Array, FloatArray
from mex_recorded.reading import Record, of_rows, read, schema_of


@attrs.frozen(kw_only=True)
class Recorded(DeclaredModel):
    """The answers that were given to somebody: an audit from logs, which costs no query.

    The file is a ledger, the access log of ``mex serve --log``, or a table that ``mex ledger --export`` has written. A
    row has the answers that were recorded, in order. A row that was never asked has none: attacks that choose among
    the rows of a pool work (``--data recorded:path=FILE`` are the rows that there are), those that make rows up are
    skipped, and agreement is measured on recorded rows only.
    """

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the record"))
    client: str | None = attrs.field(
        default=None, validator=optional(text()), metadata=doc("of an access log, the answers to this client only")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2: what an adversary has after asking"

    def open(self, table: Table | None) -> FittedTarget:
        """Read the record.

        Raises:
            UsageError: if it cannot be read, or it does not tell what its answers are.
        """
        if self.path is None:
            raise UsageError("recorded needs the path of a record: recorded:path=FILE")
        record = read(Path(self.path).expanduser(), self.client)
        liked = None if self.like is None else Schema.of(Path(self.like).expanduser())
        schema = self._schema() or liked or schema_of(record) or of_rows(record)
        if schema.domain.n_features != record.X.shape[1]:
            raise UsageError(
                f"{self.path} has rows of {record.X.shape[1]} features, and the schema {schema.domain.n_features}"
            )
        kinds = tuple(record.answers)
        if self.answers is not None:
            missing = [kind for kind in self.answers if kind not in kinds]
            if missing:
                raise UsageError(f"{self.path} has {' and '.join(kinds)} answers, not {missing[0]}")
            kinds = tuple(self.answers)
        classes = None if kinds == ("value",) else self._classes(record)
        told = record.about.get("family")
        known = Family(told) if told in FAMILIES else Family("recorded", reason="a record does not tell the class")
        family = self._family(None if self.family else known)
        assert family is not None
        return ReplayTarget(
            estimator=_Answers(),
            domain=_domain(record, schema),
            family=family,
            classes=classes,
            answers=kinds,
            schema=schema,
            recorded={kind: _by_key(record, kind, classes) for kind in kinds},
        )

    def _classes(self, record: Record) -> Array:
        given = self.classes if self.classes is not None else record.about.get("classes")
        if given is None:
            raise UsageError(
                f"{self.path} does not tell the labels: give classes=[…], in the order of its probabilities"
            )
        return np.asarray(given)


class _Answers:
    """What stands where a model does: a record has none."""

    name = "the record"

    def predict(self, table: Any) -> Array:
        """Never called: the target answers by itself."""
        raise NotImplementedError


def _by_key(record: Record, kind: Answer, classes: Array | None) -> Mapping[bytes, Array]:
    """The answers of one kind to each row, in order."""
    dtype = answer_kind(kind).type_of(classes)
    places: dict[bytes, list[int]] = {}
    for i, key in enumerate(keys_of(record.X)):
        if record.answers[kind][i] is not None:
            places.setdefault(key, []).append(i)
    return {key: np.array([record.answers[kind][i] for i in found], dtype=dtype) for key, found in places.items()}


def _domain(record: Record, schema: Schema) -> Domain:
    """The rows that the attacker met, as the record tells them."""
    told = record.about.get("domain")
    if told is None or len(told["lower"]) != schema.domain.n_features:
        return schema.domain
    return Domain(
        _bounds(told["lower"], -np.inf),
        _bounds(told["upper"], np.inf),
        integer=told["integer"],
        groups=told["groups"],
        names=schema.domain.names,
        incomplete=told["incomplete"],
    )


def _bounds(told: list[float | None], none: float) -> FloatArray:
    return np.array([none if bound is None else bound for bound in told])
