"""Layouts of random schedules: sound when played, never larger in place, and lies are seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.base.errors import GraphError
from wengert.planning.cost_graph import CostGraph, Stage
from wengert.planning.layout import laid_out
from wengert.planning.replay import replay


@st.composite
def schedules(draw):
    """Draw stages that read what was made before, some of which may write over what they read."""
    count = draw(st.integers(1, 12))
    nbytes = [draw(st.sampled_from([0, 1, 64, 100, 640, 640, 1280])) for _ in range(count)]
    stages = []
    for made in range(count):
        before = st.lists(st.sampled_from(range(made)), max_size=3) if made else st.just([])
        reads = tuple(dict.fromkeys(draw(before)))
        over = tuple((made, read) for read in reads if draw(st.booleans()))
        workspace = draw(st.sampled_from([0, 0, 0, 200]))
        stages.append(Stage(reads, (made,), workspace, over=over))
    kept = frozenset(draw(st.lists(st.sampled_from(range(count)), max_size=2)))
    return CostGraph(tuple(stages), tuple(nbytes), kept, count)


@given(schedules())
def test_a_layout_is_sound_and_as_large_as_what_is_written(graph):
    found = laid_out(graph)
    replay(graph, found.offsets, found.workspace, found.nbytes)
    assert max(found.live) == found.load <= found.nbytes <= found.apart_bytes
    assert all(offset % 64 == 0 for offset in found.offsets)
    for made, read in found.over.items():
        assert found.deaths[read] == found.births[made] + 1
        assert (made, read) in graph.stages[found.births[made]].over
    assert len(set(found.over.values())) == len(found.over), "two claim one storage"


def chain(count, over=True):
    stages = [Stage((), (0,))]
    stages += [Stage((n - 1,), (n,), over=((n, n - 1),) if over else ()) for n in range(1, count)]
    return CostGraph(tuple(stages), (640,) * count, frozenset({count - 1}), count)


def test_a_chain_lies_in_one_place():
    found = laid_out(chain(5))
    assert (found.nbytes, found.apart_bytes) == (640, 1280)
    assert laid_out(chain(5, over=False)).nbytes == 1280


def test_what_is_read_again_is_not_overwritten():
    graph = chain(3)
    late = replace(graph, stages=(*graph.stages, Stage((0,), ())))
    found = laid_out(late)
    assert 1 not in found.over and found.over == {2: 1}
    assert found.offsets[0] != found.offsets[1]


def test_one_storage_is_taken_over_once():
    stages = (Stage((), (0,)), Stage((0,), (1, 2), over=((1, 0), (2, 0))), Stage((1, 2), ()))
    found = laid_out(CostGraph(stages, (64, 64, 64), frozenset(), 3))
    assert found.over == {1: 0} and found.nbytes == 128


def test_lies_are_seen():
    graph = chain(3, over=False)
    found = laid_out(graph)
    with pytest.raises(GraphError, match="written over storage 0"):
        replay(graph, (0, 0, 640), found.workspace, 1280)
    with pytest.raises(GraphError, match="640 bytes were said"):
        replay(graph, found.offsets, found.workspace, 640)
    again = replace(graph, stages=(*graph.stages, Stage((0,), ())))
    with pytest.raises(GraphError, match="still needed"):
        replay(again, found.offsets, found.workspace, found.nbytes)
