"""The plan of a matrix: which cells there are, from a TOML file or from flags."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from mex.app.matrix.cells import Cell, Cells, kinds_of_answers, kinds_read
from mex.app.matrix.counters import with_counters
from mex.app.matrix.paid import EVALUATION, with_evaluation_budget
from mex.errors import UsageError, suggest
from mex.params import whole
from mex.registry import Registry
from mex.registry.spec import Spec, plain
from mex.types import Answer

AXES = {"attacks": "attack", "defenses": "defense", "models": "model", "datasets": "dataset"}
GATE = "gate"
"""A table with what ``--fail-if`` and ``--fail-on`` say (:mod:`mex.app.analysis.gate`)."""
MADE_WITH, PAPER = "made_with", "paper"
"""Tables that change nothing: of versions, in the recipe of a run (:mod:`mex.app.matrix.provenance`); of what a
publication printed (:mod:`mex.app.reproduce`)."""
SETTINGS = ("budget", "seeds", "answers", "price_per_query")
COUNTERS = "counters"
"""Whether to add the attacks that know a defense of the plan (:attr:`mex.Component.counters`); by default they are."""
KEYS = (*AXES, *SETTINGS, EVALUATION, COUNTERS)
"""What a plan may say, on the command line as well."""


@attrs.frozen(kw_only=True)
class Plan:
    """The rows and columns of a matrix; the keys of the file and of the flags are these fields.

    Each axis maps a label to a component. ``seeds`` is how many (0, 1, …) or which.

    Attributes:
        evaluation_budget: what :meth:`resolve` gives the models that cost money; None leaves them theirs.
        counters: whether :meth:`resolve` adds the attacks that know a defense of the plan.
        added: which it did, by their label among the attacks: the labels of the defenses that each counters. They meet
            these, and the model without a defense.
        read: the kinds of answers that each attack is shown, by its label, once the plan is resolved
            (:func:`kinds_read`).
    """

    attacks: Mapping[str, Spec]
    defenses: Mapping[str, Spec]
    models: Mapping[str, Spec]
    datasets: Mapping[str, Spec]
    seeds: int | Sequence[int] = 3
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    fail_if: Sequence[str] = ()
    fail_on: str = "any"
    counters: bool = True
    evaluation_budget: int | None = None
    added: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    read: Mapping[str, tuple[Answer | None, ...]] = attrs.field(factory=dict)

    @classmethod
    def of(cls, tables: Mapping[str, Any]) -> Plan:
        """A plan from tables as in the file; an axis may also be a list of specs or texts.

        Raises:
            UsageError: naming the table or key that is wrong.
        """
        for key in tables:
            if key not in (*KEYS, GATE, MADE_WITH, PAPER):
                raise UsageError(f"no setting named {key!r}{suggest(key, (*KEYS, GATE))}")
        axes: dict[str, Any] = {axis: _axis(axis, tables.get(axis, {})) for axis in AXES}
        for axis, entries in axes.items():
            if not entries:
                raise UsageError(f"a matrix needs at least one of its {axis}")
        seeds = plain(tables.get("seeds", 3))
        if not (whole(1).accepts(seeds) or (isinstance(seeds, list) and seeds and all(map(whole(0).accepts, seeds)))):
            raise UsageError(f"seeds must be a whole number of at least 1 or a list of whole numbers, not {seeds!r}")
        settings = {key: plain(tables[key]) for key in SETTINGS if key in tables and key != "seeds"}
        kinds_of_answers(settings.get("answers"))
        for key in settings.keys() - {"answers"}:
            Cell.check(key, settings[key])
        counters = tables.get(COUNTERS, True)
        if not isinstance(counters, bool):
            raise UsageError(f"{COUNTERS} must be true or false, not {counters!r}")
        gate, rows = _gate(tables.get(GATE, {})), tables.get(EVALUATION)
        return cls(**axes, seeds=seeds, settings=settings, counters=counters, evaluation_budget=rows, **gate)

    def resolve(self, registry: Registry) -> Plan:
        """The same plan with every default filled in, so that all names and parameters are checked, and with counters.

        Raises:
            UsageError: for an unknown component or a bad parameter.
        """
        axes: dict[str, Any] = {
            axis: {label: registry.resolve(kind, spec) for label, spec in getattr(self, axis).items()}
            for axis, kind in AXES.items()
        }
        if self.evaluation_budget is not None:
            models = with_evaluation_budget(self.models, self.evaluation_budget, registry)
            axes["models"] = {label: registry.resolve("model", spec) for label, spec in models.items()}
        plan = attrs.evolve(self, **axes)
        plan = with_counters(plan, registry) if self.counters else plan
        kinds = kinds_of_answers(plan.settings.get("answers"))
        scopes = {label: registry.build("attack", spec).scope for label, spec in plan.attacks.items()}
        return attrs.evolve(plan, read={label: kinds_read(scope, kinds) for label, scope in scopes.items()})

    def cells(self) -> Cells:
        """Every cell of a resolved plan once, those that share a fitted model next to each other."""
        pairs = [
            (defense, kind, attack)
            for name, defense in self.defenses.items()
            for kind in kinds_of_answers(self.settings.get("answers"))
            for label, attack in self.attacks.items()
            if kind in self.read[label] and self._meet(label, name)
        ]
        seeds = range(self.seeds) if isinstance(self.seeds, int) else self.seeds
        settings = {key: value for key, value in self.settings.items() if key != "answers"}
        return Cells(self.datasets.values(), self.models.values(), seeds, pairs, settings)

    def _meet(self, attack: str, defense: str) -> bool:
        """Whether an attack meets a defense, by their labels: an added one meets those that it counters."""
        countered = self.added.get(attack)
        return countered is None or defense in countered or self.defenses[defense].name == "none"

    def label(self, kind: str, record: Mapping[str, Any]) -> str | None:
        """What a resolved plan calls the component of that kind in a record; None if it is not in the plan."""
        axis = next(axis for axis, of_kind in AXES.items() if of_kind == kind)
        for label, spec in getattr(self, axis).items():
            if (spec.name, dict(spec.params)) == (record[kind], record[f"{kind}_params"]):
                return str(label)
        return None


def read(path: Path) -> dict[str, Any]:
    """The tables of a matrix file.

    Raises:
        UsageError: if it cannot be read or is not TOML, with the place.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _gate(table: Any) -> dict[str, Any]:
    """What the table says of a gate: ``fail_if`` and ``fail_on``."""
    known = isinstance(table, Mapping) and set(table) <= {"fail_if", "fail_on"}
    conditions = table.get("fail_if", []) if known else None
    if not isinstance(conditions, list) or not all(isinstance(text, str) for text in conditions):
        example = "fail_if, a list of conditions such as 'queries_to_0.99 < 500', and fail_on, 'any' or 'median'"
        raise UsageError(f"[{GATE}] holds {example}, not {table!r}")
    return dict(table)


def _axis(axis: str, entries: Any) -> dict[str, Spec]:
    if isinstance(entries, Mapping):
        return dict(itertools.chain.from_iterable(_entry(axis, label, table) for label, table in entries.items()))
    if isinstance(entries, Iterable) and not isinstance(entries, str):
        specs = [Spec.of(entry, AXES[axis]) for entry in entries]
        return dict(itertools.chain.from_iterable(_expand(str(s), s.name, s.params) for s in specs))
    raise UsageError(f"{axis} must be a table of components, not {entries!r}")


def _entry(axis: str, label: str, table: Any) -> list[tuple[str, Spec]]:
    if not isinstance(table, Mapping):
        raise UsageError(f"[{axis}.{label}] must be a table of parameters, not {table!r}")
    params = {key: value for key, value in table.items() if key != "use"}
    if "nest" in params:
        if len(params) > 1 or "use" in table:
            raise UsageError(f"[{axis}.{label}]: nest stands alone; put parameters and sweeps in plain tables")
        return [(label, Spec.nested(Spec(label, params).layers))]
    name = table.get("use", label)
    if not isinstance(name, str):
        raise UsageError(f"[{axis}.{label}]: use must be the name of a component, not {name!r}")
    return _expand(label, name, params)


def _expand(label: str, name: str, params: Mapping[str, Any]) -> list[tuple[str, Spec]]:
    """One spec per combination of the values under ``sweep``."""
    plain = {k: v for k, v in params.items() if k != "sweep" and not k.startswith("sweep.")}
    sweep = dict(params.get("sweep", {})) if isinstance(params.get("sweep", {}), Mapping) else params["sweep"]
    if not isinstance(sweep, dict):
        raise UsageError(f"{label}: sweep must be a table of lists, not {sweep!r}")
    sweep |= {k.removeprefix("sweep."): v for k, v in params.items() if k.startswith("sweep.")}
    for key, choices in sweep.items():
        if not isinstance(choices, list) or not choices:
            raise UsageError(f"{label}: sweep.{key} must be a list of values, not {choices!r}")
    if not sweep:
        return [(label, Spec(name, plain))]
    specs = [
        Spec(name, {**plain, **dict(zip(sweep, combo, strict=True))}) for combo in itertools.product(*sweep.values())
    ]
    return [(str(attrs.evolve(spec, name=label.partition(":")[0])), spec) for spec in specs]
