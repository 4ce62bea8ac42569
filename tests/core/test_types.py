"""Streams of random numbers: one for each purpose, and none tells of another or of the seed."""

from __future__ import annotations

import numpy as np
import pytest

from mex.types import read_only, stream


def drawn(rng: np.random.Generator) -> list[int]:
    return rng.integers(2**63, size=4).tolist()


def test_a_seed_and_a_purpose_decide_everything_that_is_drawn() -> None:
    assert drawn(stream(3, "attack")) == drawn(stream(3, "attack"))
    first, second = (stream(3, "attack").spawn(2) for _ in range(2))
    assert [drawn(rng) for rng in first] == [drawn(rng) for rng in second]
    different = [stream(3, "attack"), stream(3, "defense"), stream(4, "attack"), stream("4", "defense"), *first]
    assert len({tuple(drawn(rng)) for rng in different}) == 6


def test_a_stream_leaves_no_trail_to_another_or_to_the_seed() -> None:
    seed = 123456789
    key = stream(seed, "defense").bytes(32)
    start = stream(seed, "attack").bit_generator.seed_seq
    assert isinstance(start, np.random.SeedSequence)
    assert start.spawn_key == ()
    assert seed not in np.atleast_1d(np.asarray(start.entropy, dtype=object))
    reachable = [start, *start.spawn(3), np.random.SeedSequence(start.entropy, spawn_key=(0,))]
    assert key not in {np.random.default_rng(sequence).bytes(32) for sequence in reachable}


def test_a_secret_may_be_bytes_or_text() -> None:
    assert drawn(stream(b"key", "defense")) == drawn(stream("key", "defense"))
    assert drawn(stream(b"key", "defense")) != drawn(stream(b"kez", "defense"))


@pytest.mark.parametrize("given", [[1.0, 2.0], np.array([1.0, 2.0]), np.array([[1, 2]])])
def test_a_read_only_view_leaves_the_array_itself_as_it_was(given: object) -> None:
    view = read_only(given)  # type: ignore[arg-type]
    assert np.array_equal(view, np.asarray(given))
    with pytest.raises(ValueError, match="read-only"):
        view += 1
    if isinstance(given, np.ndarray):
        assert given.flags.writeable
        assert np.shares_memory(view, given)
