"""What a plugin does to settings of the process is undone before the next cell."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import attrs
import numpy as np
import pytest
import sklearn
from odd import Odd
from sklearn.linear_model import LogisticRegression

import mex
from mex.app.matrix import scenarios
from mex.app.matrix.interrupts import user_interrupts
from mex.app.matrix.isolation import isolated
from mex.dataset import Rows
from mex.target import Target

PLAN: dict[str, Any] = {"defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"], "seeds": 1}


def settings() -> dict[str, Any]:
    """Everything that is to be as before."""
    return {
        "sklearn": sklearn.get_config(),
        "numpy": np.geterr(),
        "print": np.get_printoptions(),
        "warnings": [str(entry) for entry in warnings.filters],
        "showwarning": warnings.showwarning,
        "directory": os.getcwd(),
        "numpy.random": np.random.get_state()[1].tolist(),  # type: ignore[index]
        "random": random.getstate(),
    }


def spoil() -> None:
    """Change all of them."""
    sklearn.set_config(transform_output="pandas", enable_metadata_routing=True)
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("ignore")
    warnings.showwarning = lambda *_: None  # type: ignore[assignment]
    os.chdir("/")
    np.random.seed(0)
    np.random.standard_normal(3)
    random.seed(0)


class Spoiling(Odd):
    def odd(self) -> None:
        spoil()


class Telling(Odd):
    def odd(self) -> str:
        draws = f"{np.random.random()} {random.random()}"
        return hashlib.sha256(f"{settings()} {draws}".encode()).hexdigest()


@attrs.frozen(kw_only=True)
class SpoilingDefense:
    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        spoil()
        return target


@attrs.frozen(kw_only=True)
class SpoilingModel:
    scope: ClassVar[mex.Scope] = mex.Scope()
    paper: ClassVar[str] = "none"

    def estimator(self, task: str, rng: np.random.Generator) -> Any:
        return LogisticRegression()

    def fit(self, dataset: mex.Dataset, train: Rows, rng: np.random.Generator) -> mex.FittedTarget:
        stolen = LogisticRegression().fit(train.X, train.y)
        spoil()
        return mex.FittedTarget.wrap(stolen, domain=dataset.domain)


@pytest.fixture
def wrong(given: Callable[..., mex.Registry]) -> mex.Registry:
    return given(
        attack={"spoiling": Spoiling, "telling": Telling},
        defense={"spoiling": SpoilingDefense},
        model={"spoiling": SpoilingModel},
    )


def told(registry: mex.Registry, **plan: Any) -> list[str | None]:
    records = mex.matrix({**PLAN, **plan}, registry=registry)
    telling = [record for record in records if record["attack"] == "telling"]
    assert {record["status"] for record in telling} == {"ok"}
    return [record["reason"] for record in telling]


def test_the_next_cell_finds_the_settings_as_they_were(wrong: mex.Registry) -> None:
    before = settings()
    (alone,) = told(wrong, attacks=["telling"])
    assert alone
    assert told(wrong, attacks=["spoiling", "telling"]) == [alone]
    assert told(wrong, attacks=["telling"], seeds=[1]) != [alone], "the global generators start from the seed"
    assert settings() == before


@pytest.mark.parametrize("kind", ["defense", "model"])
def test_it_makes_no_difference_whether_a_model_or_defense_was_made_for_this_cell_or_another(
    wrong: mex.Registry, kind: str
) -> None:
    axis = {f"{kind}s": ["spoiling"]}
    made_for_it = told(wrong, attacks=["telling", "passive"], **axis, seeds=[7])
    scenarios._scene.cache_clear()
    scenarios._deployment.cache_clear()
    assert told(wrong, attacks=["passive", "telling"], **axis, seeds=[7]) == made_for_it


def test_a_plugin_that_draws_from_the_global_generators_gives_the_same_record_twice(wrong: mex.Registry) -> None:
    np.random.seed(1)
    first = told(wrong, attacks=["telling"])
    np.random.seed(2)
    assert told(wrong, attacks=["telling"]) == first


def test_settings_come_back_after_an_error_and_out_of_a_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings()

    def go_wrong() -> None:
        with isolated(0):
            spoil()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        go_wrong()
    assert settings() == before
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with isolated(0):
        os.chdir(tmp_path)
    with isolated(0):
        pass


def test_a_warning_that_was_shown_is_not_shown_again_for_each_cell() -> None:
    def warn() -> None:
        warnings.warn("once is enough", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for _ in range(3):
            with isolated(0):
                warn()
    assert len(shown) == 1


def test_a_users_interrupt_is_told_from_one_that_a_plugin_raises_and_cannot_be_swallowed() -> None:
    with user_interrupts() as interrupted, contextlib.suppress(KeyboardInterrupt):
        raise KeyboardInterrupt
    assert not interrupted()
    before = signal.getsignal(signal.SIGINT)
    with user_interrupts() as interrupted, contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert interrupted()
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_no_interrupt_is_the_users() -> None:
    told: list[bool] = []

    def work() -> None:
        with user_interrupts() as interrupted, contextlib.suppress(KeyboardInterrupt):
            raise KeyboardInterrupt
        told.append(interrupted())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == [False]
