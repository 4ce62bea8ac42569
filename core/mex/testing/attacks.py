"""The check of an attack plugin."""

from __future__ import annotations

import numpy as np

from mex.defense import twin
from mex.errors import Incompatible, writes_nothing
from mex.extraction import Extraction, extract
from mex.learner import Attack, Learner, predictions
from mex.oracle import Oracle
from mex.target import Target, labels
from mex.testing.declarations import check_declarations
from mex.testing.examples import example_dataset, example_targets
from mex.toolkit.metrics import agreement
from mex.types import Answer, Array, Estimator

BUDGET = 120


def check_attack(attack: Attack, target: Target | None = None, *, least_agreement: float | None = None) -> Extraction:
    """Check that an attack is a well-behaved learner, and return what it got.

    It stays within its budget, asks only what the interface accepts, has a hypothesis before the first answer and
    after the last, asks the same until told, and repeats itself for the same seed, whether or not its hypotheses are
    looked at. It changes nothing that it was lent. A hypothesis answers rows as the target does, one label or value a
    row, leaves the rows as they are, and does not change any more once it was returned.

    Args:
        attack: the component.
        target: what to attack; by default the example targets of the first family that it accepts.
        least_agreement: how much the stolen model has to agree with the target on uniform points.

    Raises:
        AssertionError: with the promise that is broken.
        MexError: with the sentence that its cells of a matrix would fail with.
    """
    check_declarations(attack)
    runs = []
    for family in example_targets() if target is None else [[target]]:
        for candidate in family:
            for answers in candidate.answers:
                run = _Run(attack, candidate, answers)
                if run.accepted():
                    runs.append((run, run.checked()))
        if runs:
            break
    assert runs, "the attack accepts none of the targets"
    run, extraction = runs[0]
    repeated = extract(*run.start(), snapshots=False)
    assert np.array_equal(repeated.transcript.X, extraction.transcript.X), (
        "the same seed must ask the same rows, whether or not hypotheses are looked at on the way"
    )
    share = agreement(run.predict(extraction.hypothesis), run.truth, run.classes is None)
    assert least_agreement is None or share >= least_agreement, f"agreement {share:.3f} is below {least_agreement}"
    return extraction


class _Run:
    """An attack at one interface, and points on which its hypotheses are compared."""

    def __init__(self, attack: Attack, target: Target, answers: Answer) -> None:
        self.attack = attack
        self.target = target
        self.answers = answers
        self.pool = example_dataset(bits=bool(target.domain.integer.all())).X
        if self.pool.shape[1] != target.domain.n_features or target.domain.objection(self.pool):
            self.pool = target.domain.sample(len(self.pool), np.random.default_rng(5))
        self.X = target.domain.sample(1000, np.random.default_rng(4))
        named = target.answers != ("leaf",)  # an interface of ids alone is stolen as it is
        self.classes: Array | None = target.classes if named else None
        self.truth = labels(twin(target), self.X) if named else target.answer(self.X, "leaf")

    def start(self) -> tuple[Oracle, Learner]:
        """An oracle that was asked nothing, of a target that was asked nothing, and a learner that asked nothing."""
        oracle = Oracle(twin(self.target), answers=self.answers, budget=BUDGET)
        known = oracle.knowledge(pool=self.pool)
        self.attack.scope.check(type(self.attack).__name__, known)
        with writes_nothing("the attack"):
            return oracle, self.attack.learner(known, np.random.default_rng(3))

    def accepted(self) -> bool:
        """Whether the attack works there at all."""
        try:
            self.start()
        except Incompatible:
            return False
        return True

    def checked(self) -> Extraction:
        """What it gets, once all was checked that can be seen from a single run."""
        oracle, learner = self.start()
        with writes_nothing("the attack"):
            first = learner.hypothesis()
            assert hasattr(first, "predict"), "there must be a hypothesis before the first answer"
            asked, again = learner.ask(), learner.ask()
        same = asked is again if asked is None or again is None else np.array_equal(asked, again)
        assert same, "ask must return the same rows until told"
        self.predict(first)
        extraction = extract(oracle, learner, keep=lambda hypothesis: (hypothesis, self.predict(hypothesis)))
        for queries, (hypothesis, then) in extraction.snapshots:
            assert np.array_equal(self.predict(hypothesis), then), (
                f"the hypothesis returned after {queries} queries has changed since: return an estimator of its own, "
                "such as a copy, as the curve of a matrix shows each as it was"
            )
        assert isinstance(extraction.note, str), "the note must be a string"
        return extraction

    def predict(self, hypothesis: Estimator) -> Array:
        """What a hypothesis predicts for the points, if it does so as it should."""
        return predictions(hypothesis, self.X, self.classes)
