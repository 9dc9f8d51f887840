"""Why a variable is held, for networks whose answer is known by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from planning.networks import NETWORKS
from wengert.base.errors import OptionError
from wengert.planning.drop import drop
from wengert.planning.plan import plan_graph
from wengert.planning.why import why
from wengert.tracing.spec import Spec
from wengert.transforms import joint


def objective(parameters, X, y):
    z = X @ parameters["W1"]
    h = np.tanh(z)
    o = h @ parameters["W2"]
    J = np.sum((o - y) ** 2)
    return J


@pytest.fixture(scope="module")
def plan():
    parameters = {"W1": Spec((30, 20)), "W2": Spec((20, 5))}
    return plan_graph(joint(objective, parameters, Spec((64, 30)), Spec((64, 5))))


def test_h_is_read_by_its_own_rule_and_by_the_next_layers(plan):
    reason = why(plan, "h")
    assert reason.retained and not reason.given
    assert reason.nbytes == 64 * 20 * 8
    assert {term.gradient for term in reason.terms} == {"d(W2)", "d(z)"}
    product = next(term for term in reason.terms if term.gradient == "d(W2)")
    assert product.rule == "o = matmul(h, W2)"
    assert product.operand == "operand x0"
    tanh = next(term for term in reason.terms if term.gradient == "d(z)")
    assert tanh.rule == "h = tanh(z)"
    assert tanh.operand == "result y"
    assert product.location is not None and product.location.file.endswith("test_why.py")
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert 'o = h @ parameters["W2"]' in source[product.location.line - 1]
    assert "h = np.tanh(z)" in source[tanh.location.line - 1]


def test_the_text_names_terms_bytes_life_and_price(plan):
    text = str(why(plan, "h"))
    assert "h: 10.2 kB, retained for" in text
    assert "the rule of o = matmul(h, W2) reads it (its operand x0)" in text
    assert "made by operation" in text and "last read by operation" in text
    assert "dropped and recomputed" in text and "1,280 transcendental" in text


def test_z_is_not_retained_because_tanh_reads_its_result(plan):
    reason = why(plan, "z")
    assert not reason.retained and not reason.terms and reason.dropped is None
    assert "not retained: no backward operation reads it" in str(reason)


def test_what_is_given_is_another_ledger(plan):
    reason = why(plan, "X")
    assert reason.given and [term.gradient for term in reason.terms] == ["d(W1)"]
    assert "held throughout; read by 1 backward term" in str(reason)
    assert "state and batch" in str(reason)


def test_a_gradient_that_is_returned(plan):
    assert "held to the end because it is returned" in str(why(plan, "d(W1)"))


def test_an_unknown_label_lists_what_there_is(plan):
    with pytest.raises(OptionError, match="no variable 'hh'") as problem:
        why(plan, "hh")
    assert "W1, W2, X, y" in str(problem.value)
    assert "did you mean 'h'?" in str(problem.value)


def test_every_storage_has_an_answer():
    for function, *specs in NETWORKS.values():
        plan = plan_graph(joint(function, *specs))
        for each in (*plan.intermediates, *plan.state):
            reason = why(plan, plan.names[each.base])
            assert reason.nbytes == each.nbytes and str(reason)
            assert bool(reason.terms) == each.retained or each.made == "backward"


def test_formulas_are_shown_where_they_are_given(plan):
    graph = plan.graph
    formulas = {graph.variable("h"): ((graph.variable("d(W2)"), "∂J/∂W2 = hᵀ ∂J/∂o"),)}
    reason = why(replace(plan, formulas=formulas), "h")
    assert "∂J/∂W2 = hᵀ ∂J/∂o" in str(reason)
    assert sum(len(term.formulas) for term in reason.terms) == 1


def dropped_by_hand(plan, variable, again):
    """Return the peak of a graph in which the producer runs once more before ``again``."""
    operations = list(plan.graph.operations)
    copy = replace(variable, name="again", of=None)
    twin = replace(plan.graph.producer[variable], outputs=(copy,))
    changed = [
        replace(op, inputs=tuple(copy if v is variable else v for v in op.inputs))
        for op in operations[again:]
    ]
    graph = replace(plan.graph, operations=(*operations[:again], twin, *changed))
    return plan_graph(graph).peak_bytes


def droppable(plan):
    """Yield what can be dropped and has no view from before that would have to be made again."""
    for each in plan.intermediates:
        dropped = drop(plan, each)
        births = [plan.graph.operations.index(plan.graph.producer[v]) for v in each.views]
        if dropped is not None and all(birth >= dropped.again_at for birth in births):
            yield each, dropped


@pytest.mark.parametrize("network", NETWORKS)
def test_dropping_is_what_a_graph_with_the_operation_twice_would_hold(network):
    function, *specs = NETWORKS[network]
    plan = plan_graph(joint(function, *specs))
    for each, dropped in droppable(plan):
        by_hand = dropped_by_hand(plan, each.base, dropped.again_at)
        assert dropped.peak_bytes == by_hand
        assert dropped.saved_bytes == max(0, plan.peak_bytes - by_hand)


def test_dropping_saves_where_much_waits_for_little():
    def objective(W, X):
        h = np.tanh(X @ W)
        for _ in range(3):
            h = np.tanh(h)
        k = np.exp(h[:4])
        return np.sum(k @ k.T) + np.sum(h)

    plan = plan_graph(joint(objective, Spec((30, 400)), Spec((300, 30))))
    saved = {plan.names[each.base]: dropped.saved_bytes for each, dropped in droppable(plan)}
    assert max(saved.values()) == 300 * 400 * 8


def test_relu_would_be_content_with_bits():
    def clipped(W, X):
        z = X @ W
        return np.sum(np.maximum(z, 0.0))

    plan = plan_graph(joint(clipped, Spec((30, 20)), Spec((64, 30))))
    assert "one bit an element decides the derivative of maximum: 160 B" in str(why(plan, "z"))
