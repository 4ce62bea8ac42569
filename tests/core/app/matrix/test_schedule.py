"""Which worker runs which cell: every cell once, and what was fitted for one is at hand for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mex.app.matrix.cells import Cell
from mex.app.matrix.schedule import Job, Schedule
from mex.registry.spec import Spec


def numbered(seeds: int, defenses: int, attacks: int) -> Iterator[tuple[int, Cell]]:
    cells = (
        Cell(attack=Spec(f"a{a}"), defense=Spec(f"d{d}"), model=Spec("m"), dataset=Spec("s"), seed=seed)
        for seed in range(seeds)
        for d in range(defenses)
        for a in range(attacks)
    )
    return enumerate(cells)


def taken(job: Job | None) -> Job:
    assert job is not None
    return job


@given(
    seeds=st.integers(0, 5),
    defenses=st.integers(1, 3),
    attacks=st.integers(1, 3),
    turns=st.lists(st.integers(0, 3), max_size=60),
)
def test_every_cell_is_handed_out_once_whoever_asks_when(
    seeds: int, defenses: int, attacks: int, turns: list[int]
) -> None:
    cells = dict(numbered(seeds, defenses, attacks))
    schedule = Schedule(iter(cells.items()))
    jobs = [schedule.next(worker, alone=False) for worker in turns]
    while schedule.waiting():
        jobs.append(taken(schedule.next(0, alone=False)))
    assert schedule.next(0, alone=True) is None
    found = [job for job in jobs if job]
    assert sorted(job.index for job in found) == list(cells)
    assert all(cells[job.index] is job.cell for job in found)
    ended = [schedule.finish(job) for job in found]
    assert ended.count(True) == seeds, "each group ends once"


def test_two_workers_work_on_different_models_while_there_are_some() -> None:
    schedule = Schedule(numbered(seeds=4, defenses=2, attacks=2))
    jobs = [(worker, taken(schedule.next(worker, alone=False)).cell.seed) for _ in range(4) for worker in (0, 1)]
    assert {seed for worker, seed in jobs if worker == 0} == {0}
    assert {seed for worker, seed in jobs if worker == 1} == {1}


def test_who_has_no_model_of_its_own_left_helps_with_another_defense() -> None:
    schedule = Schedule(numbered(seeds=1, defenses=3, attacks=2))
    order = [taken(schedule.next(worker, alone=False)) for worker in (0, 1, 2, 0, 1, 2)]
    assert [job.cell.defense.name for job in order] == ["d0", "d1", "d2", "d0", "d1", "d2"]


def test_the_last_cells_of_one_defense_are_shared_out() -> None:
    schedule = Schedule(numbered(seeds=1, defenses=1, attacks=3))
    assert [taken(schedule.next(worker, alone=False)).index for worker in (0, 1, 0)] == [0, 2, 1]
    assert schedule.next(1, alone=False) is None


def test_a_worker_that_replaces_a_dead_one_goes_on_where_it_was() -> None:
    schedule = Schedule(numbered(seeds=3, defenses=1, attacks=3))
    seeds = [taken(schedule.next(worker, alone=False)).cell.seed for worker in (0, 1, 0, 1, 0)]
    assert seeds == [0, 1, 0, 1, 0]


def test_a_cell_whose_process_was_killed_comes_once_more_at_the_end_and_alone() -> None:
    schedule = Schedule(numbered(seeds=1, defenses=1, attacks=2))
    first = taken(schedule.next(0, alone=True))
    assert schedule.once_more(first)
    assert taken(schedule.next(0, alone=True)).index == 1
    assert schedule.next(1, alone=False) is None, "not beside another"
    assert schedule.waiting()
    assert schedule.next(1, alone=True) is first
    assert not schedule.once_more(first), "twice is enough"
    assert not schedule.waiting()


@pytest.mark.parametrize("seeds", [1000])
def test_cells_are_made_when_they_are_due(seeds: int) -> None:
    made = 0

    def counted() -> Iterator[tuple[int, Cell]]:
        nonlocal made
        for number, cell in numbered(seeds, 1, 1):
            made += 1
            yield number, cell

    schedule = Schedule(counted())
    taken(schedule.next(0, alone=False))
    assert made < 4
