"""What an audited model and its data are called on a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mex.app.audit.subject import Subject
from mex.dataset import Table
from mex.params import default, fields
from mex.registry.spec import Spec, plain
from mex.toolkit.tabular.reading import columns_of

LONGEST = 4
"""Steps of a pipeline that its name lists."""


def name_of(subject: Subject, kind: str, spec: Spec) -> str:
    """A short name: of an object its class and steps, of a file its name, of an endpoint its address.

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> model_name(make_pipeline(StandardScaler(), SVC()))
    'Pipeline (StandardScaler, SVC)'
    """
    if (given := held(subject, kind, spec)) is not None:
        return table_name(given) if isinstance(given, Table) else model_name(given["model"])
    path, url = spec.params.get("path"), spec.params.get("url")
    return Path(str(path)).name if path else str(url) if url else component(subject, kind, spec)


def component(subject: Subject, kind: str, spec: Spec) -> str:
    """A component by what its user gave: the parameters that are not as by default."""
    usual = {field.name: plain(default(field)) for field in fields(subject.registry.load(kind, spec.name))}
    return str(Spec(spec.name, {key: value for key, value in spec.params.items() if value != usual.get(key)}))


def held(subject: Subject, kind: str, spec: Spec) -> Any:
    """The object of the program that a component is; None if it is none."""
    objects: Mapping[tuple[str, str], Any] = {} if subject.live is None else subject.live.objects
    return objects.get((kind, spec.name))


def model_name(model: Any) -> str:
    """The class of an estimator with the steps of a pipeline, or the name of a function."""
    if not callable(getattr(model, "predict", None)):
        return f"the function {getattr(model, '__qualname__', type(model).__name__)}"
    steps = getattr(model, "steps", None)
    if not isinstance(steps, list):
        return type(model).__name__
    classes = [type(step).__name__ for _, step in steps if step not in (None, "passthrough")]
    more = f", and {len(classes) - LONGEST} more" if len(classes) > LONGEST else ""
    return f"{type(model).__name__} ({', '.join(classes[:LONGEST])}{more})"


def table_name(table: Table) -> str:
    """The size of a table that was given."""
    columns = columns_of(table.columns)
    rows = len(next(iter(columns.values()), ()))
    return f"a table of {rows:,} rows and {len(columns) - (table.target in columns)} columns"
