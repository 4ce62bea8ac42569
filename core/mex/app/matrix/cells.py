"""The cells of a matrix."""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

import attrs

import mex
from mex.answers import OURS, answer_kinds
from mex.errors import UsageError
from mex.knowledge import Scope
from mex.oracle import PRICE_PER_QUERY
from mex.params import Check, whole
from mex.registry.spec import Spec, plain
from mex.types import Answer


def _is_price(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


PRICE = Check("a number of at least 0", _is_price)


def _answers(_: Any, __: Any, value: Any) -> None:
    if value is not None and value not in (kinds := answer_kinds()):
        raise UsageError(f"answers must be one of {', '.join(kinds)}, not {value!r}")


def kinds_of_answers(value: Any) -> tuple[Answer | None, ...]:
    """The kinds of answer of a plan: ``all``, one, a list of them, or None for each model's usual one.

    Raises:
        UsageError: for anything else.

    >>> kinds_of_answers("all")[:4], kinds_of_answers(["proba", "label"]), kinds_of_answers(None)
    (('label', 'proba', 'leaf', 'value'), ('proba', 'label'), (None,))
    """
    kinds = list(answer_kinds()) if value == "all" else value if isinstance(value, list) else [value]
    if not kinds or (isinstance(value, list) and None in value):
        raise UsageError(f"answers must be one of {', '.join(answer_kinds())}, a list of these, or all, not {value!r}")
    for kind in kinds:
        Cell.check("answers", kind)
    return tuple(dict.fromkeys(kinds))


def kinds_read(scope: Scope, kinds: Sequence[Answer | None]) -> tuple[Answer | None, ...]:
    """Those of several kinds of answers that an attack takes; all if it takes none of them.

    One that takes labels only reads the same ones beside probabilities: to run it twice would tell nothing.

    >>> kinds_read(Scope(answers="label"), ("label", "proba", "leaf")), kinds_read(Scope(answers="label"), ("proba",))
    (('label',), ('proba',))
    """
    return tuple(kind for kind in kinds if kind in (scope.answers or OURS)) or tuple(kinds)


@attrs.frozen(kw_only=True, slots=False)
class Cell:
    """One attack on one defended model of one dataset with one seed: specs only, so that it travels.

    Attributes:
        attack, defense, model, dataset: the four components.
        seed: where every random draw of the cell starts from.
        answers: the kind of answer the interface gives; None is its usual one.
        budget: how many rows the attacker may ask.
        price_per_query: in US dollars.
    """

    attack: Spec
    defense: Spec
    model: Spec
    dataset: Spec
    seed: int = attrs.field(default=0, validator=whole(0))
    answers: Answer | None = attrs.field(default=None, validator=_answers)
    budget: int = attrs.field(default=1000, validator=whole(1))
    price_per_query: float = attrs.field(default=PRICE_PER_QUERY, validator=PRICE)

    @classmethod
    def check(cls, field: str, value: Any) -> None:
        """Raise :class:`UsageError` if ``value`` cannot be what a cell has in ``field``."""
        attribute = attrs.fields_dict(cls)[field]
        if attribute.validator:
            attribute.validator(None, attribute, value)

    @functools.cached_property
    def key(self) -> str:
        """A digest of everything that decides which measurement it is."""
        return hashlib.sha256(json.dumps(self._fields(), sort_keys=True).encode()).hexdigest()[:16]

    def identity(self) -> dict[str, Any]:
        """The fields of its record that say which measurement it is; ``cell`` is its :attr:`key`."""
        return {"cell": self.key, **self._fields()}

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for kind in ("attack", "defense", "model", "dataset"):
            spec: Spec = getattr(self, kind)
            fields[kind], fields[f"{kind}_params"] = spec.name, plain(spec.params)
        fields |= {"seed": self.seed, "answers": self.answers, "budget": self.budget}
        return fields | {"price_per_query": float(self.price_per_query), "mex_version": mex.__version__}

    def __str__(self) -> str:
        parts = (self.attack, self.defense, self.model, self.dataset)
        return " × ".join(part.name for part in parts) + f" seed {self.seed}"


class Cells(Sequence[Cell]):
    """The cells of a resolved plan, each made when it is asked for: a hundred thousand take no room."""

    def __init__(
        self,
        datasets: Iterable[Spec],
        models: Iterable[Spec],
        seeds: Iterable[int],
        pairs: Iterable[tuple[Spec, Answer | None, Spec]],
        settings: Mapping[str, Any],
    ) -> None:
        """Every dataset with every model, seed and pair of a defense and an attack that gets its answers; each once."""
        self._settings = settings
        axes = (datasets, models, seeds, pairs)
        self._axes: list[Sequence[Any]] = [a if isinstance(a, range) else tuple(dict.fromkeys(a)) for a in axes]
        self._chosen: Sequence[int] = range(math.prod(map(len, self._axes)))

    def only(self, wanted: Callable[[Cell], bool]) -> Cells:
        """Those of the cells that are wanted, in the same order."""
        fewer = copy.copy(self)
        fewer._chosen = tuple(place for place in self._chosen if wanted(self._at(place)))
        return fewer

    @property
    def datasets(self) -> Sequence[Spec]:
        """The datasets of all cells."""
        return self._axes[0]

    @property
    def models(self) -> Sequence[Spec]:
        """The models of all cells."""
        return self._axes[1]

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Cell: ...
    @overload
    def __getitem__(self, index: slice) -> list[Cell]: ...
    def __getitem__(self, index: int | slice) -> Cell | list[Cell]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._at(self._chosen[index])

    def _at(self, place: int) -> Cell:
        chosen: list[Any] = []
        for axis in reversed(self._axes):  # those that share a defended model are next to each other
            place, i = divmod(place, len(axis))
            chosen.append(axis[i])
        (defense, kind, attack), seed, model, dataset = chosen
        parts = {"attack": attack, "defense": defense, "model": model, "dataset": dataset}
        return Cell(**parts, seed=seed, answers=kind, **self._settings)
