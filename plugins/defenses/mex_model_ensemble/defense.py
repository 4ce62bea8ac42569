"""One of several refits of the model, drawn for each query."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np
from sklearn.model_selection import FixedThresholdClassifier

from mex import Defended, Incompatible, Scope, Target, UsageError
from mex.dataset import Rows
from mex.fitted import FittedTarget
from mex.params import boolean, doc, whole
from mex.toolkit.estimators import reseed
from mex.toolkit.perturbation.draws import Draws
from mex.toolkit.perturbation.rules import DecisionRule, best_cut, class_index
from mex.types import Answer, Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class ModelEnsemble:
    """Answer each query with a model drawn from several, each fitted on rows drawn from the operator's.

    The idea of ``model-distribution`` for any model: the members agree far from the boundary, where honest users ask,
    and differ near it, where an attacker asks. Each member is a copy of the public class, fitted on a bootstrap sample
    of the training rows (Efron 1979; drawn class by class, so that no class is lost) with f*'s answers as targets.
    If f* has a moved threshold, members are fitted on the most probable classes, since fitted on the labels they would
    move it again; the threshold of each is the one at which it agrees best with f*'s labels on the training rows. With
    ``targets=true`` they are fitted on the true targets and decide by themselves, and differ more from each other and
    from f*.

    Members answer labels, and probabilities if f* does; the members of a regressor answer values. No rho is declared,
    since nothing bounds how many members err on a row.

    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from mex import Family, FittedTarget
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    >>> target = FittedTarget.wrap(tree.fit(X, y), family=Family("tree", learner=tree))
    >>> defended = ModelEnsemble().protect(target, Rows(X, y), np.random.default_rng(0))
    >>> float(np.mean(defended.answer(X, "label") == target.answer(X, "label")).round(3))
    0.979
    """

    members: int = attrs.field(default=10, validator=whole(2), metadata=doc("how many models to draw from"))
    targets: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("fit the members on the true targets, not on f*'s answers")
    )
    sticky: bool = attrs.field(
        default=False, validator=boolean(), metadata=doc("give the same row the same member, keyed by a secret")
    )
    refresh: int = attrs.field(
        default=1, validator=whole(1), metadata=doc("how many queries a member answers before the next is drawn")
    )

    scope: ClassVar[Scope] = Scope()
    paper: ClassVar[str] = "after Alabdulmohsin, Gao and Zhang, CIKM 2014, for any class of models; Efron 1979"

    def __attrs_post_init__(self) -> None:
        if self.sticky and self.refresh > 1:
            raise UsageError("sticky gives each row one member for ever, so refresh has no meaning beside it")

    def protect(self, target: Target, train: Rows, rng: np.random.Generator) -> Target:
        """Fit the members on the training rows; samples, seeds and draws come from ``rng``."""
        if not isinstance(target, FittedTarget):
            raise Incompatible("model-ensemble answers from models of its own, so it has to stand first in a nest")
        if target.family.learner is None:
            raise Incompatible(f"model-ensemble refits the model, and no learner is known for {target.family.kind!r}")
        if not len(train.X):
            raise Incompatible("model-ensemble learns from the operator's rows, and there are none")
        classes = target.classes
        classifier = classes is not None
        kind: Answer = "label" if classifier else "value"
        if kind not in target.answers:
            raise Incompatible(f"model-ensemble answers a {kind}; this interface gives {' and '.join(target.answers)}")
        *streams, trial = rng.spawn(self.members + 1)
        moved = not self.targets and _moves_threshold(target, train, trial)
        if moved and classes is not None:
            y = classes[np.argmax(target.answer(train.X, "proba"), axis=1)]
        else:
            y = train.y if self.targets else target.answer(train.X, kind)
        if classifier and len(np.unique(y)) < 2:
            raise Incompatible(f"model-ensemble: every training row is {y[0]}, so all members would be alike")
        groups = [np.flatnonzero(y == label) for label in np.unique(y)] if classifier else [np.arange(len(y))]
        members = []
        for stream in streams:
            sample = np.concatenate([stream.choice(rows, len(rows)) for rows in groups])
            member = _Member(reseed(target.family.learner, stream).fit(train.X[sample], y[sample]), classes)
            members.append(member.agreeing(target, train.X) if moved else member)
        return _Drawn(target, members, Draws(rng, sticky=self.sticky, refresh=self.refresh))


def _moves_threshold(target: FittedTarget, train: Rows, rng: np.random.Generator) -> bool:
    """Whether the labels of f* follow a moved threshold.

    Raises:
        Incompatible: if members would move it again, and there are no probabilities to fit them on.
    """
    if "proba" in target.answers:
        return DecisionRule.of(target, train, rng)[0].threshold is not None
    learner = target.family.learner
    if isinstance(getattr(learner, "steps", [("", learner)])[-1][1], FixedThresholdClassifier):
        raise Incompatible(
            "model-ensemble learns from the labels of f*, and members would move the threshold of this"
            " FixedThresholdClassifier once more: give targets=true"
        )
    return False


@attrs.frozen(eq=False)
class _Member:
    """A fitted copy of the model, which decides by itself or by a ``rule``."""

    estimator: Estimator
    classes: Array | None
    rule: DecisionRule | None = None

    def agreeing(self, target: FittedTarget, X: FloatArray) -> _Member:
        """The same with the threshold at which it agrees best with the labels of f* on the rows of ``X``."""
        classes = self.classes
        assert classes is not None
        P, labels = self.answer(X, "proba"), target.answer(X, "label")
        return attrs.evolve(self, rule=DecisionRule(best_cut(P[:, 1], labels == classes[1])))

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        """Answer as :meth:`mex.Target.answer` says; a class that it was not fitted to has probability 0."""
        if kind == "value" or (kind == "label" and self.rule is None):
            return np.asarray(self.estimator.predict(X))
        assert self.classes is not None
        P = np.zeros((len(X), len(self.classes)))
        P[:, class_index(self.classes, self.estimator.classes_)] = self.estimator.predict_proba(X)
        return P if self.rule is None or kind == "proba" else self.classes[self.rule(P)]


class _Drawn(Defended):
    """Answers each row by the member drawn for it."""

    def __init__(self, target: Target, members: list[_Member], draws: Draws) -> None:
        super().__init__(target)
        self._members = members
        self._draws = draws

    @property
    def answers(self) -> tuple[Answer, ...]:
        probable = all(hasattr(member.estimator, "predict_proba") for member in self._members)
        known = ("label", "value", "proba") if probable else ("label", "value")
        return tuple(kind for kind in self._target.answers if kind in known)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        return self._drawn_answers(X, (kind,))[0]

    def both(self, X: FloatArray) -> tuple[FloatArray, Array]:
        """Probabilities and labels of the member drawn for each row, shapes (n, k) and (n,)."""
        P, labels = self._drawn_answers(X, ("proba", "label"))
        return P, labels

    def _drawn_answers(self, X: FloatArray, kinds: tuple[Answer, ...]) -> list[Array]:
        """Answers of each kind, all to a row by the member drawn for it."""
        drawn = (self._draws.uniform(X)[:, 0] * len(self._members)).astype(np.int64)
        asked = [(self._members[i], np.flatnonzero(drawn == i)) for i in np.unique(drawn)]
        order = np.argsort(np.concatenate([rows for _, rows in asked]))
        return [np.concatenate([member.answer(X[rows], kind) for member, rows in asked])[order] for kind in kinds]
