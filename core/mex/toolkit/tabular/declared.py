"""What a user says about a model that is deployed already: the parameters that every plugin which opens one has."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from mex.answers import OURS, answer_kinds
from mex.dataset import Table
from mex.errors import UsageError
from mex.fitted import FittedTarget
from mex.knowledge import KINDS, Family
from mex.params import Check, doc, either, one_of, optional, text
from mex.schema import Schema
from mex.toolkit.tabular.opening import open_model
from mex.types import Answer, Estimator


def listed(value: Any) -> Any:
    """A text as a list of one; lists as tuples."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def texts(noun: str) -> Check:
    """One text or several, after :func:`listed`."""
    return Check(noun, lambda v: isinstance(v, tuple) and all(isinstance(part, str) for part in v))


KINDS_OF_ANSWER = Check(
    f"some of {', '.join(OURS)}, or of the kinds of plugins",
    lambda v: isinstance(v, tuple) and len(v) > 0 and all(kind in answer_kinds() for kind in v),
)
TABLE = Check("a table", lambda v: isinstance(v, Mapping))


@attrs.frozen(kw_only=True)
class DeclaredModel:
    """A base of models that are deployed already: what the model does not tell of itself is declared."""

    like: str | None = attrs.field(
        default=None,
        validator=optional(text()),
        metadata=doc("a CSV or Parquet file as the model's users send tables; by default the dataset"),
    )
    schema: Any = attrs.field(
        default=None,
        validator=optional(either(text(), TABLE)),
        metadata=doc("the columns, as mex.Schema.to_dict gives them, or a JSON file with that"),
    )
    answers: Sequence[Answer] | None = attrs.field(
        default=None,
        converter=listed,
        validator=optional(KINDS_OF_ANSWER),
        metadata=doc("the kinds of answer that its interface gives, the usual one first; by default all that it has"),
    )
    classes: Sequence[Any] | None = attrs.field(
        default=None,
        validator=optional(Check("a list of labels", lambda v: isinstance(v, list | tuple) and len(v) > 1)),
        metadata=doc("the labels, in the order of its probabilities, if it does not tell them"),
    )
    family: Any = attrs.field(
        default=None,
        validator=optional(either(one_of(*KINDS), TABLE)),
        metadata=doc("the public class, if you know better: a kind, or {kind='boosted', max_depth=1}"),
    )

    def opened(
        self,
        model: Estimator,
        table: Table | None,
        *,
        known: Family | None = None,
        frame: str = "",
        precision: str = "",
    ) -> FittedTarget:
        """The target that ``model`` is, as :func:`open_model` opens it with what was declared.

        Args:
            model: with the methods of an estimator, or a function.
            table: what its users send, if known.
            known: its public class, where it is known better than the class of ``model`` tells.
            frame, precision: as :func:`open_model` has them.

        Raises:
            UsageError: if it does not suit the table, or what was declared is not true.
        """
        return open_model(
            model,
            table,
            like=None if self.like is None else Path(self.like).expanduser(),
            schema=self._schema(),
            classes=None if hasattr(model, "classes_") else self.classes,
            family=self._family(known),
            answers=None if self.answers is None else tuple(self.answers),
            frame=frame,
            precision=precision,
        )

    def _family(self, known: Family | None) -> Family | None:
        if self.family is None:
            return known
        given = {"kind": self.family} if isinstance(self.family, str) else dict(self.family)
        if given.get("kind") not in KINDS:
            raise UsageError(f"family has a kind, one of {', '.join(KINDS)}, not {given.get('kind')!r}")
        return Family(given.pop("kind"), {**(known.public if known else {}), **given})

    def _schema(self) -> Schema | None:
        given = self.schema
        if isinstance(given, str):
            try:
                given = json.loads(Path(given).expanduser().read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError(f"{self.schema} cannot be read as a schema ({error})") from None
        return None if given is None else Schema.of(given)
