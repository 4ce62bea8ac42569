"""A third party does by documented means what we do: a format by its ending, a family, a rho of the row, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

import mex
from mex.registry import loader
from mex.registry.spec import Spec
from mex.testing import checks
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.perturbation.labels import rho_at

Run = Callable[..., CompletedProcess[str]]

PLUGIN = '''
    """What a package has that takes nothing of mex but its contract and toolkit."""
    import json
    from typing import ClassVar

    import attrs
    import numpy as np

    import mex
    from mex.knowledge import Family
    from mex.params import between, doc
    from mex.target import refusals
    from mex.toolkit.estimators import constant
    from mex.toolkit.perturbation.draws import Draws
    from mex.toolkit.saved import Reading

    @mex.hookimpl
    def mex_components():
        return [
            mex.Component("format", "cut", "outside:Cut", "one threshold, in JSON"),
            mex.Component("format", "lost", "nowhere:Reader", "does not load"),
            mex.Component("defense", "edge-noise", "outside:EdgeNoise", "labels near the edge of the domain are noisy"),
            mex.Component("attack", "patient", "outside:Patient", "asks once and counts what was refused"),
            mex.Component("model", "cuts", "outside:Cuts", "two comparisons"),
        ]

    @mex.hookimpl
    def mex_cell_started(cell):
        raise SystemExit("not today")

    @mex.hookimpl
    def mex_cell_finished(cell, outcome):
        raise ValueError("nor tomorrow")

    class Threshold:
        def __init__(self, at, d):
            self.at, self.classes_, self.n_features_in_ = at, np.array([0, 1]), d

        def predict(self, X):
            return (np.asarray(X)[:, 0] > self.at).astype(int)

    class Cut:
        ENDINGS = {".cut"}

        @staticmethod
        def read(path, wishes):
            return Reading(model=Threshold(json.loads(path.read_text())["at"], 3))

    @attrs.frozen(kw_only=True)
    class Cuts:
        """Compare the first feature with 0.2: a family of its own, parallel to the axes."""

        scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary")
        paper: ClassVar[str] = "none"

        def estimator(self, task, rng):
            from sklearn.tree import DecisionTreeClassifier

            return DecisionTreeClassifier(max_depth=1, random_state=0)

        def fit(self, dataset, train, rng):
            rules = Family("rules", axis_parallel=True, learner=self.estimator(dataset.task, rng))
            fitted = rules.learner.fit(train.X, train.y)
            return mex.FittedTarget.wrap(fitted, domain=dataset.domain, family=rules)

    @attrs.frozen(kw_only=True)
    class EdgeNoise:
        """Flip a label with a probability that grows towards the edge of the first feature."""

        most: float = attrs.field(default=0.4, validator=between(0, 0.5), metadata=doc("probability at the edge"))

        scope: ClassVar[mex.Scope] = mex.Scope(tasks="binary")
        paper: ClassVar[str] = "none"

        def protect(self, target, train, rng):
            return Edge(target, self.most, Draws(rng, sticky=False))

    class Edge(mex.Defended):
        answers = ("label",)

        def __init__(self, target, most, draws):
            super().__init__(target)
            self._most, self._draws = most, draws

        def rho_at(self, X):
            width = self.domain.upper[0] - self.domain.lower[0]
            return self._most * np.clip(abs(2 * (X[:, 0] - self.domain.middle[0]) / width), 0, 1)

        @property
        def rho(self):
            return self._most

        def answer(self, X, kind):
            labels, wrong = self._target.answer(X, kind), self._draws.uniform(X)[:, 0] < self.rho_at(X)
            return np.where(wrong, self.classes[1 - np.searchsorted(self.classes, labels)], labels)

    @attrs.frozen(kw_only=True)
    class Patient:
        """Ask rows of the domain once each, refused or not."""

        scope: ClassVar[mex.Scope] = mex.Scope(answers="label")
        paper: ClassVar[str] = "none"

        def learner(self, knowledge, rng):
            return Counting(knowledge, rng)

    class Counting:
        takes_refusals = True

        def __init__(self, known, rng):
            self.known, self.rows, self.refused, self.last = known, known.domain.sample(30, rng), 0, known.classes[0]

        def ask(self):
            return None if len(self.rows) == 0 else self.rows[:10]

        def tell(self, X, answers):
            gone = refusals(answers)
            self.refused += int(gone.sum())
            self.rows = self.rows[len(X):]
            if not gone.all():
                self.last = np.ma.getdata(answers)[~gone][-1]

        @property
        def note(self):
            return f"{self.refused} rows were refused"

        def hypothesis(self):
            return constant(self.last, self.known.domain.n_features)
'''


@pytest.fixture(autouse=True)
def outside(install: Callable[..., Path]) -> Iterator[None]:
    """The plugin, installed for as long as a test runs."""
    install("mex-outside", {"outside": "outside"}, {"outside": PLUGIN})
    loader._latest.clear()
    loader.installed.cache_clear()
    yield
    loader._latest.clear()
    loader.installed.cache_clear()


def test_a_file_of_a_plugins_format_is_a_model_by_its_ending(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "model.CUT"
    path.write_text('{"at": 0.5}', encoding="utf-8")
    assert Spec.parse(str(path)) == Spec.parse(str(path), "model") == Spec("file", {"path": str(path)})
    assert Spec.parse("passive:model=logistic").name == "passive"
    assert Spec.parse("bounded-noise:rho=0.5", "defense").name == "bounded-noise"
    rows = tmp_path / "rows.csv"
    table = np.random.default_rng(0).random((200, 3)).round(4)
    rows.write_text("a,b,c\n" + "\n".join(",".join(map(str, row)) for row in table), encoding="utf-8")
    done = run("attack", "passive", "-m", str(path), "--data", str(rows), "--budget", "60", "--json")
    record = json.loads(done.stdout)
    assert (record["model"], record["queries"]) == ("file", 60)
    assert record["agreement"] > 0.9
    assert "mex: no model named" in run("attack", "passive", "-m", "model.cot", "--data", str(rows)).stderr


def test_a_defense_of_any_base_states_a_rho_that_depends_on_the_row(registry: mex.Registry) -> None:
    for check in checks("defense", "edge-noise", untouched=()):
        check()
    target, data = example_target(), example_dataset()
    train, rng = mex.Rows(data.X, data.y), np.random.default_rng(0)
    edge = mex.load_registry().build("defense", "edge-noise").protect(target, train, rng)
    X = np.array([[0.0, 0, 0, 0], [1.0, 0, 0, 0]])
    assert rho_at(edge, X).tolist() == [0.0, 0.4]
    both = registry.build("defense", "bounded-noise:rho=0.1").protect(edge, train, rng)
    assert np.allclose(both.rho_at(X), [0.1, 0.4 + 0.1 - 2 * 0.4 * 0.1]), "ours goes on from theirs"


def test_a_family_declared_parallel_to_the_axes_is_measured_by_crossovers_and_refusals_are_taken(run: Run) -> None:
    done = run(
        "matrix", "-a", "patient", "-a", "tree-labels", "-d", "query-budget:limit=15", "-m", "cuts",
        "--data", "haberman", "--seeds", "1", "--budget", "100", "--json",
    )  # fmt: skip
    records = {r["attack"]: r for r in map(json.loads, done.stdout.splitlines())}
    patient = records["patient"]
    assert (patient["queries"], patient["refused"], patient["status"]) == (30, 15, "ok")
    assert "15 rows were refused" in patient["reason"]
    assert "works on tree models; this is a rules one" in records["tree-labels"]["reason"]
    assert done.stderr.count("'outside' failed in mex_cell_started and is left out") == 1
    assert done.returncode == 0, "hooks that raise end nothing"


def test_their_own_components_keep_the_promises(registry: mex.Registry) -> None:
    for check in (*checks("model", "cuts"), *checks("attack", "patient")):
        check()
