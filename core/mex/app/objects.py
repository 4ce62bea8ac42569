"""What a user of :func:`mex.matrix` gives as models and data: components by name, and objects of the program."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from mex.app.matrix.live import Live
from mex.dataset import Table
from mex.errors import UsageError, suggest
from mex.fitted import FittedTarget
from mex.knowledge import Family
from mex.registry.spec import Spec
from mex.target import Target
from mex.toolkit.tabular.reading import columns_of

Axis: TypeAlias = dict[str, Any] | list[Any]
"""The rows or columns of a plan: tables of components by label, or a list of components."""

OPTIONS = ("like", "schema", "classes", "answers", "family")
"""What may stand beside the object of a model, as :func:`mex.toolkit.tabular.opening.open_model` takes it."""


def read_objects(models: Any, data: Any, target: str | None) -> tuple[dict[str, Axis], Live | None]:
    """The axes of a plan that models and data are, and the objects among them, if there are some.

    Raises:
        UsageError: for what is neither a component nor an object that could be one.
    """
    if models is not None and data is None:
        raise UsageError("say what the models are asked about: data=(X, y), a data frame, or a dataset")
    axes, objects = dict[str, Axis](), dict[tuple[str, str], Any]()
    for axis, kind, given in (("models", "model", models), ("datasets", "dataset", data)):
        if given is None:
            continue
        if isinstance(given, str | Path | Spec):
            axes[axis] = [_component(given, kind, target)]
        elif isinstance(given, list) and all(isinstance(one, str | Path | Spec) for one in given):
            axes[axis] = [_component(one, kind, target) for one in given]
        else:
            named = given if isinstance(given, Mapping) else {"data" if kind == "dataset" else "model": given}
            objects |= {
                (kind, name): _model(one) if kind == "model" else _table(name, one, target)
                for name, one in named.items()
                if not _is_component(one)
            }
            axes[axis] = {
                name: _component(one, kind, target) if _is_component(one) else None for name, one in named.items()
            }
    if not objects:
        return axes, None
    live = Live.of(objects)
    for (kind, name), its_digest in live.digests.items():
        of_kind = axes[f"{kind}s"]
        assert isinstance(of_kind, dict)
        of_kind[name] = {"use": name, "object": its_digest}
    return axes, live


def _is_component(given: Any) -> bool:
    return isinstance(given, str | Path | Spec) or (isinstance(given, Mapping) and "use" in given)


def _component(given: Any, kind: str, target: str | None) -> Any:
    """A component as a table of a plan; a dataset that was named has the ``target`` for a parameter."""
    if isinstance(given, Mapping):
        return given
    spec = given if isinstance(given, Spec) else Spec.parse(str(given), kind)
    told = {"target": target} if kind == "dataset" and target is not None else {}
    return {"use": spec.name, **told, **spec.params}


def _model(given: Any) -> dict[str, Any]:
    """The arguments of ``open_model`` for a model, or for a mapping with ``object`` and options beside it."""
    options: dict[str, Any] = {}
    if isinstance(given, Mapping):
        options = dict(given)
        given = options.pop("object", None)
        for name in options.keys() - set(OPTIONS):
            raise UsageError(f"a model has no option {name!r}{suggest(name, OPTIONS)}")
    if isinstance(given, FittedTarget):
        seen = {"schema": given.schema, "classes": given.classes, "answers": given.answers, "family": given.family}
        given, options = given.estimator, {**seen, **options}
    elif isinstance(given, Target):
        raise UsageError("a model of a matrix stands without a defense: name those that come before it as defenses=")
    if inspect.isclass(given) or not (callable(given) or callable(getattr(given, "predict", None))):
        raise UsageError(f"a model is an object with predict, a function of rows, or a component, not {given!r}")
    if isinstance(options.get("family"), str):
        options["family"] = Family(options["family"])
    if isinstance(options.get("answers"), str):
        options["answers"] = (options["answers"],)
    return {"model": given, **options}


def _table(name: str, given: Any, target: str | None) -> Table:
    """The table that was given as a data frame, one of whose columns may be the ``target``, or as (X, y)."""
    if isinstance(given, tuple) and len(given) == 2:
        rows, labels = given
        columns_of(rows)
        return Table(name, rows, labels=labels)
    columns = columns_of(given)
    if target is not None and target not in columns:
        raise UsageError(f"data {name!r} has no column {target!r}{suggest(target, map(str, columns))}")
    return Table(name, given, target=target)
