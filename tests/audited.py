"""One small audit, run once for all tests that look at what it says."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import mex
from mex.app.audit import choosing
from mex.app.audit.choosing import attacks
from mex.app.audit.depth import Depth
from mex.app.audit.running import Audit, Outcome
from mex.app.audit.shields import shields
from mex.app.audit.subject import Subject, open_subject
from mex.app.matrix.backends import Workers
from mex.app.objects import read_objects

TINY = Depth(
    name="tiny",
    minutes=1,
    most=math.inf,
    race_budget=24,
    race_rows=2,
    keep=1,
    budget=120,
    seeds=2,
    defenses=("bounded-noise", "label-only", "rounding"),
    defended_by=1,
)
TRIED = ("passive", "pivot", "equation-solving", "kushilevitz-mansour")


def subject_of(model: Any, X: Any, y: Any) -> Subject:
    """An audit's subject of objects of a program."""
    axes, live = read_objects({"model": model}, (X, y), None)
    assert live is not None
    models: Any = axes["models"]
    datasets: Any = axes["datasets"]
    return open_subject(live.added_to(mex.load_registry()), models["model"], datasets["data"], live)


def plane(n: int = 400) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (n, 3))
    return X, np.where(X @ [1.0, -2.0, 0.5] > 0.1, "yes", "no")


@pytest.fixture(scope="session")
def subject() -> Subject:
    X, y = plane()
    return subject_of(LogisticRegression(C=100.0).fit(X, y), X, y)


@contextlib.contextmanager
def small_forests() -> Iterator[None]:
    """Audits whose thieves fit small forests where they do not know the class."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "SURROGATE", {"use": choosing.SURROGATE, "trees": 5})
        yield


@pytest.fixture(scope="session")
def ready(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    choices = [c for c in attacks(subject) if c.label in TRIED]
    found = shields(subject, TINY.defenses)
    return Audit(subject, TINY, tmp_path_factory.mktemp("audit"), Workers(), 1e-4, choices, found)


@pytest.fixture(scope="session")
def outcome(ready: Audit) -> Outcome:
    with small_forests():
        return ready.run(lambda name, run: None, lambda sentence: None)


def of(outcome: Outcome, **changes: Any) -> Outcome:
    """The same audit with something else in it."""
    return attrs.evolve(outcome, **changes)


def path_of(ready: Audit) -> Path:
    return ready.out
