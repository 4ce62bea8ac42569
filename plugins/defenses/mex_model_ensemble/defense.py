"""One of several refits of the model, drawn for each query."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Defended, Incompatible, Scope, Target, UsageError
from mex.dataset import Rows
from mex.fitted import FittedTarget
from mex.params import boolean, doc, whole
from mex.toolkit.estimators import reseed
from mex.toolkit.perturbation.draws import Draws
from mex.types import Answer, Array, Estimator, FloatArray


@attrs.frozen(kw_only=True)
class ModelEnsemble:
    """Answer each query with a model drawn from several, each fitted on rows drawn from the operator's.

    The idea of ``model-distribution`` for any model: the members agree far from the boundary, where honest users ask,
    and differ near it, where an attacker asks. Each member is a copy of the public class, fitted on a bootstrap sample
    of the training rows (Efron 1979; drawn class by class, so that no class is lost) with f*'s answers as targets.
    With ``targets=true`` they are fitted on the true targets, and differ more from each other and from f*.

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
        classifier = target.classes is not None
        kind: Answer = "label" if classifier else "value"
        if kind not in target.answers:
            raise Incompatible(f"model-ensemble answers a {kind}; this interface gives {' and '.join(target.answers)}")
        y = train.y if self.targets else target.answer(train.X, kind)
        if classifier and len(np.unique(y)) < 2:
            raise Incompatible(f"model-ensemble: every training row is {y[0]}, so all members would be alike")
        groups = [np.flatnonzero(y == label) for label in np.unique(y)] if classifier else [np.arange(len(y))]
        members = []
        for stream in rng.spawn(self.members):
            sample = np.concatenate([stream.choice(rows, len(rows)) for rows in groups])
            members.append(reseed(target.family.learner, stream).fit(train.X[sample], y[sample]))
        return _Drawn(target, members, Draws(rng, sticky=self.sticky, refresh=self.refresh))


class _Drawn(Defended):
    """Answers each row by the member drawn for it."""

    def __init__(self, target: Target, members: list[Estimator], draws: Draws) -> None:
        super().__init__(target)
        self._members = members
        self._draws = draws

    @property
    def answers(self) -> tuple[Answer, ...]:
        probable = all(hasattr(member, "predict_proba") for member in self._members)
        known = ("label", "value", "proba") if probable else ("label", "value")
        return tuple(kind for kind in self._target.answers if kind in known)

    def answer(self, X: FloatArray, kind: Answer) -> Array:
        drawn = (self._draws.uniform(X)[:, 0] * len(self._members)).astype(np.int64)
        answers = np.empty((0,))
        for i in np.unique(drawn):
            given = self._answers_of(self._members[i], X[drawn == i], kind)
            if not len(answers):
                answers = np.empty((len(X), *given.shape[1:]), dtype=given.dtype)
            answers[drawn == i] = given
        return answers

    def _answers_of(self, member: Estimator, X: FloatArray, kind: Answer) -> Array:
        """The answers of a member; a class of f* that it was not fitted to has probability 0."""
        if kind != "proba":
            return np.asarray(member.predict(X))
        assert self.classes is not None
        given = np.zeros((len(X), len(self.classes)))
        given[:, np.searchsorted(self.classes, member.classes_)] = member.predict_proba(X)
        return given
