"""The rows among which an active learner chooses its next queries."""

from __future__ import annotations

import numpy as np

from mex.knowledge import Knowledge
from mex.toolkit.active.samplers import granted
from mex.types import Array, FloatArray


class Candidates:
    """Rows to choose queries from: those left of the pool, or fresh draws of another sampler.

    Attributes:
        from_pool: whether the sampler is ``pool``.

    >>> from mex import Oracle
    >>> from mex.testing.examples import example_dataset, example_target
    >>> known = Oracle(example_target()).knowledge(pool=example_dataset().X[:5])
    >>> candidates = Candidates("margin", "pool", known, np.random.default_rng(0))
    >>> candidates.discard([0, 1])
    >>> len(candidates.draw(100))
    3
    """

    def __init__(self, attack: str, sampler: str, known: Knowledge, rng: np.random.Generator) -> None:
        """Put the pool in random order, if the sampler is ``pool``; ``attack`` names the attack in an error.

        Raises:
            Incompatible: if the sampler draws from a pool and there is none, or never ends and there is no budget.
        """
        self._known = known
        self._rng = rng
        self._sampler = granted(attack, sampler, known, endless=sampler != "pool")
        self._asked: set[bytes] = set()
        self._left: FloatArray | None = None
        if sampler == "pool" and known.pool is not None:
            self._left = known.pool[rng.permutation(len(known.pool))]

    @property
    def from_pool(self) -> bool:
        return self._left is not None

    def draw(self, n: int) -> FloatArray:
        """All rows left of the pool, or ``n`` rows of the sampler, whether they were asked before or not."""
        return self._sampler.draw(self._known, n, self._rng) if self._left is None else self._left

    def discard(self, chosen: Array | list[int]) -> None:
        """Take rows out of the pool, by their index in what :meth:`draw` returned; drawn rows need no discarding."""
        if self._left is not None:
            self._left = np.delete(self._left, chosen, axis=0)

    def mark_asked(self, X: FloatArray) -> None:
        """Remember rows for :meth:`unseen`."""
        self._asked.update(row.tobytes() for row in X)

    def unseen(self, rows: FloatArray) -> FloatArray:
        """The distinct ones of ``rows``, in their order, without those that were asked before.

        Drawn rows may be asked again where labels may be wrong (``rho`` is not 0); rows of the pool never are.
        """
        repeat = self._known.rho != 0 and not self.from_pool
        every, width = rows.tobytes(), rows.itemsize * rows.shape[1]
        keys = (every[at : at + width] for at in range(0, len(every), width))
        distinct = dict(zip(keys, range(len(rows)), strict=True))
        return rows[[i for key, i in distinct.items() if repeat or key not in self._asked]]
