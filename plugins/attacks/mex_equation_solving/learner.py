"""The learner of ``equation-solving``."""

from __future__ import annotations

import math
from collections.abc import Generator
from itertools import islice
from typing import TypeAlias

import numpy as np

from mex import GeneratorLearner, Knowledge
from mex.learner import Steps
from mex.toolkit.checking.rows import natural
from mex.toolkit.estimators import constant
from mex.toolkit.halfspaces.boundary import search_rows
from mex.toolkit.perturbation.reading import FLOAT
from mex.types import Array, Estimator, FloatArray
from mex_equation_solving.design import along, at_ends, furthest, near_boundary, random_corners, shortest
from mex_equation_solving.system import Read, System

SHRINK = 8
"""By which factor the step of a feature is shortened if its answer is saturated."""
LEAST, LEAST_INEXACT = 1e-12, 0.02
"""The shortest steps: shorter ones would be lost in rounding, or in the noise of inexact answers."""
ROWS, PAIRS, HALVINGS = 100, 5, 60
"""The most rows to find an informative answer, pairs of them to bisect between, and halvings of each."""
TRIES, TRIES_INVERTED = 3, 10
"""The most rows to ask until an informative answer confirms the solution or not; where answers have to be inverted."""
BATCHES = 10
"""In how many batches further rows are asked."""
TWINS = 12
"""How many rows are asked next to others, for the noise."""
TO_CHOOSE, FEWEST_TO_CHOOSE = 4, 50
"""For each row that is asked how many are drawn to choose from where answers are intervals, and how many at least."""

Asking: TypeAlias = Generator[FloatArray, Array, None]


class EquationLearner(GeneratorLearner):
    """Asks rows until a :class:`.System` of equations determines the model, or more of them if answers are inexact.

    Attributes:
        natural: how many of the rows that it asks, the first, are like the data.
    """

    def __init__(self, known: Knowledge, extra: int, rng: np.random.Generator, read: Read | None = None) -> None:
        """``read`` tells between what the model's answers are behind those of the interface, if these are changed."""
        self._known = known
        self._inverts = read is not None
        self._extra = extra
        self._rng = rng
        self._intercept = bool(known.family.public.get("intercept", True))
        self._system = System(known.domain, known.classes, self._intercept, read)
        if self._inverts and not self._system.coarse:
            self._system.steps /= SHRINK  # near the boundary fewer answers are ambiguous
        self._confirmed = False
        self._done = False
        self.natural = 0

    def steps(self) -> Steps:
        """Find an anchor, ask one row per feature around it, confirm the solution; ask many more if it is inexact.

        With a budget for less, rows like the data are asked: equations that tell what matters there.
        """
        system = self._system
        if self._too_small():
            self.natural = self._known.budget or 0
            yield from self._query(natural(self._known, self.natural, self._rng))
            system.anchor, system.inexact = system.X[0], self._found_rounded()
            return
        if self._intercept or self._known.domain.objection(system.anchor[None]):
            yield from self._find_anchor()
        if not len(system.X) or system.informative()[-1]:
            yield from self._ask_star()
        exact = not self._found_rounded() and not system.constant and bool(system.informative().any())
        if exact and (self._known.rho != 0 or not system.missing()):  # a missing weight cannot be confirmed
            exact = yield from self._confirm()
            self._confirmed = exact
        if not exact:
            system.restart_as_inexact()
            yield from self._find_anchor()
            if system.constant:
                system.inexact = False  # the constant is exact
            else:
                yield from self._ask_star()
                yield from self._oversample()
        self._done = True

    def _too_small(self) -> bool:
        """Whether the budget is too small for one row per unknown, and there are rows like the data to ask instead."""
        pool, budget = self._known.pool, self._known.budget
        return pool is not None and len(pool) > 0 and budget is not None and budget < self._system.unknowns

    @property
    def exact(self) -> bool:
        """Whether the weights are the solution of equations, and not a fit."""
        return not self._system.inexact

    @property
    def settled(self) -> bool:
        """Whether there is a solution, which fits probabilities and not only their labels; a rough fit is none."""
        system = self._system
        return system.solution() is not None and (system.within or not system.inexact)

    @property
    def error(self) -> float:
        """How far the weights may be off, as the intervals of rounded answers tell."""
        return self._system.error

    @property
    def confirmed(self) -> bool:
        """Whether a fresh row has shown the solution to be right."""
        return self._confirmed

    def _query(self, rows: FloatArray) -> Asking:
        self._system.add(rows, (yield rows))

    def cut(self, X: FloatArray, answers: Array) -> None:
        """Take the equations that the budget left."""
        self._system.add(X, answers)

    def _find_anchor(self) -> Asking:
        """Ask rows, and between rows of different classes, until an answer is informative; that row is the anchor."""
        system, domain, pairs = self._system, self._known.domain, PAIRS
        for _, row in islice(search_rows(self._known, self._rng), ROWS):
            yield from self._query(domain.clip(row[None]))
            others = np.flatnonzero(system.labels() != system.labels()[-1])
            if not system.informative()[-1] and len(others) and pairs:
                pairs -= 1
                yield from self._bisect(system.X[-1], system.X[others[0]])
            system.anchor = system.X[-1]
            if system.informative()[-1] or self._found_rounded():
                break

    def _ask_star(self) -> Asking:
        """Ask a row per feature around the anchor, with shorter steps where an answer is not informative."""
        system, domain = self._system, self._known.domain
        stuck: set[int] = set()
        while todo := [i for i in system.missing() if i not in stuck]:
            yield from self._query(system.star()[todo])
            if self._found_rounded():
                return
            uninformative = np.zeros(domain.n_features, dtype=bool)
            uninformative[todo] = ~system.informative()[-len(todo) :]
            can_shrink = ~shortest(domain, system.steps, LEAST_INEXACT if system.inexact else LEAST)
            stuck |= {i for i in todo if not (uninformative & can_shrink)[i]}
            system.steps[uninformative & can_shrink] /= SHRINK
        before = 0
        while self._known.task == "binary" and not system.inexact and len(missing := system.missing()) != before:
            before = len(missing)
            for i in missing:
                yield from self._desaturate(system.star()[i], next(u for u in domain.units() if i in u))

    def _desaturate(self, row: FloatArray, unit: tuple[int, ...]) -> Asking:
        """Move the other features against a unit whose shortest step saturates, until the answer is informative."""
        system, domain = self._system, self._known.domain
        model = system.solution()
        if model is None:
            return
        slope = np.diff(model.weights[:-1])[:, 0] / model.scale
        opposite = furthest(domain, -slope if system.label_of(row) else slope)
        opposite[list(unit)] = row[list(unit)]
        yield from self._query(opposite[None])
        if not system.informative()[-1] and system.labels()[-1] != system.label_of(row):
            yield from self._bisect(row, opposite)

    def _confirm(self) -> Generator[FloatArray, Array, bool]:
        """Whether a random row is answered as the solution predicts; an interface that declares rho = 0 may distort."""
        system, model = self._system, self._system.solution()
        for _ in range(TRIES_INVERTED if self._inverts else TRIES):
            values = self._known.classes is None  # no corner, which could be a sum of rounded steps
            yield from self._query(self._known.domain.sample(1, self._rng) if values else self._informative_rows(1))
            if system.informative()[-1]:
                break
        if model is None or (self._inverts and not system.informative()[-1]):
            return model is not None  # its class is all that was told
        return system.confirms(model)

    def _oversample(self) -> Asking:
        """Ask further rows in a few batches, each near the boundary of the solution so far.

        Half of them are like the data if the answers are not even rounded: of what they are is then not known.
        """
        system = self._system
        n = -(-self._extra * system.unknowns // BATCHES)
        for batch in range(BATCHES if self._extra else 0):
            if batch == 1 and self._known.classes is not None and not system.rounded:
                self.natural = 0
                twins = system.twins(min(TWINS, n), self._rng)
                if len(twins):
                    yield from self._query(twins)
            self.natural = 0 if system.rounded else n // 2
            rows = natural(self._known, self.natural, self._rng)
            yield from self._query(np.concatenate([rows, self._informative_rows(n - self.natural)]))

    def _bisect(self, start: FloatArray, end: FloatArray) -> Asking:
        """Bisect between two rows of different classes until an answer is informative."""
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
                if system.informative()[-1]:
                    return
                side = int(system.labels()[-1] != label)
            rows[side], shares[side] = row, t

    def _informative_rows(self, n: int) -> FloatArray:
        """Rows whose answers tell most of the weights if they are rounded or noisy, shape (n, d)."""
        system, domain, rng = self._system, self._known.domain, self._rng
        model = system.solution()
        if model is not None and system.within:
            several = TO_CHOOSE * n + FEWEST_TO_CHOOSE
            if self._known.classes is None:
                rows = at_ends(domain, lambda X: model.scores(X)[:, 0], several, system.widths, rng)
            else:
                rows = near_boundary(domain, model.scores, several, rng, system.ends)
            return system.most_telling(rows, n)
        if self._known.classes is None:
            return random_corners(domain, n, rng)
        if model is None:
            return domain.sample(n, rng)
        if system.fitted:
            return system.most_telling(near_boundary(domain, model.scores, TO_CHOOSE * n + FEWEST_TO_CHOOSE, rng), n)
        return near_boundary(domain, model.scores, n, rng)

    def _found_rounded(self) -> bool:
        """Whether probabilities are rounded and :meth:`.System.restart_as_inexact` was not called yet."""
        system = self._system
        return not system.inexact and (system.coarse or (self._known.answers == "proba" and system.rounded))

    @property
    def note(self) -> str:
        """How answers differ from those of a linear model, and what that makes of the weights."""
        system = self._system
        if len(system.X) == 0:
            return ""
        if system.inexact or system.coarse:
            decimals = f" to {round(-math.log10(system.resolution))} decimals" * (system.resolution > FLOAT)
            what = f"are rounded{decimals}" if system.rounded else "are not exactly those of a linear model"
            how = "within the intervals of" if system.within else "fitted to"
            classes = [] if self._known.classes is None else self._known.classes[np.unique(system.labels())].tolist()
            alike = f", all of the class {classes[0]!r}" if len(classes) == 1 else ""
            return f"the answers {what}: weights {how} {len(system.X)} answers{alike}"
        unknown = len(system.missing())
        return f"{unknown} of the weights show in saturated answers only" if unknown and self._done else ""

    def hypothesis(self) -> Estimator:
        """The solution of the equations so far, of least norm while there are too few."""
        system, classes = self._system, self._known.classes
        model = system.solution()
        if model is not None:
            return model.estimator(classes)
        label = 0.0 if classes is None else classes[system.labels()[-1] if len(system.X) else 0]
        return constant(label, self._known.domain.n_features, classes is None)
