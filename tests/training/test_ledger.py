"""Predicted bytes are used bytes, with and without a budget, for whole training steps."""

import pytest

from planning.networks import NETWORKS, data
from wengert.base.errors import BudgetError, GraphError
from wengert.base.tree import flatten
from wengert.optim import adam, sgd
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.training.ledger import Ledger
from wengert.training.loop import fit
from wengert.training.state import training_state
from wengert.training.step import training_step


def stepped(network, optimizer):
    objective, parameters, *batch = NETWORKS[network][0], *data(network)
    state = training_state(parameters, optimizer)
    arguments = (state, tuple(batch))
    return trace(training_step(objective, optimizer), *arguments), flatten(arguments)[0]


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_predicted_is_used(network):
    graph, leaves = stepped(network, sgd(0.1, momentum=0.9))
    ledger = Ledger()
    assert ledger.bounded(graph) is graph
    ledger.run(graph, leaves)
    assert ledger.used == ledger.predicted > 0


@pytest.mark.parametrize("network", ["recurrent", "clipped", "columns"])
def test_a_budget_bounds_what_is_used_and_keeps_the_bits(network):
    graph, leaves = stepped(network, adam(0.01))
    free = Ledger()
    free.run(free.bounded(graph), leaves)
    ledger = Ledger(free.used * 9 // 10)
    within = ledger.bounded(graph)
    found = ledger.run(within, leaves)
    assert ledger.used == ledger.predicted <= ledger.budget
    expected = run(graph, leaves)
    assert [each.tobytes() for each in found] == [each.tobytes() for each in expected]
    assert f"{ledger.used:,} used" in str(ledger)


def test_below_the_floor_is_refused():
    graph, _ = stepped("deep", sgd(0.1))
    with pytest.raises(BudgetError, match="does not fit 1 kB"):
        Ledger(1000).bounded(graph)


def test_other_bytes_than_planned_are_seen():
    graph, leaves = stepped("deep", sgd(0.1))
    ledger = Ledger()
    ledger.bounded(graph)
    object.__setattr__(ledger._plans[graph], "workspace", (10**7,) * len(graph.operations))
    with pytest.raises(GraphError, match="held other bytes than planned"):
        ledger.run(graph, leaves)


def test_fit_within_a_budget_says_what_it_used_and_learns_the_same(capsys):
    objective, parameters, *batch = NETWORKS["recurrent"][0], *data("recurrent")
    batch = tuple(batch)
    free = fit(objective, parameters, batch, epochs=2, compiled=False)
    assert "predicted" not in capsys.readouterr().out
    bound = fit(objective, parameters, batch, epochs=2, memory="3MB")
    out = capsys.readouterr().out
    assert "bytes predicted" in out and "within 3 MB" in out and "done again" in out
    assert all((free.parameters[key] == bound.parameters[key]).all() for key in parameters)
    with pytest.raises(BudgetError, match="does not fit 100 kB"):
        fit(objective, parameters, batch, epochs=1, memory="100kB")
