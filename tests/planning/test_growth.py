"""The formula of the peak against plans made directly, size by size."""

import numpy as np
import pytest

from planning.networks import NETWORKS
from wengert.base.errors import BudgetError, OptionError
from wengert.base.tree import flatten, unflatten
from wengert.planning.growth import growth, largest
from wengert.planning.plan import plan_graph
from wengert.tracing.spec import Spec
from wengert.transforms import joint

F8 = "float64"


def in_batch(function, parameters, *batch):
    """Return plan_at for a batch axis 0."""
    leaves, structure = flatten(batch, is_leaf=lambda each: isinstance(each, Spec))

    def plan_at(size):
        specs = [Spec((size, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
        return plan_graph(joint(function, parameters, *unflatten(structure, specs)))

    return plan_at


ROWS = [name for name in NETWORKS if name not in ("columns", "clipped")]


@pytest.mark.parametrize("network", ROWS)
def test_the_formula_is_the_plan_at_every_size(network):
    function, parameters, *batch = NETWORKS[network]
    plan_at = in_batch(function, parameters, *batch)
    found = growth(plan_at, batch[0].shape[0], "batch size", "B")
    assert found.basis == "storages" and found.pieces
    for size in (1, 2, 3, 5, 17, 64, 100, 333, 1000, 4097):
        assert found(size) == plan_at(size).peak_bytes, size


@pytest.mark.parametrize("network", ROWS)
@pytest.mark.parametrize("budget", [20_000_000, 200_000_000, 2_147_483_648])
def test_the_largest_batch_fits_and_one_more_does_not(network, budget):
    function, parameters, *batch = NETWORKS[network]
    plan_at = in_batch(function, parameters, *batch)
    found = largest(growth(plan_at, 32, "batch size", "B"), budget)
    assert plan_at(int(found)).peak_bytes == found.peak_bytes <= budget
    assert plan_at(found + 1).peak_bytes == found.next_peak_bytes > budget
    assert f"{found:,}" in found.text()


def kernel(W, X):
    Z = X @ W
    return np.sum(np.exp(Z @ Z.T))


def test_squares_of_the_batch_are_fitted():
    plan_at = in_batch(kernel, Spec((6, 5), F8), Spec((16, 6), F8))
    found = growth(plan_at, 16, "batch size", "B")
    assert max(piece.formula.degree for piece in found.pieces) == 2
    assert "B²" in found.formula
    assert found(1000) == plan_at(1000).peak_bytes


def test_pieces_change_where_another_operation_becomes_the_peak():
    def objective(W, X):
        big = np.exp(W) @ np.exp(W)
        return np.sum(np.exp(X @ W)) + np.sum(big)

    plan_at = in_batch(objective, Spec((40, 40), F8), Spec((16, 40), F8))
    found = growth(plan_at, 16, "batch size", "B")
    assert len(found.pieces) >= 2
    for piece in found.pieces:
        assert found(piece.first) == plan_at(piece.first).peak_bytes
        if piece.last is not None:
            assert found(piece.last) == plan_at(piece.last).peak_bytes


def one_is_special(W, X):
    if X.shape[0] == 1:
        return np.sum(np.exp(W) * np.exp(W)) * np.sum(X)
    return np.sum((X @ W) ** 2)


def test_a_batch_of_one_that_runs_other_operations_is_told():
    plan_at = in_batch(one_is_special, Spec((6, 5), F8), Spec((16, 6), F8))
    found = growth(plan_at, 16, "batch size", "B")
    assert found.pieces[0].first == 2
    assert "2 ≤ B" in found.formula
    assert "below B = 2" in str(found)
    assert found(1) == plan_at(1).peak_bytes != found.pieces[0].formula(1)


def test_a_function_that_needs_some_examples_is_told():
    def objective(W, X):
        if X.shape[0] < 7:
            raise BudgetError("too few")
        return np.sum((X @ W) ** 2)

    found = growth(in_batch(objective, Spec((6, 5), F8), Spec((16, 6), F8)), 16, "batch size", "B")
    assert found.pieces[0].first == 7
    assert "below B = 7 the function cannot be traced" in str(found)


def over_time(W, X):
    h = np.zeros((4, 8))
    for t in range(X.shape[0]):
        h = np.tanh(X[t] + h @ W)
    return np.sum(h**2)


def test_a_loop_over_the_size_is_fitted_on_the_peak():
    plan_at = in_batch(over_time, Spec((8, 8), F8), Spec((6, 4, 8), F8))
    found = growth(plan_at, 6, "number of steps", "T")
    assert found.basis == "peak"
    assert "number of operations changes with T" in str(found)
    for size in (6, 9, 40):
        assert found(size) == plan_at(size).peak_bytes
    assert largest(found, 100_000) > 0


def test_no_polynomial_is_said_and_each_size_planned():
    def objective(W, X):
        return np.sum((X[:: 1 + X.shape[0] % 5] @ W) ** 2)

    plan_at = in_batch(objective, Spec((6, 5), F8), Spec((16, 6), F8))
    found = growth(plan_at, 16, "batch size", "B")
    assert not found.pieces and "no polynomial" in str(found)
    assert found(23) == plan_at(23).peak_bytes
    at = largest(found, 20_000)
    assert plan_at(int(at)).peak_bytes <= 20_000 < plan_at(at + 1).peak_bytes


@pytest.mark.parametrize("budget", [300_000, 380_000, 395_000, 500_000])
def test_the_largest_batch_is_planned_where_the_formula_no_longer_holds(budget):
    def objective(W, X):
        z = X @ W
        if X.shape[0] > 4000:
            z = z + X @ np.exp(W)
        return np.sum(np.square(z))

    plan_at = in_batch(objective, Spec((6, 5), F8), Spec((16, 6), F8))
    found = largest(growth(plan_at, 16, "batch size", "B"), budget)
    assert plan_at(int(found)).peak_bytes <= budget < plan_at(found + 1).peak_bytes


def test_nothing_fits():
    function, parameters, *batch = NETWORKS["sample"]
    found = growth(in_batch(function, parameters, *batch), 32, "batch size", "B")
    with pytest.raises(BudgetError, match="no batch size fits 1 kB") as problem:
        largest(found, 1000)
    assert "the peak at B = 1" in str(problem.value)


def test_sizes_below_the_least_are_refused():
    function, parameters, *batch = NETWORKS["sample"]
    found = growth(in_batch(function, parameters, *batch), 32, "batch size", "B")
    with pytest.raises(OptionError, match="at least 1"):
        found(0)
