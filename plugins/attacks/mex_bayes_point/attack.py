"""Linear models on interfaces of any kind, by a Bayesian posterior of all answers."""

from __future__ import annotations

from typing import ClassVar

import attrs
import numpy as np

from mex import Knowledge, Learner, Scope
from mex.params import between, boolean, doc, optional, whole
from mex.toolkit.bayes_point.queries import Settings
from mex.toolkit.bayes_point.start import LARGEST_RHO, bayes_point


@attrs.frozen(kw_only=True)
class BayesPoint:
    """Keep a Gaussian posterior of the weights, ask the row whose label it is least sure of.

    The posterior is that of expectation propagation over all answers (Minka 2001; for halfspaces Herbrich, Graepel and
    Campbell 2001, whose *Bayes point* its mean approximates). Each query is a row of the interface itself, real
    numbers, whole numbers and categories: from random rows and rows of the pool one feature at a time is changed, such
    that the label becomes even odds and its score as uncertain as can be. The first three rows for each weight are
    those whose labels tell most of other rows (expected predictive information gain, Bickford Smith et al. 2023), and
    where there is a pool the prior is about the data, so that a search which is cut short is right on most rows. If
    labels are right, rows whose label follows from the answers already are not asked, which a linear program tells;
    when no other row is left, the attack is done.
    Where the domain has at most 131,072 rows all of them are looked at, and the end is a proof for each.

    Where features are real the attack ends at the geometric error ``eps``. Wrong labels are part of the model; their
    share is estimated if it is not known, and random rows confirm it at the end. Then the note says how many rows may
    be mislabelled: no row is asked twice, so that on a domain of few rows some stay in doubt. Several classes are one
    posterior of all scores. A domain without bounds is searched box by box for one with a boundary.

    >>> import mex
    >>> domain = mex.Domain([0] * 8, [1] * 8, integer=[True] * 8)  # eight yes-or-no features
    >>> model = mex.halfspace(np.array([3.0, -2.0, 5.0, 1.0, -4.0, 2.0, -1.0, 3.0]), -2.5)
    >>> target = mex.FittedTarget.wrap(model, domain=domain, family=mex.Family("linear"))
    >>> oracle = mex.Oracle(target)
    >>> learner = BayesPoint().learner(oracle.knowledge(), np.random.default_rng(0))
    >>> stolen = mex.extract(oracle, learner, snapshots=False)
    >>> X = domain.sample(1000, np.random.default_rng(1))
    >>> stolen.queries < 80, bool((stolen.hypothesis.predict(X) == model.predict(X)).all())
    (True, True)
    """

    eps: float = attrs.field(
        default=1e-4,
        validator=between(1e-9, 1),
        metadata=doc(
            "geometric error wanted: ||w_hat - w*|| of unit normals, with probability 0.9; where all features are "
            "discrete it mostly ends earlier, when no row is open"
        ),
    )
    rho: float | None = attrs.field(
        default=None,
        validator=optional(between(0, LARGEST_RHO)),
        metadata=doc("probability of a wrong label; left out, it is what the target declares, or is estimated"),
    )
    near: float = attrs.field(
        default=0.5,
        validator=between(0, 1),
        metadata=doc(
            "share of queries between rows of the pool, if there is one, while such rows are at even odds; and of the "
            "rows that the first answers are to tell most of"
        ),
    )
    batch: int = attrs.field(default=1, validator=whole(1), metadata=doc("rows to ask at once"))
    certify: bool = attrs.field(
        default=True,
        validator=boolean(),
        metadata=doc(
            "if labels are right: ask only rows whose label the answers leave open, and end when none is found; "
            "otherwise end when the posterior is sure of every row found"
        ),
    )
    starts: int = attrs.field(default=8, validator=whole(1), metadata=doc("rows that each search starts from"))

    scope: ClassVar[Scope] = Scope(tasks=("binary", "multiclass"), families="linear", answers="label")
    paper: ClassVar[str] = (
        "this project's own; on Herbrich, Graepel and Campbell 2001 (Bayes point machines) and Minka 2001 "
        "(expectation propagation)"
    )

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start on the domain as it is.

        Raises:
            Incompatible: if labels are wrong too often, or there are too many weights.
        """
        rho = knowledge.rho if self.rho is None else self.rho
        settings = Settings(eps=self.eps, near=self.near, batch=self.batch, certify=self.certify, starts=self.starts)
        return bayes_point("bayes-point", attrs.evolve(knowledge, rho=rho), rng, settings)
