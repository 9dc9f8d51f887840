"""The dynamic programme of a chain: the optimum of revolve, and what it says is what is held."""

from functools import cache
from math import comb, inf

import pytest

from planning.test_recompute import chain, choices, planned
from wengert.planning.chains import Block, Chain, Way, blocks_of, chained
from wengert.planning.cost_graph import CostGraph, Stage
from wengert.planning.holding import Holding
from wengert.planning.playing import now

TAPE = 50


def chain_of(count, slots):
    """Return the programme with room for so many states and one tape.

    The state before the first block is given; the one that is taped is held beside its tape.
    """
    return Chain(uniform(count), TAPE + slots, TAPE + slots)


def uniform(count):
    """Return blocks of one byte and one unit of work, of which one can be taped at a time."""
    whole = (Way(TAPE, 0),)
    return [Block((at,), 1, 1, 0, 0, whole) for at in range(count)]


@cache
def revolve(steps, slots):
    """Return the least forward steps that reverse ``steps`` of them with ``slots`` checkpoints.

    Griewank's recursion, in which the state before the first step takes a slot of its own.
    """
    if steps == 1:
        return 0
    if slots == 1:
        return steps * (steps - 1) // 2
    return min(
        k + revolve(steps - k, slots - 1) + revolve(k, slots) for k in range(1, steps)
    )  # fmt: skip


@pytest.mark.parametrize("slots", [1, 2, 3, 4])
def test_a_uniform_chain_takes_the_steps_of_revolve(slots):
    """A step that is taped counts once in the table, and not at all in revolve's number."""
    for count in range(1, 24):
        found = chain_of(count, slots).work(TAPE + slots)
        assert found == revolve(count, slots) + count


@pytest.mark.parametrize(("slots", "sweeps"), [(2, 2), (2, 4), (3, 2), (3, 3), (4, 2)])
def test_so_many_slots_and_sweeps_reach_their_binomial(slots, sweeps):
    """With s slots, at most r runs of each block reach C(s + r, s) blocks, and not one more."""
    most = comb(slots + sweeps, slots)
    assert _sweeps(most, slots) == sweeps
    assert _sweeps(most + 1, slots) == sweeps + 1


def _sweeps(count, slots):
    """Return how often a block is carried out before the run that tapes it, at most."""
    runs = chain_of(count, slots).runs(TAPE + slots)
    swept = [block for block, way, _ in runs if way is None]
    return max(swept.count(block) for block in range(count))


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_runs_are_what_the_table_counts(slots):
    for count in range(1, 15):
        programme = chain_of(count, slots)
        assert len(programme.runs(TAPE + slots)) == programme.work(TAPE + slots)


def test_without_room_there_is_no_way():
    assert Chain(uniform(5), 10, 10).work(0) == inf


def graph_price(graph):
    """Return the work of the forward pass."""
    return sum(stage.price for stage in graph.stages[: graph.begin])


@pytest.mark.parametrize("layers", [6, 20, 38])
def test_what_a_chain_says_is_within_its_bytes(layers):
    graph = chain(layers)
    peak = now(Holding(graph)).peak_bytes
    programme = Chain(blocks_of(graph), peak)
    found = chained(graph, peak, 20)
    assert found
    assert min(each.peak_bytes for each in found) <= programme.least()
    for each in found:
        assert each.price <= programme.work(each.peak_bytes) - graph_price(graph)


def bottleneck(blocks):
    """Return blocks of a dear and small product, and a cheap and large function of it."""
    stages, sizes, read = [], [], []
    for _ in range(blocks):
        at = len(sizes)
        stages += [Stage((at - 1,) if at else (), (at,), price=1000, again=True),
                   Stage((at,), (at + 1,), price=1, again=True),
                   Stage((at + 1,), (at + 2,), price=1000, again=True)]  # fmt: skip
        sizes += [10, 1000, 10]
        read.append((at + 1, at))
    begin = len(stages)
    for large, small in reversed(read):
        stages.append(Stage((large, small), (len(sizes),), price=1))
        sizes.append(1)
    return CostGraph(tuple(stages), tuple(sizes), frozenset(), begin)


def test_blocks_that_are_alike_are_solved_once():
    graph = bottleneck(12)
    blocks = blocks_of(graph)
    # Every place between two products is a cut; the two kinds of block share what was found.
    assert len({id(block.ways) for block in blocks}) <= 5 < len(blocks)


def test_what_is_cheap_is_made_again_and_what_is_dear_is_kept():
    graph = bottleneck(12)
    peak = now(Holding(graph)).peak_bytes
    best = min(
        (e for e in chained(graph, peak, 20) if e.peak_bytes < peak / 4), key=lambda e: e.price
    )
    assert best.price <= 12


@pytest.mark.parametrize("network", ["deep", "recurrent"])
def test_the_chain_is_among_the_choices(network):
    _, numbers = planned(network)
    peak = choices(network)[0].peak_bytes
    for each in chained(numbers, peak, 16):
        kept = [c for c in choices(network) if c.peak_bytes <= each.peak_bytes]
        assert kept and min(c.price for c in kept) <= each.price
