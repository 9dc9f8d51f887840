"""A budget bounds the arena, and more of it never costs more."""

from functools import cache

import pytest

from planning.networks import NETWORKS
from wengert.base.errors import BudgetError, OptionError, WengertWarning
from wengert.planning import budget as module
from wengert.planning.budget import Fitting, arena, checked_budget, graph_within, within
from wengert.planning.plan import plan_graph
from wengert.tracing.spec import Spec
from wengert.transforms import joint

BUDGETS = 100


@cache
def fitting(network):
    function, *specs = NETWORKS[network]
    return Fitting(plan_graph(joint(function, *specs)))


@pytest.mark.parametrize("network", NETWORKS)
def test_more_budget_never_costs_more(network):
    found = fitting(network)
    low, high = found.numbers.floor()[0], arena(found.plan).nbytes
    before = None
    for part in range(BUDGETS):
        allowed = low + (high - low) * part // (BUDGETS - 1)
        plan = found.within(allowed)
        if plan is None:
            assert before is None, "a smaller budget was met"
            continue
        price = found.overhead(plan)
        assert arena(plan).nbytes <= allowed
        assert before is None or price <= before
        before = price
    assert before == 0


def test_below_the_floor_the_message_says_what_binds():
    found = fitting("clipped")
    floor, at = found.numbers.floor()
    with pytest.raises(BudgetError) as error:
        within(found.plan, floor - 1)
    text = str(error.value)
    assert f"{floor:,}" in text and found.base.written(at) in text and "networks.py:" in text
    least = arena(found.lowest).nbytes
    assert f"at least {least:,} bytes" in text
    assert arena(within(found.plan, least)).nbytes <= least


def test_a_graph_within_a_budget_has_more_operations():
    plan = fitting("recurrent").plan
    graph = graph_within(plan.graph, plan.peak_bytes * 3 // 4)
    assert len(graph.operations) > len(plan.graph.operations)
    assert graph_within(plan.graph, 10**9) is plan.graph


@pytest.mark.parametrize("odd", ["12 apples", "", "-3MB", 0, "0 GB", -1, True, "1e400", "nan MB"])
def test_budgets_that_make_no_sense(odd):
    with pytest.raises(OptionError, match="memory"):
        checked_budget(odd)


def test_more_than_the_machine_has_is_warned_of(monkeypatch):
    monkeypatch.setattr(module, "machine_bytes", lambda: 10**9)
    with pytest.warns(WengertWarning, match="2 GB is more than the 1 GB"):
        assert checked_budget("2GB") == 2 * 10**9
    assert checked_budget("1GB") == 10**9


def test_sizes_beyond_64_bits_are_answered():
    function, *_ = NETWORKS["deep"]
    wide, high = Spec((10**6, 10**6), "float64"), Spec((10**7, 10**6), "float64")
    plan = plan_graph(joint(function, [wide] * 6, high, high))
    assert plan.peak_bytes > 10**13
    huge = Spec((10**9, 10**9)), Spec((10**12, 10**9))
    plan = plan_graph(joint(function, [huge[0]] * 6, huge[1], huge[1]))
    assert plan.peak_bytes > 2**63
    with pytest.raises(BudgetError):
        within(plan, 10**12)
