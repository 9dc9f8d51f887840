"""Orders: valid, predicted to the byte, and the same bits."""

import numpy as np
import pytest

from planning.networks import NETWORKS, data
from wengert.base.tree import flatten
from wengert.optim import sgd
from wengert.planning.order import RULES, held, in_order, orders, work_of
from wengert.planning.plan import plan_graph
from wengert.reference.interpreter import run
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.training.state import training_state
from wengert.training.step import training_step
from wengert.transforms import joint


def planned(network):
    function, *specs = NETWORKS[network]
    return plan_graph(joint(function, *specs))


def stepped(objective, parameters, *batch):
    optimizer = sgd(0.1)
    state = training_state(parameters, optimizer)
    return plan_graph(trace(training_step(objective, optimizer), state, batch))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_order_is_valid_and_holds_what_it_says(network):
    plan = planned(network)
    leaves = flatten(data(network))[0]
    expected = [each.tobytes() for each in run(plan.graph, leaves)]
    found = orders(plan)
    assert {each.rule for each in found} == set(RULES)
    for order in found:
        graph = in_order(plan.graph, order.schedule)
        assert plan_graph(graph).peak_bytes == order.peak_bytes
        assert [each.tobytes() for each in run(graph, leaves)] == expected


@pytest.mark.parametrize("network", NETWORKS)
def test_the_best_comes_first_and_forward_before_backward(network):
    plan = planned(network)
    found = orders(plan)
    peaks = [each.peak_bytes for each in found]
    assert peaks == sorted(peaks) and peaks[0] <= plan.peak_bytes
    if peaks[0] == plan.peak_bytes:
        assert found[0].rule == "written"
    for order in found:
        parts = [plan.passes[at] != "forward" for at in order.schedule]
        assert parts == sorted(parts)


def test_an_order_can_save_a_quarter():
    plan = planned("columns")
    assert orders(plan)[0].peak_bytes < 0.8 * plan.peak_bytes


def test_early_updates_come_right_after_their_gradients():
    def objective(layers, x):
        for W in layers:
            x = np.tanh(x @ W)
        return np.sum(x * x)

    layers = [np.ones((20, 20)) / 20 for _ in range(5)]
    plan = stepped(objective, layers, np.ones((30, 20)))
    early = next(each for each in orders(plan) if each.rule == "early")
    passes = [plan.passes[at] for at in early.schedule]
    first = passes.index("update")
    assert first < passes.index("backward") + 12
    assert passes[first:].count("backward") > 10
    assert "backward" not in plan.passes[plan.passes.index("update") :]


def test_the_bytes_of_an_order_are_counted_with_its_workspace():
    plan = planned("clipped")
    work = work_of(plan)
    assert held(work, range(len(plan.schedule))) == plan.peak_bytes


def test_an_empty_schedule_has_an_order():
    plan = plan_graph(trace(lambda x: x, Spec((3,))))
    assert orders(plan)[0].schedule == ()
