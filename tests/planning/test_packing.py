"""Offsets by the solver: no search is believed, and the greedy layout stands where one fails."""

import csv
import os
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.test_arena import intervals
from wengert.base.errors import OptionError, WengertWarning
from wengert.planning import solver
from wengert.planning.arena import Interval, lay_out, load
from wengert.planning.packing import fits, fitting, packed, sections
from wengert.planning.solver import Clock, checked_seconds

CAPACITY = 1_048_576


def instance(name):
    """Return a published instance, in which the greedy layout wastes a tenth or more."""
    shared = Path(__file__).parents[2] / "../shared/data"
    path = Path(os.environ.get("WENGERT_DATA", shared)) / f"offset-instances/{name}.1048576.csv"
    if not path.exists():
        pytest.skip(f"no offset instances in {path.parent}: set WENGERT_DATA")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return [Interval(int(r["lower"]), int(r["upper"]), int(r["size"])) for r in rows]


@pytest.mark.parametrize("name", ["H", "F"])
def test_a_hard_instance_is_solved(name):
    pytest.importorskip("ortools")
    buffers = instance(name)
    assert lay_out(buffers).nbytes > CAPACITY
    found = fitting(buffers, CAPACITY, Clock.of(60))
    assert found is not None and fits(buffers, found, CAPACITY)


TIGHT = [Interval(0, 5, 64), Interval(0, 3, 128), Interval(2, 9, 192), Interval(4, 7, 128),
         Interval(6, 12, 64), Interval(8, 14, 192), Interval(10, 14, 128)]  # fmt: skip


@given(intervals)
def test_two_buffers_meet_exactly_if_they_share_a_section(buffers):
    split = sections(buffers)
    for (i, a), (j, b) in combinations(enumerate(buffers), 2):
        shared = any(i in members and j in members for members in split.members)
        assert shared == a.meets(b)
    for i, (first, last) in enumerate(split.spans):
        assert [i in members for members in split.members] == [
            first <= at < last for at in range(len(split.members))
        ]
    wide = [set(members) for members in split.members]
    assert not any(a < b for a in wide for b in wide)


@given(intervals, st.randoms(use_true_random=False))
def test_the_check_knows_a_wrong_layout(buffers, random):
    buffers = [each for each in buffers if each.nbytes]
    laid = lay_out(buffers)
    assert fits(buffers, laid.offsets, laid.nbytes)
    moved = [offset + 64 * random.randint(-1, 1) for offset in laid.offsets]
    apart = all(
        o + a.nbytes <= p or p + b.nbytes <= o
        for (a, o), (b, p) in combinations(zip(buffers, moved, strict=True), 2)
        if a.meets(b)
    )
    inside = all(0 <= o and o + b.nbytes <= 2**30 for b, o in zip(buffers, moved, strict=True))
    assert fits(buffers, moved, 2**30) == (apart and inside)


def honest(buffers, height, clock):
    laid = lay_out(buffers)
    return list(laid.offsets) if laid.nbytes <= height else None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda buffers, height, clock: [0] * len(buffers),
        lambda buffers, height, clock: [],
        lambda buffers, height, clock: [-64 * i for i in range(len(buffers))],
        lambda buffers, height, clock: [10 * height] * len(buffers),
        lambda buffers, height, clock: None,
    ],
)
def test_a_solver_that_answers_wrongly_is_not_believed(wrong):
    buffers = TIGHT
    assert packed(buffers, load(buffers), 10**6, Clock.of(5), wrong) is None
    found = packed(buffers, load(buffers), 10**6, Clock.of(5), honest)
    assert found is not None and fits(buffers, found[1], found[0])


def test_without_time_the_greedy_layout_stands():
    assert packed(TIGHT, load(TIGHT), 10**6, Clock.of(0.0)) is None


def test_without_a_solver_the_greedy_layout_stands(monkeypatch):
    monkeypatch.setattr(solver, "find_spec", lambda name: None)
    with pytest.warns(WengertWarning, match=r"pip install 'wengert\[solve\]'"):
        assert not solver.warn_if_absent()


@pytest.mark.parametrize("odd", [0, -1, True, "long", float("nan"), float("inf")])
def test_times_that_are_none(odd):
    with pytest.raises(OptionError, match="solve"):
        checked_seconds(odd)
