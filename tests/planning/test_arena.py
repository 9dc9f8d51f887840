"""Offsets: no two buffers that are alive together share a byte, and little is wasted."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from wengert.planning.arena import ALIGNMENT, Interval, lay_out, load

intervals = st.lists(
    st.builds(
        lambda birth, held, nbytes: Interval(birth, birth + held, nbytes),
        st.integers(0, 30), st.integers(1, 12), st.integers(0, 5000),
    ),
    max_size=40,
)  # fmt: skip


@given(intervals)
def test_what_is_alive_together_lies_apart(given_intervals):
    arena = lay_out(given_intervals)
    for (a, i), (b, j) in combinations(zip(given_intervals, arena.offsets, strict=True), 2):
        if a.meets(b) and a.nbytes and b.nbytes:
            assert i + a.nbytes <= j or j + b.nbytes <= i
    for each, offset in zip(given_intervals, arena.offsets, strict=True):
        assert offset % ALIGNMENT == 0
        assert offset + each.nbytes <= arena.nbytes
    assert load(given_intervals) <= arena.load <= arena.nbytes


def test_a_chain_needs_no_more_than_its_load():
    arena = lay_out([Interval(i, i + 2, 64 * (1 + i % 2)) for i in range(50)])
    assert arena.nbytes == arena.load == 64 * 3


def test_nothing_needs_nothing():
    assert lay_out([]).nbytes == lay_out([Interval(0, 1, 0)]).nbytes == 0


def test_what_lives_throughout_lies_at_the_bottom():
    arena = lay_out([Interval(0, 1, 64), Interval(0, 9, 128), Interval(8, 9, 64)])
    assert arena.offsets == (128, 0, 128)
    assert arena.nbytes == arena.load
