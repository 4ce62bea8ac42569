"""An attack by a thief who knows less than the scenario grants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import attrs
import numpy as np

from mex import Attack, Family, Incompatible, Knowledge, Learner, Scope
from mex.params import boolean, component, doc

UNKNOWN = Family("unknown", reason="this thief does not know the class")


class _ScopeOfInner:
    """Of the class ``Restricted`` any target; of an attack that was built, what its inner attack works on."""

    def __get__(self, attack: Restricted | None, owner: type) -> Scope:
        inner = None if attack is None else attack.inner
        return Scope() if inner is None or isinstance(inner, Mapping) else inner.scope


@attrs.frozen(kw_only=True)
class Restricted:
    """Hand another attack less knowledge: no unlabeled rows, or a model of unknown class.

    What an attack needs of what was taken away it does without, or it says that it cannot. Attacks that draw from the
    pool need ``sampler=uniform`` then, and those that fit the public class a ``model``.

    >>> import mex
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DecisionTreeClassifier(random_state=0).fit(X, y)
    >>> options = {"pool": X, "domain": mex.Domain.of(X), "budget": 200}
    >>> stolen = mex.attack("restricted:inner={use='passive', sampler='uniform'}", model, **options)
    >>> stolen.queries, stolen.attack.partition(":")[0]
    (200, 'restricted')
    """

    inner: Attack | Mapping[str, Any] = attrs.field(
        factory=lambda: {"use": "passive", "sampler": "uniform"},
        metadata=component("attack", "the attack that is handed less"),
    )
    pool: bool = attrs.field(default=False, validator=boolean(), metadata=doc("whether it has the unlabeled rows"))
    family: bool = attrs.field(default=True, validator=boolean(), metadata=doc("whether it knows the class of models"))

    scope: ClassVar[Scope] = cast("Scope", _ScopeOfInner())
    paper: ClassVar[str] = "Chandrasekaran et al. 2020, Section 2.2, Experiment 1: what the adversary knows"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start the inner attack on what is left.

        Raises:
            Incompatible: if it does not work on that, or no registry has built it.
        """
        if isinstance(self.inner, Mapping):
            raise Incompatible(
                f"restricted hands on to an attack, not to {dict(self.inner)!r}: let a registry build it"
            )
        known = attrs.evolve(
            knowledge,
            pool=knowledge.pool if self.pool else None,
            family=knowledge.family if self.family else UNKNOWN,
        )
        self.inner.scope.check("the inner attack", known)
        return self.inner.learner(known, rng)
