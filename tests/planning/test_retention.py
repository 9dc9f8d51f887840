"""Recomputation by the solver: what it says is played anew, and the better plan is returned."""

from dataclasses import replace

import numpy as np
import pytest

import wengert as wg
from planning.networks import NETWORKS, data
from planning.test_recompute import chain, planned
from wengert.base.errors import WengertWarning
from wengert.base.tree import flatten
from wengert.planning import retention, solver
from wengert.planning.budget import Fitting
from wengert.planning.cost_graph import CostGraph, Stage
from wengert.planning.playing import played
from wengert.planning.recompute import recomputations
from wengert.planning.refining import refined
from wengert.planning.retention import better, event, retained
from wengert.planning.solver import Clock, Solved
from wengert.reference.interpreter import run

SECONDS = 20


def test_events_of_a_stage_come_before_it_and_after_the_stage_before():
    for stage in range(1, 12):
        assert event(stage - 1, stage - 1) < event(stage, 0)
        assert [event(stage, k + 1) - event(stage, k) for k in range(stage)] == [1] * stage


def trap():
    """Return a graph that has 60 bytes too many: let go one of 60 for 59, or two of 30 for 56."""
    forward = [Stage((), (0,), price=59, again=True), Stage((), (1,), price=28, again=True),
               Stage((), (2,), price=28, again=True), Stage((0, 1, 2), (3,), price=1)]  # fmt: skip
    peak = Stage((3,), (4,), workspace=100, price=1)
    backward = [Stage((4, 0), (5,), price=1), Stage((5, 1), (6,), price=1),
                Stage((6, 2), (7,), price=1)]  # fmt: skip
    sizes = (60, 30, 30, 1, 1, 1, 1, 1)
    return CostGraph((*forward, peak, *backward), sizes, frozenset((7,)), 4)


def test_the_solver_beats_a_plan_that_is_no_optimum():
    pytest.importorskip("ortools")
    graph = trap()
    dear = played(graph, {(0, 5)})
    assert dear is not None and dear.price == 59
    found = retained(graph, dear, dear.peak_bytes, Clock.of(SECONDS))
    assert found.gaps == {(1, 6), (2, 7)} and found.price == 56


@pytest.mark.parametrize("budget", [1900, 1500])
def test_a_chain_is_never_dearer_than_the_greedy_plan(budget):
    pytest.importorskip("ortools")
    graph = chain(20)
    start = next(each for each in recomputations(graph) if each.peak_bytes <= budget)
    found = retained(graph, start, budget, Clock.of(2))
    assert found.price <= start.price and found.peak_bytes <= budget


UNIT = 512 * 512 * 4


def cosines(count, beside):
    """Return blocks x → matmul → cos, their gradients, and many bytes in use when forward ends.

    Of a block the backward pass reads the product (the derivative of cos) and the cosine (the
    gradient of the next weight); a cosine costs nothing beside a product.
    """
    stages, size = [], []

    def new(*reads, price, again=False):
        size.append(UNIT if again else 0)
        stages.append(Stage(reads, (len(size) - 1,), price=price, again=again))
        return len(size) - 1

    blocks, x = [], None
    for _ in range(count):
        product = new(*(() if x is None else (x,)), price=1000, again=True)
        x = new(product, price=1, again=True)
        blocks.append((product, x))
    begin = len(stages)
    stages.append(Stage((), (), workspace=beside))
    g = new(x, price=1)
    for at, (product, _) in reversed(list(enumerate(blocks))):
        dz = new(g, product, price=1)
        g = new(dz, *((blocks[at - 1][1],) if at else ()), price=2000)
    return CostGraph(tuple(stages), tuple(size), frozenset(), begin)


@pytest.mark.parametrize("saved", range(6))
def test_five_blocks_of_product_and_cosine(saved):
    """The oracle of PyTorch's test_ac.py: at k ≤ 5 units k are saved, 5 − k products made again."""
    pytest.importorskip("ortools")
    graph = cosines(5, beside=100 * UNIT)
    frontier = recomputations(graph)
    assert frontier[0].peak_bytes == 110 * UNIT
    budget = (100 + saved) * UNIT
    start = next((each for each in frontier if each.peak_bytes <= budget), frontier[-1])
    found = retained(graph, start, budget, Clock.of(SECONDS))
    assert found.peak_bytes == budget
    assert found.price // 1000 == 5 - saved


def lies(graph, start, gaps):
    return better(start, gaps, graph, start.peak_bytes)


@pytest.mark.parametrize(
    "gaps",
    [
        {(0, 0)},
        {(29, 40)},
        {(3, 10**6)},
        {(5, 31), (6, 3)},
        {(at, 59 - at) for at in range(30)},
    ],
)
def test_gaps_that_make_no_sense_are_not_believed(gaps):
    graph = chain(30)
    start = recomputations(graph)[-1]
    assert lies(graph, start, gaps) is start


@pytest.mark.parametrize("verdict", ["infeasible", "unknown", "optimal"])
def test_a_solver_that_answers_wrongly_leaves_the_greedy_plan(monkeypatch, verdict):
    pytest.importorskip("ortools")
    # "optimal" with every variable at its largest: copies nobody reads, of everything.
    value = (lambda variable: _largest(variable)) if verdict == "optimal" else None
    monkeypatch.setattr(retention, "first_of", lambda *_, **__: Solved(verdict, value))
    graph = chain(20)
    start = recomputations(graph)[2]
    assert retained(graph, start, start.peak_bytes, Clock.of(1)) is start


def _largest(variable):
    return variable if isinstance(variable, int) else list(variable.proto.domain)[-1]


def test_without_time_the_greedy_plan_stands():
    pytest.importorskip("ortools")
    graph = chain(20)
    start = recomputations(graph)[2]
    assert retained(graph, start, start.peak_bytes, Clock.of(0.0)) is start


@pytest.mark.parametrize("network", ["deep", "recurrent"])
def test_the_bits_are_those_without_recomputation(network):
    pytest.importorskip("ortools")
    plan, _ = planned(network)
    fitting = Fitting(plan)
    allowed = (fitting.choices[0].peak_bytes + fitting.choices[-1].peak_bytes) // 2
    greedy = fitting.within(allowed)
    found = refined(fitting, greedy, allowed, Clock.of(2))
    assert found is not None and greedy is not None
    assert fitting.nbytes(found) <= allowed
    assert fitting.overhead(found) <= fitting.overhead(greedy)
    leaves = flatten(data(network))[0]
    expected = [each.tobytes() for each in run(plan.graph, leaves)]
    assert [each.tobytes() for each in run(found.graph, leaves)] == expected


def test_what_the_solver_finds_beyond_the_budget_is_tightened():
    plan, _ = planned("recurrent")
    fitting, asked = Fitting(plan), []
    allowed = fitting.nbytes(fitting.lowest)

    def careless(graph, start, level, clock, copies):
        """Return what is over the budget, whatever is asked for."""
        asked.append(level)
        return replace(fitting.choices[1])

    found = refined(fitting, fitting.within(allowed), allowed, Clock.of(60), careless)
    assert found is not None and fitting.nbytes(found) <= allowed
    assert asked[0] > asked[1] > asked[2]


def test_the_option_and_an_absent_solver(monkeypatch):
    function, *specs = NETWORKS["deep"]
    monkeypatch.setattr(solver, "find_spec", lambda name: None)
    free = wg.plan(function, *specs)
    budget = free.peak_bytes * 9 // 10
    with pytest.warns(WengertWarning, match="the greedy plan stands"):
        found = wg.plan(function, *specs, memory=budget, solve=5)
    assert found.peak_bytes == wg.plan(function, *specs, memory=budget).peak_bytes <= budget


def test_planned_with_the_solver():
    pytest.importorskip("ortools")
    function, *specs = NETWORKS["deep"]
    budget = wg.plan(function, *specs).peak_bytes * 9 // 10
    greedy = wg.plan(function, *specs, memory=budget)
    found = wg.plan(function, *specs, memory=budget, solve=2)
    assert found.peak_bytes <= budget and found.overhead <= greedy.overhead
    with pytest.raises(wg.WengertError, match="solve"):
        wg.plan(function, *specs, memory=budget, solve=-1)


def test_compiled_and_trained_with_the_solver():
    pytest.importorskip("ortools")
    random = np.random.default_rng(0)
    W = [random.normal(size=(48, 48)).astype("float32") / 7 for _ in range(6)]
    x = random.normal(size=(256, 48)).astype("float32")
    y = np.tanh(x)
    step = wg.value_and_grad(NETWORKS["deep"][0])
    plan = wg.plan(NETWORKS["deep"][0], W, x, y)
    allowed = plan.peak_bytes * 9 // 10
    expected, found = wg.compile(step)(W, x, y), wg.compile(step, memory=allowed, solve=1)(W, x, y)
    for a, b in zip(flatten(expected)[0], flatten(found)[0], strict=True):
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    options = {"batch_size": 128, "epochs": 1, "progress": False}
    runs = [
        wg.fit(NETWORKS["deep"][0], W, (x, y), **options, memory="10MB", solve=solve)
        for solve in (None, 1)
    ]
    for a, b in zip(*(flatten(each.parameters)[0] for each in runs), strict=True):
        assert a.tobytes() == b.tobytes()
    with pytest.raises(wg.WengertError, match="fit: solve"):
        wg.fit(NETWORKS["deep"][0], W, (x, y), solve="long")
