"""An attack by a thief who knows less than the scenario grants, or takes a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import attrs
import numpy as np

from mex import Attack, Family, Incompatible, Knowledge, Learner, Scope
from mex.knowledge import KINDS
from mex.params import boolean, component, doc, one_of

UNKNOWN = Family("unknown", reason="this thief does not know the class")


class _ScopeOfInner:
    """Of the class ``Restricted`` any target; of an attack that was built, what its inner attack works on.

    Who takes a guess at the class attacks a model of any.
    """

    def __get__(self, attack: Restricted | None, owner: type) -> Scope:
        if attack is None or isinstance(attack.inner, Mapping):
            return Scope()
        return attrs.evolve(attack.inner.scope, families=()) if attack.guess != "none" else attack.inner.scope


@attrs.frozen(kw_only=True)
class Restricted:
    """Hand another attack less knowledge: no unlabeled rows, a model of unknown class, or a guess at the class.

    What an attack needs of what was taken away it does without, or it says that it cannot. Attacks that draw from the
    pool need ``sampler=uniform`` then, and those that fit the public class a ``model``. A guess may be wrong: attacks
    check themselves, and what the copy is worth is measured.

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

    guess: str = attrs.field(
        default="none",
        validator=one_of("none", *KINDS),
        metadata=doc("the class that it takes the model for, whatever it is; none for the one that is known"),
    )

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
        family = knowledge.family if self.family else UNKNOWN
        known = attrs.evolve(
            knowledge,
            pool=knowledge.pool if self.pool else None,
            family=family if self.guess == "none" else Family(self.guess),
        )
        self.inner.scope.check("the inner attack", known)
        return self.inner.learner(known, rng)
