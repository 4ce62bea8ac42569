"""One cell of the matrix: what it is, and the one place where its random streams come from."""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any, get_args

import attrs
import numpy as np

import mex
from mex.errors import UsageError
from mex.oracle import PRICE_PER_QUERY
from mex.params import Check, whole
from mex.registry.spec import Spec
from mex.types import Answer

KINDS_OF_ANSWER: tuple[str, ...] = get_args(Answer)


def _answers(_: Any, __: Any, value: Any) -> None:
    if value is not None and value not in KINDS_OF_ANSWER:
        raise UsageError(f"answers must be one of {', '.join(KINDS_OF_ANSWER)}, not {value!r}")


@attrs.frozen(kw_only=True)
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
    price_per_query: float = attrs.field(
        default=PRICE_PER_QUERY,
        validator=Check("a number of at least 0", lambda v: isinstance(v, int | float) and 0 <= v < float("inf")),
    )

    def identity(self) -> dict[str, Any]:
        """The fields that say which measurement it is; ``cell`` is a digest of all the others."""
        fields: dict[str, Any] = {}
        for kind in ("attack", "defense", "model", "dataset"):
            spec: Spec = getattr(self, kind)
            fields[kind], fields[f"{kind}_params"] = spec.name, dict(spec.params)
        fields |= {"seed": self.seed, "answers": self.answers, "budget": self.budget}
        fields |= {"price_per_query": float(self.price_per_query), "mex_version": mex.__version__}
        digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
        return {"cell": digest, **fields}

    def __str__(self) -> str:
        parts = (self.attack, self.defense, self.model, self.dataset)
        return " × ".join(part.name for part in parts) + f" seed {self.seed}"


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The generator for one purpose: the same whatever the attack or defense, so that cells are paired."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])
