"""Recomputation: what is predicted is what the rewritten graph holds, and the bits are the same."""

import time
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from planning.networks import NETWORKS, data
from planning.test_plan_is_what_runs import OBJECTS, measured_peak
from wengert.base.tree import flatten
from wengert.explanation.traced import Graph
from wengert.graph.text import equal, parse, to_text
from wengert.graph.walk import made_again
from wengert.planning.again import recomputed
from wengert.planning.cost_graph import CostGraph, Stage, cost_graph
from wengert.planning.holding import Holding
from wengert.planning.plan import plan_graph
from wengert.planning.recompute import held_under, let_go, pruned, recomputations
from wengert.planning.segments import nested, segmented
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import joint


@cache
def planned(network):
    function, *specs = NETWORKS[network]
    plan = plan_graph(joint(function, *specs))
    return plan, cost_graph(plan)


@cache
def choices(network):
    return recomputations(planned(network)[1])


def chain(layers, nbytes=100):
    """Return n layers, each read once by forward, and by backward in reverse order."""
    forward = [Stage((at - 1,) if at else (), (at,), price=10, again=True) for at in range(layers)]
    backward = [
        Stage(((layers + at - 1,) if at else ()) + (layers - 1 - at,), (layers + at,), price=10)
        for at in range(layers)
    ]
    count = 2 * layers
    kept = frozenset((count - 1,))
    return CostGraph((*forward, *backward), (nbytes,) * count, kept, layers)


def anything_let_go(graph, seed):
    """Return what is held after letting go of, and keeping, what chance says."""
    random = np.random.default_rng(seed)
    holding = Holding(graph)
    for _ in range(12):
        open_ = [
            (storage, after)
            for storage, made in enumerate(graph.made_at)
            if graph.stages[made].again
            for _, after in holding.open_gaps(storage)
        ]
        if open_:
            let_go(holding, open_[random.integers(len(open_))])
        if holding.gaps and random.random() < 0.3:
            there = sorted(holding.gaps)
            holding.keep(*there[random.integers(len(there))])
        if random.random() < 0.5:
            holding.live()
    return holding


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_predicted_is_what_the_rewritten_graph_holds(network):
    plan, numbers = planned(network)
    for seed in range(6):
        holding = anything_let_go(numbers, seed)
        graph = recomputed(plan, holding.gaps)
        assert plan_graph(graph).peak_bytes == holding.live().max()
        again = held_under(numbers, holding.gaps)
        assert (again.live() == holding.live()).all() and again.price == holding.price


@pytest.mark.parametrize("network", NETWORKS)
def test_keeping_again_undoes_everything(network):
    _, numbers = planned(network)
    holding = anything_let_go(numbers, 1)
    while holding.gaps:
        holding.keep(*min(holding.gaps))
    assert (holding.live() == Holding(numbers).live()).all() and holding.price == 0


@pytest.mark.parametrize("network", NETWORKS)
def test_the_bits_are_those_without_recomputation(network):
    plan, numbers = planned(network)
    leaves = flatten(data(network))[0]
    expected = [each.tobytes() for each in run(plan.graph, leaves)]
    found = [*(each.gaps for each in choices(network)[1:][::3]), anything_let_go(numbers, 2).gaps]
    for gaps in found:
        graph = recomputed(plan, gaps)
        assert [each.tobytes() for each in run(graph, leaves)] == expected


@pytest.mark.parametrize("network", ["attention", "recurrent", "clipped"])
def test_the_run_holds_what_was_promised(network):
    plan, _ = planned(network)
    lowest = choices(network)[-1]
    assert lowest.peak_bytes < plan.peak_bytes - 2 * OBJECTS
    graph = recomputed(plan, lowest.gaps)
    measured = measured_peak(graph, flatten(data(network))[0])
    assert 0 <= measured - lowest.peak_bytes < OBJECTS


@pytest.mark.parametrize("network", NETWORKS)
def test_choices_are_dearer_and_lower_one_after_the_other(network):
    _, numbers = planned(network)
    found = choices(network)
    assert not found[0].gaps and found[0].price == 0
    pairs = list(pairwise(found))
    assert all(a.price < b.price and a.peak_bytes > b.peak_bytes for a, b in pairs)
    assert all(each.peak_bytes >= numbers.floor()[0] for each in found)
    assert recomputations(numbers) == found


def test_what_is_made_again_says_so():
    plan, _ = planned("deep")
    graph = Graph.of(recomputed(plan, choices("deep")[-1].gaps))
    again = made_again(graph)
    assert again and {each.label for each in again} >= {"h_again"}
    for second, first in again.items():
        maker, original = graph.producer[second], graph.producer[first]
        assert maker.origin is first and maker.location == original.location
    assert equal(graph, parse(to_text(graph)))
    assert "h_again = np.tanh(" in graph.source()
    passes = dict(zip(graph.operations, plan_graph(graph).passes, strict=True))
    assert {passes[graph.producer[each]] for each in again} == {"recompute"}
    assert made_again(plan.graph) == {}


def test_a_view_of_what_is_made_again_looks_at_the_new_bytes():
    def objective(W, x):
        h = np.exp(x @ W)
        flat = h.reshape(-1)
        g = np.tanh(h @ W)
        return np.sum(flat * flat) + np.sum(np.sin(g @ W) ** 2)

    specs = (Spec((40, 40)), Spec((50, 40)))
    plan = plan_graph(joint(objective, *specs))
    numbers = cost_graph(plan)
    leaves = [np.random.default_rng(0).normal(size=spec.shape) / 40 for spec in specs]
    expected = [each.tobytes() for each in run(plan.graph, leaves)]
    for seed in range(20):
        graph = recomputed(plan, anything_let_go(numbers, seed).gaps)
        assert [each.tobytes() for each in run(graph, leaves)] == expected


def test_a_chain_in_segments_holds_about_two_roots():
    graph = chain(100)
    held = int(segmented(graph, 10).live().max())
    assert 18 * 100 <= held <= 24 * 100
    assert segmented(graph, 10).price <= 100 * 10
    found = recomputations(graph)
    once = next(each for each in found if each.peak_bytes <= held)
    assert once.price <= 100 * 10 and found[-1].peak_bytes < held / 2


def test_half_the_peak_costs_half_the_layers():
    found = next(each for each in recomputations(chain(40)) if each.peak_bytes <= 2200)
    assert found.price <= 20 * 10


def test_pruning_takes_back_what_the_budget_does_not_need():
    graph = chain(30)
    all_of_it = recomputations(graph)[-1]
    assert pruned(graph, all_of_it, 10**6).price == 0
    some = pruned(graph, all_of_it, 2000)
    assert some.peak_bytes <= 2000 and 0 < some.price < all_of_it.price


def test_without_a_backward_pass_nothing_is_made_again():
    function, *specs = NETWORKS["deep"]
    assert len(recomputations(cost_graph(plan_graph(trace(function, *specs))))) == 1


def test_four_hundred_operations_take_a_moment():
    graph = chain(200)
    start = time.process_time()
    recomputations(graph)
    assert time.process_time() - start < 3


def test_segments_in_segments_hold_less():
    graph = chain(60)
    once, twice = segmented(graph, 4), nested(graph, 4, 8)
    assert twice is not None
    assert twice.live().max() < once.live().max() and twice.price > once.price
    assert nested(chain(300), 1, 1) is None


def test_where_nothing_lowers_the_peak_there_is_one_plan():
    """A product that must stand whole: letting go of its operands saves nothing."""

    def objective(parameters, X):
        h = X
        for _ in parameters:
            h = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1)
        return np.mean(h * h) + sum(np.sum(W * W) for W in parameters)

    specs = [Spec((4, 4), "float32")] * 2, Spec((5, 4), "float32")
    found = recomputations(cost_graph(plan_graph(simplify(joint(objective, *specs)))))
    assert len(found) >= 1 and found[0].gaps == frozenset()
