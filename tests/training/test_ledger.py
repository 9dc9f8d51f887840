"""Predicted bytes are used bytes, with and without a budget, for whole training steps."""

import pytest

from planning.networks import NETWORKS, data
from wengert.base.errors import BudgetError, GraphError
from wengert.base.tree import flatten
from wengert.compilation import plan
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


@pytest.mark.parametrize("compiled", [True, False])
def test_fit_within_a_budget_says_what_it_used_and_learns_the_same(compiled, capsys):
    objective, parameters, *batch = NETWORKS["recurrent"][0], *data("recurrent")
    batch = tuple(batch)

    def fitted(**options):
        return fit(objective, parameters, batch, epochs=2, compiled=compiled, **options)

    free = fitted()
    assert free.memory.used == free.memory.predicted > 3 * 10**6
    assert "bytes predicted" in capsys.readouterr().out
    bound = fitted(memory="3MB")
    out = capsys.readouterr().out
    assert "bytes predicted" in out and "within 3 MB" in out and "done again" in out
    assert 0 < bound.memory.used == bound.memory.predicted <= 3 * 10**6
    assert all((free.parameters[key] == bound.parameters[key]).all() for key in parameters)


def test_all_programs_of_a_run_share_one_block_that_was_predicted():
    """Whole batches, the last one, and measuring: 600 examples in batches of 256, 50 aside."""
    objective, parameters, *batch = NETWORKS["sample"][0], *data("sample")
    run = fit(objective, parameters, tuple(batch), epochs=1, validation=0.1, progress=False,
              optimizer=adam(0.01))  # fmt: skip
    ledger = run.memory
    assert ledger.used == ledger.predicted == ledger.allocated > 0
    step = training_step(objective, adam(0.01))
    state = training_state(parameters, adam(0.01))
    leaves = len(flatten(state)[0])
    first = tuple(x[:256] for x in batch)
    planned = plan(step, state, first, backward=False, resident=leaves)
    assert planned.peak_bytes == ledger.predicted
    assert ledger.beside["state"] == sum(leaf.nbytes for leaf in flatten(state)[0])
    assert ledger.beside["the state that a bad number returns to"] == ledger.beside["state"]
    assert "beside it:" in run.report() and "metrics of 4,096 steps" in run.report()


def test_a_step_that_does_not_fit_tells_the_batch_that_would():
    objective, parameters, *batch = NETWORKS["attention"][0], *data("attention")

    def fitted(size):
        return fit(objective, parameters, tuple(batch), epochs=1, batch_size=size,
                   memory="1200kB", progress=False)  # fmt: skip

    with pytest.raises(BudgetError, match="no recomputation can do with less") as error:
        fitted(4)
    most = int(str(error.value).split("batch_size=")[1].split(",")[0])
    assert fitted(most).memory.used <= 1_200_000
    with pytest.raises(BudgetError):
        fitted(most + 1)
