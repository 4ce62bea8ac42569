"""What an audit chooses: by scope, with a reason for all that is left out."""

from __future__ import annotations

import numpy as np
import pytest
from audited import TINY, plane, subject_of
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import mex
from mex.app.audit.choosing import attacks, restricted
from mex.app.audit.effects import Effect
from mex.app.audit.shields import shields
from mex.app.audit.stages import meets, weaker
from mex.app.audit.subject import Subject
from mex.types import Array, FloatArray


def test_every_installed_attack_is_chosen_or_has_a_reason(subject: Subject) -> None:
    found = attacks(subject)
    assert {p.component.name for p in subject.registry.provided("attack")} == {c.spec.name for c in found}
    assert all((choice.reads is None) == bool(choice.reason) for choice in found)
    assert any(c.label == "pivot" and c.reads == "label" and c.made_for for c in found)
    assert any(c.label == "equation-solving" and c.reads == "proba" for c in found)
    assert next(c for c in found if c.spec.name == "tree-structure").reason.startswith("tree-structure works on tree")


def test_what_refuses_when_it_is_started_does_not_apply(subject: Subject) -> None:
    """Its scope would let it in: what a scope cannot say it says as it starts, and nothing is asked for that."""
    reasons = {c.spec.name: c.reason for c in attacks(subject) if c.reads is None}
    assert "has more values" in reasons["kushilevitz-mansour"]
    assert "give it a model" in reasons["flip-search"]


def test_leaf_ids_are_a_kind_of_answer_to_think_about() -> None:
    X, y = plane()
    found = attacks(subject_of(DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y), X, y))
    assert any(c.spec.name == "tree-structure" and c.reads == "leaf" for c in found)
    assert all(c.reason for c in found if c.spec.name == "pivot")


def test_a_thief_without_rows_draws_uniformly_and_one_who_does_not_know_the_class_fits_another(
    subject: Subject,
) -> None:
    passive = next(c for c in attacks(subject) if c.label == "passive")
    blind = restricted(subject, passive, rows=False, family=False)
    assert blind is not None
    assert blind.spec.params["inner"] == {"use": "passive", "sampler": "uniform", "model": "random-forest"}
    assert (blind.spec.params["pool"], blind.spec.params["family"]) == (False, False)
    pivot = next(c for c in attacks(subject) if c.label == "pivot")
    guessing = restricted(subject, pivot, rows=True, family=False)
    assert guessing is not None
    assert guessing.label == "pivot, class guessed"
    assert guessing.spec.params == {"inner": {"use": "pivot"}, "guess": "linear", "pool": True, "family": False}


class Mine:
    """Code of one's own, which tells nothing of its class."""

    classes_ = np.array(["no", "yes"])
    n_features_in_ = 3

    def predict_proba(self, X: FloatArray) -> FloatArray:
        p = 1 / (1 + np.exp(-4 * (X @ [1.0, -2.0, 0.5] - 0.1)))
        return np.stack([1 - p, p], axis=1)

    def predict(self, X: FloatArray) -> Array:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_a_model_of_no_known_class_is_taken_for_each_and_attacked_as_such() -> None:
    X, y = plane()
    secret = subject_of(Mine(), X, y)
    found = {(c.label, c.reads): c for c in attacks(secret)}
    guess = found["equation-solving, taken for linear", "proba"]
    assert guess.guesses
    assert not guess.made_for
    assert ("pivot, taken for linear", "label") in found
    assert ("boosted-exact, taken for forest", "proba") in found
    assert not any(c.guesses for c in attacks(subject_of(LogisticRegression().fit(X, y), X, y)))
    blind = restricted(secret, guess, rows=False, family=False)
    assert blind is not None
    assert blind.label == "equation-solving, taken for linear, no rows and class unknown"
    others = [found["passive", "label"], found["margin", "label"], found["pivot, taken for linear", "label"]]
    (stage,) = weaker(secret, others, TINY)
    assert {"pivot, taken for linear, no rows", "pivot, taken for linear, class unknown"} <= set(stage.choices)
    stolen = mex.attack(str(guess.spec), Mine(), domain=mex.Domain.of(X), answers="proba", pool=X, held_out=X)
    assert (stolen.queries, stolen.agreement) == (5, 1.0)


def test_what_a_defense_does_is_seen_and_not_believed(subject: Subject) -> None:
    found = {s.label: s for s in shields(subject)}
    assert found["label-only"].effect == Effect(answers=("label",), labels_kept=True, fresh=False, watches=False)
    rounding = found["rounding:decimals=1"].effect
    assert rounding is not None
    assert rounding.labels_kept
    fresh, sticky = (found[f"bounded-noise:rho=0.05{more}"].effect for more in ("", ",sticky=true"))
    assert fresh is not None
    assert sticky is not None
    assert (fresh.fresh, sticky.fresh) == (True, False)
    assert 0.02 < sticky.accuracy_lost < 0.1
    promising = {label: found[label].promising for label in found if not found[label].reason}
    assert not any(promising[f"bounded-noise:rho=0.05{more}"] for more in ("", ",sticky=true"))
    assert (promising["query-detector"], promising["rounding:decimals=1"]) == (False, True)
    detector = found["query-detector"].effect
    assert detector is not None
    assert detector.watches
    assert "binary" in found["value-noise"].reason


def test_noise_that_hits_few_rows_is_noise_all_the_same() -> None:
    """Of rows far from the boundary none is answered otherwise again, and those between them are."""
    X, _ = plane()
    X, y = np.concatenate([X - 4, X + 4]), np.repeat(["no", "yes"], len(X))
    far = subject_of(LogisticRegression(C=100.0).fit(X, y), X, y)
    found = {s.label: s.effect for s in shields(far)}
    seen = [found["margin-noise"], found["gaussian-output"]]
    assert [effect and (effect.fresh, effect.labels_kept) for effect in seen] == [(True, False)] * 2


class Chance:
    """A model that draws its labels afresh near its boundary."""

    n_features_in_, classes_ = 3, np.array(["no", "yes"])

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def predict(self, X: FloatArray) -> Array:
        return np.where(X @ [1.0, -2.0, 0.5] + self.rng.normal(0, 0.3, len(X)) > 0.1, "yes", "no")


def test_what_a_model_varies_by_itself_is_not_the_doing_of_a_defense() -> None:
    found = {s.label: s.effect for s in shields(subject_of(Chance(), *plane()))}
    assert found["query-detector"] == Effect(answers=("label",), labels_kept=True, fresh=False, watches=True)
    noisy = found["bounded-noise:rho=0.05"]
    assert noisy is not None
    assert (noisy.fresh, noisy.labels_kept) == (True, False)


def test_who_reads_labels_meets_no_defense_of_probabilities(subject: Subject) -> None:
    found = {s.label: s for s in shields(subject, ("rounding", "label-only", "bounded-noise"))}
    assert not meets(found["rounding:decimals=1"], "label")
    assert meets(found["rounding:decimals=1"], "proba")
    assert not meets(found["label-only"], "proba")
    assert meets(found["bounded-noise:rho=0.05"], "label")


def test_a_defense_that_changes_nothing_is_none() -> None:
    """Of a machine that gives labels there is nothing to hide; of zeros and ones nothing to round."""
    X, y = plane()
    of_labels = {s.label: s.reason for s in shields(subject_of(LinearSVC().fit(X, y), X, y))}
    assert of_labels["label-only"] == "it changes nothing: 1,400 rows got the model's own answers"
    assert not of_labels["boundary-noise:share=0.1"]
    of_one = {s.label: s.reason for s in shields(subject_of(KNeighborsClassifier(1).fit(X, y), X, y))}
    assert of_one["rounding:decimals=1"].startswith("it changes nothing")
    assert not of_one["label-only"]


@pytest.mark.parametrize(
    ("y", "model", "sentence"),
    [
        (["a"] * 100, LogisticRegression(), "one class"),
        (["a", "b"] * 50, None, "one constant answer"),
    ],
)
def test_data_that_tells_nothing_apart_is_a_sentence(y: list[str], model: object, sentence: str) -> None:
    X, labels = plane(100)
    fitted = LogisticRegression().fit(X, labels)
    fitted.classes_ = np.array(["a", "b"])
    if model is None:
        fitted.coef_ = np.zeros_like(fitted.coef_)
        fitted.intercept_ = np.array([1.0])
    with pytest.raises(mex.UsageError, match=sentence):
        subject_of(fitted, X, np.array(y))


def test_of_a_regression_only_what_gives_values_is_tried() -> None:
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (200, 3))
    subject = subject_of(Ridge().fit(X, X.sum(axis=1)), X, X.sum(axis=1))
    assert {c.reads for c in attacks(subject) if c.reads} == {"value"}
    assert all(s.reason for s in shields(subject) if s.spec.name == "label-only")
