"""Equation solving: a linear model whose interface tells its score is known after d + 1 answers; one more checks it."""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import islice
from typing import ClassVar

import attrs
import numpy as np

from mex import GeneratorLearner, Incompatible, Knowledge, Learner, Scope
from mex.learner import Steps
from mex.params import doc, whole
from mex.toolkit.estimators import constant
from mex.toolkit.halfspaces.boundary import search_rows
from mex.types import Array, Estimator, FloatArray
from mex_equation_solving.design import along, far, furthest, near_boundary, shortest
from mex_equation_solving.system import System

LINKS = {"value": "identity", "proba": "logit"}
"""The public link of the models whose answers of each kind are linear equations."""
SHRINK = 8
"""How many times shorter the next step is where a step saturated."""
LEAST, LEAST_INEXACT = 1e-12, 0.02
"""Steps that are not shortened any more: they would be lost in rounding, or in the noise of the answers."""
PLACES, PAIRS, HALVINGS = 100, 5, 60
"""Places to look for a clear answer, pairs of them to look between, and halvings of each, before giving up."""
TRIES = 3
"""Rows asked at most until a clear answer tells whether the solution is right."""
BATCHES = 10
"""In how many batches further rows are asked."""

Asking = Generator[FloatArray, Array, None]


@attrs.frozen(kw_only=True)
class EquationSolving:
    """Ask d + 1 rows, read a linear equation off each answer, solve, and ask one more row whether it is so.

    A value is the score <w, x> + b itself; of two classes the logit is, and several tell theirs up to a
    common shift as logarithms. The rows are one near the middle of the domain and one more per number
    and category; without an intercept d are enough. A saturated probability is no equation: it is asked
    again nearer to a row with a clear answer, at the price of more queries. Answers that are rounded, clipped, bent
    or otherwise not those of a linear model are found out by the one query more, whatever the interface promises,
    and said in the note; the weights are then fitted to further rows near the boundary: as good as the answers allow.

    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression
    >>> from mex import Domain, Family, FittedTarget, Oracle, extract
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model, family = LinearRegression().fit(X, y), Family("linear", {"link": "identity"})
    >>> oracle = Oracle(FittedTarget.wrap(model, domain=Domain.of(X), family=family))
    >>> stolen = extract(oracle, EquationSolving().learner(oracle.knowledge(), np.random.default_rng(0)))
    >>> stolen.queries, bool(np.allclose(stolen.hypothesis.predict(X), model.predict(X), rtol=1e-12))
    (12, True)
    """

    extra: int = attrs.field(
        default=9,
        validator=whole(0),
        metadata=doc("further queries per unknown, where answers are not exactly those of a linear model"),
    )

    scope: ClassVar[Scope] = Scope(families="linear", answers=("value", "proba"))
    paper: ClassVar[str] = "Tramèr et al. 2016, Section 4.1; Chandrasekaran et al. 2020, Example 2 and Remark 2"

    def learner(self, knowledge: Knowledge, rng: np.random.Generator) -> Learner:
        """Start; the link of the model must be public.

        Raises:
            Incompatible: if the answers are no linear equations.
        """
        link, needed = knowledge.family.public.get("link", "not public"), LINKS[knowledge.answers]
        if link != needed:
            raise Incompatible(
                f"{knowledge.answers} answers are linear equations behind the link {needed}, and this model's is {link}"
            )
        return _Solving(knowledge, self.extra, rng)


class _Solving(GeneratorLearner):
    def __init__(self, known: Knowledge, extra: int, rng: np.random.Generator) -> None:
        self._known, self._extra, self._rng = known, extra, rng
        self._intercept = bool(known.family.public.get("intercept", True))
        self._system = System(known.domain, known.classes, self._intercept)
        self.note = ""

    def steps(self) -> Steps:
        """Find a row with a clear answer and ask a star of rows around it; ask many more if those are not exact."""
        system = self._system
        if self._intercept or self._known.domain.objection(system.anchor[None]):
            yield from self._find_anchor()
        if not len(system.X) or system.clear()[-1]:
            yield from self._ask_star()
        exact = not self._rounded() and not system.constant and bool(system.clear().any())
        if exact and (self._known.rho != 0 or not system.missing()):  # no answer confirms a weight that is not known
            exact = yield from self._confirm()
        if not exact:
            system.believe_nothing()
            yield from self._find_anchor()
            if system.constant:
                system.inexact = False  # all there is to say
            else:
                yield from self._ask_star()
                yield from self._oversample()
        self.note = self._verdict()

    def _query(self, rows: FloatArray) -> Asking:
        self._system.add(rows, (yield rows))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Take the equations that the budget left."""
        self._system.add(X, answers)

    def _find_anchor(self) -> Asking:
        """Ask places, and between places of different classes, until an answer is clear."""
        system, domain, pairs = self._system, self._known.domain, PAIRS
        for _, place in islice(search_rows(self._known, self._rng), PLACES):
            yield from self._query(domain.clip(place[None]))
            others = np.flatnonzero(system.labels() != system.labels()[-1])
            if not system.clear()[-1] and len(others) and pairs:
                pairs -= 1
                yield from self._bisect(system.X[-1], system.X[others[0]])
            system.anchor = system.X[-1]
            if system.clear()[-1] or self._rounded():
                break

    def _ask_star(self) -> Asking:
        """Ask a row per feature around the anchor, nearer where an answer is not clear."""
        system, domain = self._system, self._known.domain
        stuck: set[int] = set()
        while todo := [i for i in system.missing() if i not in stuck]:
            yield from self._query(system.star()[todo])
            if self._rounded():
                return
            unclear = np.zeros(domain.n_features, dtype=bool)
            unclear[todo] = ~system.clear()[-len(todo) :]
            can_shrink = ~shortest(domain, system.steps, LEAST_INEXACT if system.inexact else LEAST)
            stuck |= {i for i in todo if not (unclear & can_shrink)[i]}
            system.steps[unclear & can_shrink] /= SHRINK
        left = 0
        while self._known.task == "binary" and not system.inexact and len(missing := system.missing()) != left:
            left = len(missing)
            for i in missing:
                yield from self._balance(system.star()[i], next(u for u in domain.units() if i in u))

    def _balance(self, row: FloatArray, unit: tuple[int, ...]) -> Asking:
        """Where the shortest step of a unit saturates, change the others against it until the answer is clear."""
        system, domain = self._system, self._known.domain
        model = system.solution()
        if model is None:
            return
        slope = np.diff(model.weights[:-1])[:, 0] / model.scale
        against = furthest(domain, -slope if system.label_of(row) else slope)
        against[list(unit)] = row[list(unit)]
        yield from self._query(against[None])
        if not system.clear()[-1] and system.labels()[-1] != system.label_of(row):
            yield from self._bisect(row, against)

    def _confirm(self) -> Generator[FloatArray, Array, bool]:
        """Whether a fresh random row is answered as the solution says: a defense may distort what it calls right."""
        system, model = self._system, self._system.solution()
        for _ in range(TRIES):
            values = self._known.classes is None  # a corner could be a sum of rounded steps
            yield from self._query(self._known.domain.sample(1, self._rng) if values else self._informative(1))
            if system.clear()[-1]:
                break
        return model is not None and system.confirms(model)

    def _oversample(self) -> Asking:
        """Ask further rows in a few batches, each near the boundary as known by then."""
        for _ in range(BATCHES if self._extra else 0):
            yield from self._query(self._informative(-(-self._extra * self._system.unknowns // BATCHES)))

    def _bisect(self, start: FloatArray, end: FloatArray) -> Asking:
        """Look between two rows of different classes until an answer is clear."""
        system, domain = self._system, self._known.domain
        rows, shares = [start, end], [0.0, 1.0]
        label = system.label_of(start)
        switch = self._rng.random((1, len(domain.groups)))
        for _ in range(HALVINGS):
            t = sum(shares) / 2
            row = along(domain, start[None], end[None], np.array([t]), switch)[0]
            side = next((i for i in (0, 1) if np.array_equal(row, rows[i])), None)  # asked already
            if side is None:
                yield from self._query(row[None])
                if system.clear()[-1]:
                    return
                side = int(system.labels()[-1] != label)
            rows[side], shares[side] = row, t

    def _informative(self, n: int) -> FloatArray:
        """Rows whose answers tell most, if rounded or noisy."""
        model = self._system.solution()
        if self._known.classes is None:
            return far(self._known.domain, n, self._rng)
        if model is None:
            return self._known.domain.sample(n, self._rng)
        return near_boundary(self._known.domain, model.scores, n, self._rng)

    def _rounded(self) -> bool:
        """Whether it has just turned out that no probability is exact."""
        return self._known.answers == "proba" and self._system.rounded and not self._system.inexact

    def _verdict(self) -> str:
        system, unknown = self._system, len(self._system.missing())
        if system.inexact:
            rounded = f"are rounded to {round(-math.log10(system.step))} decimals"
            what = rounded if system.rounded else "are not exactly those of a linear model"
            return f"the answers {what}: weights fitted to {len(system.X)} rows"
        return f"{unknown} of the weights show in saturated answers only" if unknown else ""

    def hypothesis(self) -> Estimator:
        """The solution of the equations so far, of least norm while there are too few."""
        system, classes = self._system, self._known.classes
        model = system.solution()
        if model is not None:
            return model.estimator(classes)
        label = 0.0 if classes is None else classes[system.labels()[-1] if len(system.X) else 0]
        return constant(label, self._known.domain.n_features, classes is None)
