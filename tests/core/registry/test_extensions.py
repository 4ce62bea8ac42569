"""What ours can do, theirs can: a plugin adds samplers, formats, presets, readers of schemas, prices and sections."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.report import page
from mex.hooks import EXTENSIONS, extension, extensions
from mex.knowledge import Family
from mex.registry import loader
from mex.testing.examples import example_dataset, example_target
from mex.toolkit.active.samplers import NearData

Run = Callable[..., CompletedProcess[str]]

PLUGIN = '''
    import json
    import mex
    import numpy as np
    from mex.answers import AnswerKind
    from mex.knowledge import Family
    from mex.toolkit.saved import Reading

    @mex.hookimpl
    def mex_components():
        return [
            mex.Component("answer", "margins", "added:MARGINS", "how far from the boundary"),
            mex.Component("sampler", "corners", "added:Corners", "corners of the domain"),
            mex.Component("format", "stump", "added:Stump", "one threshold, in JSON"),
            mex.Component("preset", "acme", "added:ACME", "the servers of Acme"),
            mex.Component("schema", "acme", "added:schema_of", "models of Acme"),
            mex.Component("price", "acme", "added:PRICE", "an answer of Acme"),
            mex.Component("section", "counts", "added:counts", "How many cells"),
            mex.Component("section", "broken", "added:broken", "Never seen"),
        ]

    MARGINS = AnswerKind(
        words="margins",
        ask="decision_function",
        objection=lambda margins, classes: "",
        given_by=lambda model: hasattr(model, "decision_function"),
    )

    class Corners:
        needs_pool = False

        def draw(self, known, n, rng):
            high = rng.random((n, known.domain.n_features)) < 0.5
            return known.domain.clip(np.where(high, known.domain.upper, known.domain.lower))

    class Threshold:
        """The class is whether the first feature is above a threshold."""

        def __init__(self, at):
            self.at, self.classes_, self.n_features_in_ = at, np.array([0, 1]), 3

        def predict(self, X):
            return (np.asarray(X)[:, 0] > self.at).astype(int)

    class Stump:
        ENDINGS = {".stump"}

        @staticmethod
        def read(path, wishes):
            rules = Family("rules", axis_parallel=True)
            return Reading(model=Threshold(json.loads(path.read_text())["at"]), family=rules)

    ACME = {"body": {"rows": "$rows"}, "answer": "/labels"}
    PRICE = 0.25

    class Acme:
        predict = None

    def schema_of(model, like):
        columns = getattr(model, "acme_columns", None)
        return None if columns is None else mex.Schema.of(np.zeros((1, columns)))

    def counts(records):
        text = f"<p>{len(records)} cells</p>"
        records.clear()
        return text

    def broken(records):
        raise SystemExit("no section today")
'''


@pytest.fixture(autouse=True)
def added(install: Callable[..., Path]) -> Iterator[None]:
    """The plugin, installed for as long as a test runs."""
    install("mex-added", {"added": "added"}, {"added": PLUGIN})
    loader._latest.clear()
    yield
    loader._latest.clear()


def test_each_kind_of_extension_is_listed_with_who_provides_it(run: Run) -> None:
    listed = [json.loads(line) for line in run("list-plugins", "--json").stdout.splitlines()]
    theirs = [line for line in listed if line["provider"] == "mex-added"]
    assert {line["kind"] for line in theirs} == set(EXTENSIONS)
    assert {line["version"] for line in theirs} == {"1.0"}
    header, *rows = run("list-plugins", "--kind", "sampler").stdout.splitlines()
    assert header == "kind\tname\tsummary\tprovider\tversion"
    assert rows == ["sampler\tcorners\tcorners of the domain\tmex-added\t1.0"]


def test_a_sampler_is_taken_by_our_attacks(registry: mex.Registry) -> None:
    for attack in ("passive:sampler=corners", "margin:sampler=corners,batch=10", "dual-space:sampler=corners"):
        oracle = mex.Oracle(example_target(family="kernel"), answers="label", budget=40)
        learner = registry.build("attack", attack).learner(oracle.knowledge(), np.random.default_rng(0))
        X = mex.extract(oracle, learner).transcript.X
        assert np.mean(np.isin(np.abs(X), 1.0).all(axis=1)) > 0.5, attack
    with pytest.raises(
        mex.UsageError, match=r"sampler must be one of uniform, .*, or a sampler of a plugin, not 'corner'"
    ):
        registry.build("attack", "passive:sampler=corner")


def test_a_format_is_read_by_its_ending_and_by_its_name(registry: mex.Registry, tmp_path: Path) -> None:
    X = np.random.default_rng(0).random((20, 3))
    for name, spec in (("model.stump", {}), ("model", {"format": "stump"})):
        (tmp_path / name).write_text('{"at": 0.5}', encoding="utf-8")
        model = registry.build("model", {"use": "file", "path": str(tmp_path / name), **spec})
        target = model.open(mex.Table("rows", X))
        assert target.answer(X, "label").tolist() == (X[:, 0] > 0.5).astype(int).tolist()
        assert target.family.axis_parallel
    (tmp_path / "model.odd").touch()
    with pytest.raises(
        mex.UsageError, match=r"does not tell its format: say format=…, one of skops, .*, mlflow, stump"
    ):
        registry.build("model", {"use": "file", "path": str(tmp_path / "model.odd")}).open(None)


def test_a_preset_is_the_template_of_an_endpoint(registry: mex.Registry) -> None:
    from mex_endpoint.template import preset

    assert registry.build("model", "endpoint:preset=acme").preset == "acme"
    assert (preset("acme").body, preset("acme").answer) == ({"rows": "$rows"}, "/labels")
    with pytest.raises(mex.UsageError, match=r"preset must be one of .*, or a preset of a plugin"):
        registry.build("model", "endpoint:preset=acne")


def test_a_reader_tells_the_schema_of_the_models_that_it_knows() -> None:
    class Acme:
        acme_columns = 7

        def predict(self, X: np.ndarray) -> np.ndarray:
            return np.zeros(len(X))

    assert len(mex.Schema.of(Acme()).columns) == 7
    data = example_dataset()
    assert len(mex.Schema.of(DecisionTreeClassifier().fit(data.X, data.y)).columns) == 4, "others are ours to tell"


def test_a_price_is_known_by_its_name(run: Run) -> None:
    attack = ("attack", "passive", "-m", "logistic", "--data", "haberman", "--budget", "20", "--json")
    record = json.loads(run(*attack, "--price-per-query", "acme").stdout)
    assert (record["price_per_query"], record["price_usd"]) == (0.25, 5.0)
    done = run(*attack, "--price-per-query", "acne")
    assert "must be US dollars or one of amazon, microsoft, acme, not 'acne'" in done.stderr


def test_a_section_stands_in_the_report_and_one_that_raises_is_named(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    records = mex.matrix(
        {"attacks": ["passive"], "defenses": ["none"], "models": ["logistic"], "datasets": ["haberman"]},
        budget=20,
        seeds=2,
    )
    page.write(tmp_path / "report.html", list(records))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="added-counts">How many cells</h2>\n<p>2 cells</p>' in text
    assert "the section &#39;broken&#39; of mex-added failed: SystemExit: no section today" in text


def test_a_family_of_ones_own_says_that_it_is_parallel_to_the_axes() -> None:
    assert Family("forest").axis_parallel
    assert not Family("rules").axis_parallel
    data = example_dataset()
    known = mex.Oracle(example_target()).knowledge(pool=data.X)
    for axis_parallel in (False, True):
        rules = Family("rules", axis_parallel=axis_parallel)
        object.__setattr__(known, "family", rules)
        rows = NearData().draw(known, 50, np.random.default_rng(0))
        assert np.isin(rows, data.X).all() == axis_parallel, "each feature is that of one of two rows"


def test_without_third_parties_only_ours_are_there(run: Run) -> None:
    assert "mex-added" in run("list-plugins").stdout
    alone = run("--no-third-party", "list-plugins")
    assert {line.split("\t")[3] for line in alone.stdout.splitlines()[1:]} == {"model-extraction"}
    assert "mex-added" in run("list-plugins").stdout, "once"


def test_what_is_not_there_is_a_sentence() -> None:
    assert extensions("price") == ["acme"]
    with pytest.raises(mex.UsageError, match="no price named 'acne'; did you mean 'acme'"):
        extension("price", "acne")


@pytest.mark.parametrize(
    ("kind", "name", "facts"),
    [
        ("answer", "margins", {"answers": "margins", "labels": "none"}),
        ("answer", "leaf", {"answers": "leaf ids", "labels": "the label or value is shown beside them"}),
        ("sampler", "corners", {"needs a pool": "no"}),
        ("format", "stump", {"endings": ".stump"}),
        ("price", "acme", {"US dollars a query": "0.25"}),
        ("section", "counts", {}),
    ],
)
def test_each_kind_of_extension_can_be_shown(run: Run, kind: str, name: str, facts: dict[str, str]) -> None:
    about = json.loads(run("show", kind, name, "--json").stdout)
    about["facts"].pop("target")
    assert about["facts"] == facts
    assert f"{kind} {name}: {about['summary']}" in run("show", kind, name).stdout
