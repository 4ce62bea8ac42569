"""A saved model as a target."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import attrs

from mex import Family, FittedTarget, Schema, Scope, Table, UsageError
from mex.knowledge import KINDS
from mex.params import Check, boolean, doc, either, one_of, optional, text
from mex.toolkit.tabular.opening import open_model
from mex.toolkit.tabular.reading import columns_of
from mex.types import Answer
from mex_file.formats import READERS, format_of
from mex_file.reading import Reading, Wishes


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def listing(noun: str) -> Check:
    """One text or several."""
    return Check(noun, lambda v: isinstance(v, tuple) and all(isinstance(part, str) for part in v))


TABLE = Check("a table", lambda v: isinstance(v, Mapping))


@attrs.frozen(kw_only=True)
class File:
    """A model that was fitted elsewhere and saved, in the format of one of several libraries.

    What the file tells of its columns, levels, classes and precision is taken from it, the rest from the table that
    it is asked about, or from ``like``. Nothing that runs code is opened unasked. ``mex inspect`` prints what was
    understood.
    """

    path: str | None = attrs.field(default=None, validator=optional(text()), metadata=doc("the file, or the folder"))
    format: str | None = attrs.field(
        default=None,
        validator=optional(one_of(*READERS)),
        metadata=doc("of the file, if its name does not tell"),
    )
    like: str | None = attrs.field(
        default=None,
        validator=optional(text()),
        metadata=doc("a CSV file as the model's users send tables; by default the dataset"),
    )
    schema: Any = attrs.field(
        default=None,
        validator=optional(either(text(), TABLE)),
        metadata=doc("the columns, as mex.Schema.to_dict gives them, or a JSON file with that"),
    )
    answers: Sequence[Answer] | None = attrs.field(
        default=None,
        converter=_listed,
        validator=optional(listing("kinds of answer")),
        metadata=doc("the kinds of answer that its interface gives, the usual one first; by default all that it has"),
    )
    classes: Sequence[Any] | None = attrs.field(
        default=None,
        validator=optional(Check("a list of labels", lambda v: isinstance(v, list | tuple) and len(v) > 1)),
        metadata=doc("names for classes that the file only numbers, in the order of its probabilities"),
    )
    family: Any = attrs.field(
        default=None,
        validator=optional(either(one_of(*KINDS), TABLE)),
        metadata=doc("the public class, if you know better: a kind, or {kind='boosted', max_depth=1}"),
    )
    trusted: Sequence[str] = attrs.field(
        default=(),
        converter=_listed,
        validator=listing("a type or a list of types"),
        metadata=doc("types in a file of skops whose code may run"),
    )
    unsafe: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("open a pickle, which runs whatever code is in it")
    )
    reader: str | None = attrs.field(
        default=None,
        validator=optional(one_of("estimator", "booster")),
        metadata=doc("of XGBoost: the class that is deployed, XGBClassifier and XGBRegressor or Booster"),
    )
    missing: float | None = attrs.field(
        default=None,
        validator=optional(Check("a number", _is_number)),
        metadata=doc("of XGBoost: the number that stands for a missing value; files do not tell it"),
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2: f* of a server, as it was deployed"

    def open(self, table: Table | None) -> FittedTarget:
        """Open the file.

        Raises:
            UsageError: if it cannot be read, or does not suit the table.
        """
        read = self.read([] if table is None else [str(name) for name in columns_of(table.columns)])
        return open_model(
            read.model,
            table,
            like=None if self.like is None else Path(self.like).expanduser(),
            schema=self._schema(),
            classes=None if hasattr(read.model, "classes_") else self.classes,
            family=self._family(read),
            answers=None if self.answers is None else tuple(self.answers),
            frame=read.frame,
            precision=read.precision,
        )

    def read(self, columns: Sequence[str] = ()) -> Reading:
        """The model in the file, with what is to be told about it; ``columns`` are those of the tables that it gets.

        Raises:
            UsageError: if it cannot be read.
        """
        if self.path is None:
            raise UsageError("file needs the path of a model: file:path=FILE")
        path = Path(self.path).expanduser()
        form = self.format or format_of(path)
        wishes = Wishes(
            columns=columns,
            classes=self.classes,
            trusted=self.trusted,
            unsafe=self.unsafe,
            reader=self.reader,
            missing=self.missing,
        )
        read: Reading = importlib.import_module(READERS[form]).read(path, wishes)
        return read

    def facts(self) -> Mapping[str, str]:
        """What is to be told about the file, by its name."""
        return self.read().facts

    def _family(self, read: Reading) -> Family | None:
        if self.family is None:
            return read.family
        given = {"kind": self.family} if isinstance(self.family, str) else dict(self.family)
        known = read.family.public if read.family else {}
        if given.get("kind") not in KINDS:
            raise UsageError(f"family has a kind, one of {', '.join(KINDS)}, not {given.get('kind')!r}")
        return Family(given.pop("kind"), {**known, **given})

    def _schema(self) -> Schema | None:
        given = self.schema
        if isinstance(given, str):
            try:
                given = json.loads(Path(given).expanduser().read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise UsageError(f"{self.schema} cannot be read as a schema ({error})") from None
        return None if given is None else Schema.of(given)
