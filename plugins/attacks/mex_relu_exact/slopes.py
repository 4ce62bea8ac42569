"""Which neurons are on at rows, told by slopes along one column: of few neurons each set has a slope of its own."""

from __future__ import annotations

import attrs
import numpy as np

from mex.types import Array, BoolArray, FloatArray

MOST = 11
"""How many neurons are told apart at most: there are two to the power of that sets."""
VALUES, DIFFERENT = 60, 150
"""How many slopes, those of most slices, are looked at for what is common to all, and for their differences."""
GAINED, NEW = 3, 5
"""In how many slices more slopes are explained by a neuron that a line has shown, and by one that none has."""
FEW, REPEATED = 2, 3
"""Up to how many neurons one more may show in a single slice, if so many pairs of rows have its slope: with few sets
that is no chance."""
BEST = 4
"""How many differences of slopes are tried."""


@attrs.frozen(eq=False)
class Slopes:
    """Slopes between neighbouring rows of slices, those that are the same as one value.

    Attributes:
        first, second: the numbers of the rows, shape (n,).
        which: the number of the value of each, shape (n,).
        value: the values, shape (v,).
        slices, pairs: in how many slices each value is, and between how many pairs of rows, shape (v,).
        near: up to which difference two slopes are the same.
    """

    first: Array
    second: Array
    which: Array
    value: FloatArray
    slices: Array
    pairs: Array
    near: float

    @classmethod
    def of(cls, places: FloatArray, y: FloatArray, noise: FloatArray, slices: Array, near: float) -> Slopes:
        """The slopes that rows tell.

        Args:
            places: the coordinate along which slopes are taken, shape (n,).
            y, noise: scores, and how far they may be off, shape (n,).
            slices: the number of the slice of each row, shape (n,).
            near: up to which difference two slopes are the same; those that are not known as well are left out.
        """
        order = np.lexsort((places, slices))
        i, j = order[:-1], order[1:]
        gap = places[j] - places[i]
        kept = (slices[i] == slices[j]) & (2 * (noise[i] + noise[j]) < near * gap)
        i, j = i[kept], j[kept]
        slope = (y[j] - y[i]) / gap[kept]
        order = np.argsort(slope, kind="stable")
        which = np.zeros(len(slope), dtype=np.int64)
        which[order] = np.cumsum(np.diff(slope[order], prepend=-np.inf) > near) - 1
        pairs = np.bincount(which)
        once = np.unique(which * (slices.max(initial=0) + 1) + slices[i]) // (slices.max(initial=0) + 1)
        return cls(i, j, which, np.bincount(which, slope) / pairs, np.bincount(once, minlength=len(pairs)), pairs, near)

    def sets(self, shares: FloatArray) -> tuple[Array, FloatArray, list[int]]:
        """Which neurons are on at each value, as bits; -1 where that is not told.

        Args:
            shares: what neurons that lines have shown add to slopes where they are on; some may be none.

        Returns:
            the sets, shape (v,); what each neuron of them adds, those that no line has shown last; and which of the
            shares the first ones are.
        """
        found, used = _Sets(self), list[int]()
        left = list(range(len(shares)))
        for gained in (GAINED, GAINED, 1):
            if gained == 1 and used:
                break  # a single slice is enough for a neuron that is all that is missing
            taken = [j for j in left if found.take(float(shares[j]), gained)]
            used, left = used + taken, [j for j in left if j not in taken]
        while found.take_new():
            found.drop_sums(len(used))
        return found.sets, found.shares, used


class _Sets:
    """Neurons, and which of them are on at each of some slopes.

    Attributes:
        shares: what each neuron adds, shape (k,).
        sets: which are on at each value, as bits, -1 where that is not told, shape (v,).
    """

    def __init__(self, slopes: Slopes) -> None:
        self._slopes = slopes
        self.shares = np.zeros(0)
        self._common, _ = self._most_common(np.zeros(1), np.ones(len(slopes.value), dtype=bool))
        self.sets = self._told(self._common, self.shares)

    def take(self, share: float, gained: int) -> bool:
        """Take a neuron in if it explains slopes of so many slices more."""
        if len(self.shares) == MOST:
            return False
        more = np.append(self.shares, share)
        commons = self._common, self._common - share  # where it is off, or on
        tried = [(common, self._told(common, more)) for common in commons]
        common, sets = max(tried, key=lambda pair: self._explained(pair[1]))
        if self._explained(sets) < self._explained(self.sets) + gained:
            return False
        self._common, self.shares, self.sets = common, more, sets
        return True

    def take_new(self) -> bool:
        """Take in a neuron that no line has shown: what many slopes differ by, or else what they differ by from sums.

        Where two neurons are not known slopes that differ by one of them are more than such that differ by both.
        """
        slopes, few = self._slopes, len(self.shares) < FEW
        enough = (slopes.pairs >= REPEATED) | (not few)
        least = 1 if few else NEW
        if any(self.take(share, least) for share in self._differences(enough)):
            return True
        rest = (self.sets < 0) & enough
        if not rest.any():
            return False
        share, slices = self._most_common(self._common + _sums(self.shares), rest)
        return slices >= least and self.take(share, least)

    def drop_sums(self, first: int) -> None:
        """Drop neurons, from one on, without which as much is explained: they are two others together."""
        for k in range(len(self.shares) - 2, first - 1, -1):
            fewer = np.delete(self.shares, k)
            sets = self._told(self._common, fewer)
            if self._explained(sets) >= self._explained(self.sets):
                self.shares, self.sets = fewer, sets

    def _explained(self, sets: Array) -> int:
        """In how many slices slopes are explained, those of a slice that differ counted each."""
        return int(self._slopes.slices[sets >= 0].sum())

    def _differences(self, which: BoolArray) -> list[float]:
        """By what slopes differ from others, in most slices, but for what is known."""
        slopes = self._slopes
        some = np.argsort(-slopes.slices, kind="stable")[:DIFFERENT]
        some = some[which[some]]
        if len(some) < 2:
            return []
        i, j = np.triu_indices(len(some), 1)
        apart = np.abs(slopes.value[some[i]] - slopes.value[some[j]])
        order = np.argsort(apart, kind="stable")
        apart, i, j = apart[order], i[order], j[order]
        group = np.cumsum(np.diff(apart, prepend=-np.inf) > 2 * slopes.near) - 1
        members = np.unique(np.tile(group, 2) * len(some) + np.append(i, j))
        slices = np.bincount(members // len(some), slopes.slices[some][members % len(some)])
        share = np.bincount(group, apart) / np.bincount(group)
        known = (np.abs(share[:, None] - np.abs(self.shares)) <= 4 * slopes.near).any(axis=1)
        return [float(share[k]) for k in np.argsort(np.where(known, 0, -slices), kind="stable")[:BEST]]

    def _most_common(self, sums: FloatArray, which: BoolArray) -> tuple[float, int]:
        """What slopes, less one of some sums, have in common in most slices, and in how many."""
        slopes, some = self._slopes, np.flatnonzero(which)
        some = some[np.argsort(-slopes.slices[some], kind="stable")[:VALUES]]
        rest = (slopes.value[some, None] - sums).ravel()
        order = np.argsort(rest, kind="stable")
        rest, before = rest[order], np.append(0, np.cumsum(np.repeat(slopes.slices[some], len(sums))[order]))
        end = np.searchsorted(rest, rest + 2 * slopes.near, side="right")
        slices = before[end] - before[:-1]
        best = int(slices.argmax())
        return float(np.median(rest[best : end[best]])), int(slices[best])

    def _told(self, common: float, shares: FloatArray) -> Array:
        """Which set of shares, with what is common, each value is, as bits; -1 if it is none."""
        total, value = common + _sums(shares), self._slopes.value
        order = np.argsort(total, kind="stable")
        after = np.searchsorted(total[order], value)
        near = order[np.stack([after - 1, after]).clip(0, len(order) - 1)]
        apart = np.abs(total[near] - value)
        best = near[apart.argmin(axis=0), np.arange(len(value))]
        return np.where(apart.min(axis=0) <= 2 * self._slopes.near, best, -1)


def _sums(shares: FloatArray) -> FloatArray:
    """The sums of all sets of shares, in the order of the sets as bits, shape (2^k,)."""
    found = np.zeros(1)
    for share in shares:
        found = np.concatenate([found, found + share])
    return found
