"""Every chunk of every record once a step, in an order that barriers and chains demand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from native.samples import kernels, operands
from wengert.native.threads import Team, checked, team
from wengert.native.walker import SMALL, Record, Table

LIBRARY = kernels()
COUNT, COPY, SUM, SLOW = (LIBRARY.addresses[name] for name in ("count", "copy", "sum", "slow"))
MOST = min(4, checked(None) * 4)


# A record knows addresses only: whoever makes it keeps what they point to.
_KEPT: list[np.ndarray] = []


def _record(kernel: int, where: np.ndarray, chunks: int, **more) -> Record:
    _KEPT.append(where)
    return Record(kernel, where.ctypes.data, chunks, **more)


@pytest.mark.parametrize("threads", range(1, MOST + 1))
@pytest.mark.parametrize("chunks", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("grain", [1, 3, 5000])
def test_every_chunk_runs_once_a_step(threads: int, chunks: int, grain: int):
    x = np.zeros(chunks + 2, np.int64)
    table = Table([_record(COUNT, operands(x), chunks, grain=grain)], threads)
    assert team(threads).run(table, 50) == 50
    assert (x[:chunks] == 50).all() and (x[chunks:] == 0).all()
    assert team(threads).run(table, 7) == 7 and (x[:chunks] == 57).all()


@pytest.mark.parametrize("threads", range(1, MOST + 1))
def test_a_barrier_holds_back_readers_of_all_chunks(threads: int):
    x, y, z = (np.zeros(16, np.int64) for _ in range(3))
    places = [operands(x), operands(x, y, 16), operands(z)]
    # x counts; every chunk of y sums all of x, which the next step must not change meanwhile.
    table = Table(
        [
            _record(COUNT, places[0], 16),
            _record(SUM, places[1], 16, grain=1),
            _record(COUNT, places[2], 16, barrier=False),
        ],
        threads,
    )
    for steps in (1, 3, 200):
        team(threads).run(table, steps)
        assert (y == x.sum()).all(), (threads, steps, y, x)
    assert (x == 204).all() and (z == 204).all() and table.groups == 2


@pytest.mark.parametrize("threads", range(1, MOST + 1))
def test_a_barrier_waits_for_a_unit_that_takes_long(threads: int):
    x, y = np.zeros(5, np.int64), np.zeros(5, np.int64)
    table = Table(
        [_record(SLOW, operands(x, 20_000), 5), _record(SUM, operands(x, y, 5), 5)], threads
    )
    for steps in range(1, 40):
        team(threads).run(table, 1)
        assert (x == steps).all() and (y == 5 * steps).all(), (threads, steps, x, y)


@pytest.mark.parametrize("threads", range(1, MOST + 1))
def test_a_chain_runs_chunk_by_chunk(threads: int):
    values = [np.zeros(33, np.int64) for _ in range(5)]
    places = [operands(a, b) for a, b in pairwise(values)]
    records = [_record(COUNT, operands(values[0]), 33)]
    records += [_record(COPY, place, 33, chained=True) for place in places]
    table = Table(records, threads)
    assert table.groups == 1
    team(threads).run(table, 100)
    for i, value in enumerate(values):
        assert (value == 100 + i).all()


@pytest.mark.parametrize("owners", [1, 2, 5])
@pytest.mark.parametrize("threads", range(1, MOST + 1))
def test_a_table_runs_on_teams_of_other_sizes(owners: int, threads: int):
    x = np.zeros(7, np.int64)
    table = Table([_record(COUNT, operands(x), 7)] * 2, owners)
    assert team(threads).run(table, 20) == 20 and (x == 40).all()


def test_a_chain_needs_equal_chunks():
    x = operands(np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="record 1 is chained to one of 4 chunks and has 3"):
        Table([_record(COUNT, x, 4), _record(COUNT, x, 3, chained=True)])


def test_small_records_are_for_one_thread():
    x = np.zeros(64, np.int64)
    place = operands(x)
    assert not Table([_record(COUNT, place, 64, nanoseconds=SMALL / 2)], 2).wide
    assert Table([_record(COUNT, place, 64, nanoseconds=SMALL * 2)], 2).wide
    table = Table([_record(COUNT, place, 64, nanoseconds=1.0)] * 3, 2)
    before = len(team(2)._crew.helpers)
    assert team(2).run(table, 10) == 10 and (x == 30).all()
    assert len(team(2)._crew.helpers) == before, "a small table wakes nobody"


def test_records_without_chunks_and_tables_without_records():
    x = np.zeros(4, np.int64)
    table = Table([_record(COUNT, operands(x), n) for n in (0, 4, 0)], 2)
    assert team(2).run(table, 3) == 3 and (x == 3).all()
    assert team(2).run(Table([]), 5) == 5
    assert team(2).run(table, 0) == 0 and (x == 3).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_operands_move_from_step_to_step(threads: int):
    x = np.zeros((10, 4), np.int64)
    rows = np.array([row.ctypes.data for row in x], np.uint64)
    table = Table([_record(COUNT, rows, 4, stride=8)], threads)
    assert team(threads).run(table, 10) == 10 and (x == 1).all()
    team(threads).run(table, 3)
    assert (x[:3] == 2).all() and (x[3:] == 1).all(), "a new run begins at its first row"


def test_a_kernel_stops_the_run_after_its_step():
    x = np.zeros(4, np.int64)
    table = Table([_record(COUNT, operands(x), 4)], 2)
    stop = operands(table.stop_address)
    guarded = Table([_record(COUNT, operands(x), 4)], 2)
    assert guarded.stop_address != table.stop_address
    table = Table([_record(COUNT, operands(x), 4), _record(COUNT, stop, 1)], 2)
    stop[0] = table.stop_address
    assert team(2).run(table, 100) == 1 and table.stopped and (x == 1).all()
    assert team(2).run(table, 100) == 1 and (x == 2).all(), "a new run begins unstopped"


def test_time_is_told_by_record():
    x = np.zeros(1000, np.int64)
    place = operands(x)
    table = Table([_record(COUNT, place, 1), _record(COUNT, place, 1000)], 2)
    table.measure()
    team(2).run(table, 200)
    short, long = table.nanoseconds()
    assert 0 < short < long
    table.measure(False)
    team(2).run(table, 10)
    assert table.nanoseconds() == [0, 0]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(1, 9)), max_size=8))
def test_any_table_on_any_team(shapes: list[tuple[int, bool, int]]):
    results = []
    for threads in range(1, MOST + 1):
        x = [np.zeros(max(chunks, 1), np.int64) for chunks, _, _ in shapes]
        places = [operands(value) for value in x]
        table = Table(
            [
                _record(COUNT, place, chunks, barrier=barrier, grain=grain)
                for place, (chunks, barrier, grain) in zip(places, shapes, strict=True)
            ],
            threads,
        )
        assert team(threads).run(table, 11) == 11
        results.append([value.tolist() for value in x])
    assert all(result == results[0] for result in results)
    for value, (chunks, _, _) in zip(results[0], shapes, strict=True):
        assert value[:chunks] == [11] * chunks


def test_a_table_outlives_helpers_that_come_late():
    crew = Team(2)
    x = np.zeros(8, np.int64)
    for _ in range(300):
        assert crew.run(Table([_record(COUNT, operands(x), 8)], 2), 1) == 1
    assert (x == 300).all() and len(crew._crew.left) <= 300
    crew.close()
