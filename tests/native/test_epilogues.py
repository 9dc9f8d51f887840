"""What follows a product as a part of it, against the interpreter; and when it stays apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.base.tree import flatten
from wengert.native.kernels.epilogue import Made
from wengert.native.kernels.tiled import Tiled
from wengert.native.program import compile_graph
from wengert.native.stepper import Memory, Stepper
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify

Array = np.ndarray[Any, Any]


def network(hidden: int, inputs: int, dtype: str, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    shapes = {"w1": (inputs, hidden), "b1": (hidden,), "w2": (hidden, 3)}
    return {name: 0.3 * rng.standard_normal(s).astype(dtype) for name, s in shapes.items()}


def objective(p: dict[str, Array], x: Array, y: Array) -> Any:
    functional = wg.nn.functional
    h = functional.relu(x @ p["w1"] + p["b1"])
    loss = functional.softmax_cross_entropy(h @ p["w2"], y)
    return loss + functional.l2(p, 0.01)


def stepper(parameters: Any, batch: int, optimizer: Any, threads: int = 1) -> Stepper:
    """Return the compiled step of the network, and let it keep its graph."""
    dtype = parameters["w1"].dtype
    state = wg.training_state(parameters, optimizer)
    x, y = np.zeros((batch, len(parameters["w1"])), dtype), np.zeros(batch, np.int64)
    graph = simplify(wg.trace(wg.training_step(objective, optimizer), state, (x, y)))
    return Stepper(graph, Memory(flatten(state)[0]), threads)


def data(rows: int, inputs: int, dtype: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.standard_normal((rows, inputs)).astype(dtype), rng.integers(0, 3, rows)


def ends(made: Stepper) -> list[Tiled]:
    """Return the products that end in something."""
    bodies = [kernel.body for kernel in made.kernels if isinstance(kernel.body, Tiled)]
    return [body for body in bodies if body.epilogue is not None]


OPTIMIZERS = {
    "sgd": lambda: wg.optim.sgd(0.1),
    "momentum": lambda: wg.optim.sgd(0.1, momentum=0.9),
    "adamw": lambda: wg.optim.adamw(0.01),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("batch", "inputs", "hidden"), [(1, 20, 16), (3, 67, 33), (9, 5, 1), (1, 1, 1), (40, 70, 65)]
)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_are_those_of_the_interpreter(
    name: str, batch: int, inputs: int, hidden: int, dtype: str
) -> None:
    made = stepper(network(hidden, inputs, dtype), batch, OPTIMIZERS[name]())
    leaves: list[Any] = made.memory.read()
    x, y = data(3 * batch, inputs, dtype)
    taken = made.run([x, y], np.arange(3 * batch))
    for rows in np.arange(3 * batch).reshape(3, batch):
        leaves = run(made.graph, [*leaves, x[rows], y[rows]])[: len(leaves)]
    assert taken.steps == 3 and not taken.failed
    close = 1e-4 if dtype == "float32" else 1e-11
    for mine, wanted in zip(made.memory.read(), leaves, strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=close, atol=close)


def test_the_gradient_of_a_weight_is_never_stored() -> None:
    made = stepper(network(64, 100, "float32"), 32, wg.optim.sgd(0.1))
    gradients = {v for v in made.graph.variables if v.of is not None and v.shape == (100, 64)}
    assert gradients
    assert not any(gradients.intersection(kernel.writes) for kernel in made.kernels)
    assert not any(v.shape == (100, 64) for v in _intermediates(made))
    # Both weights are updated in the memory of the old ones.
    assert {v.name for v in made._resident.homes.values()} >= {"w1", "w2"}


def _intermediates(made: Stepper) -> set[Any]:
    inside = {v for kernel in made.kernels for v in kernel.writes}
    return inside - {*made._resident.homes, *made.graph.inputs}


def test_the_bits_are_the_same_for_any_number_of_threads() -> None:
    x, y = data(300, 90, "float32")
    found: set[bytes] = set()
    for threads in (1, 2, 3, 4):
        made = stepper(network(70, 90, "float32"), 60, wg.optim.sgd(0.1), threads)
        made.run([x, y], np.arange(300))
        found.add(b"".join(leaf.tobytes() for leaf in made.memory.read()))
    assert len(found) == 1


def test_a_state_that_stops_being_finite_is_told() -> None:
    parameters = network(16, 20, "float32")
    made = stepper(parameters, 4, wg.optim.sgd(0.1))
    x, y = data(40, 20, "float32")
    x[22, 3] = np.inf
    before = made.memory
    taken = made.run([x, y], np.arange(40))
    assert taken.failed and taken.steps == 5
    assert all(np.isfinite(leaf).all() for leaf in before.read())


# -- graphs of one call ----------------------------------------------------------------------------

X = np.random.default_rng(2).standard_normal((33, 40)).astype(np.float32)
W = np.random.default_rng(3).standard_normal((40, 50)).astype(np.float32)
B = np.random.default_rng(4).standard_normal(50).astype(np.float32)


def compiled(function: Any, *arguments: Array) -> list[Any]:
    """Run a function compiled, compare it with NumPy, and return its tiles."""
    graph = simplify(wg.trace(function, *arguments))
    program = compile_graph(graph)
    wanted = flatten(function(*arguments))[0]
    for mine, right in zip(program(*arguments), wanted, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-4, atol=1e-4)
    return [kernel.body for kernel in program.kernels if isinstance(kernel.body, Tiled)]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w, b: np.maximum(x @ w + b, 0),
        lambda x, w, b: (x @ w + b).T * 2,
        lambda x, w, b: np.where((x @ w) > b, b, 0),
        lambda x, w, b: ((x @ w) * (x[:, :1] + b)).reshape(33, 5, 10) + 1,
        lambda x, w, b: (w.T @ x.T) - b[:, None],
        lambda x, w, b: (x[3] @ w) + b,
        lambda x, w, b: np.floor(np.einsum("ik,kj->ji", x, w)),
    ],
)
def test_what_follows_a_product_is_a_part_of_it(function: Any) -> None:
    (body,) = compiled(function, X, W, B)
    assert body.epilogue is not None and isinstance(body.epilogue.values[0], Made)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, w, b: (x @ w, (x @ w) + b),
        lambda x, w, b: ((x @ w)[1:] + b, (x @ w)[:-1] * 2),
        lambda x, w, b: (x @ w).sum(axis=0) + b,
        lambda x, w, b: (x @ w)[::2] + b,
        lambda x, w, b: np.exp(x @ w * 0.01) + b,
        lambda x, w, b: (x @ w + b) @ (x @ w + b).T,
    ],
)
def test_right_wherever_a_product_goes(function: Any) -> None:
    compiled(function, X, W, B)
    compiled(function, X[:1], W, B)


def test_a_product_that_is_an_output_is_stored() -> None:
    (body,) = compiled(lambda x, w, b: (x @ w, (x @ w) + b), X, W, B)
    assert body.epilogue is None


def test_one_product_ends_in_the_sum_of_two() -> None:
    bodies = compiled(lambda x, w, b: np.maximum(x @ w + x[:, ::-1] @ w + b, 0), X, W, B)
    assert sorted(body.epilogue is None for body in bodies) == [False, True]


# -- reductions that ride --------------------------------------------------------------------------


def test_the_norm_of_a_weight_is_summed_up_while_it_is_updated() -> None:
    made = stepper(network(100, 700, "float32"), 5, wg.optim.sgd(0.1))
    leaves: list[Any] = made.memory.read()
    x, y = data(15, 700, "float32")
    wanted: list[Any] = []
    for rows in np.arange(15).reshape(3, 5):
        *leaves, J = run(made.graph, [*leaves, x[rows], y[rows]])
        wanted.append(J)
    taken = made.run([x, y], np.arange(15))
    np.testing.assert_allclose(taken.metrics[0], wanted, rtol=1e-5)
    for mine, right in zip(made.memory.read(), leaves, strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-4, atol=1e-5)
    (w1,) = (v for v in made.graph.inputs if v.name == "w1")
    readers = [kernel for kernel in made.kernels if w1 in kernel.reads]
    assert [type(kernel.body) for kernel in readers] == [Tiled, Tiled]
    assert made._resident.homes and w1 in made._resident.homes.values()


def test_a_norm_that_the_update_needs_comes_before_it() -> None:
    big = np.random.default_rng(0).standard_normal((300, 300))

    def step(w: Array, x: Array) -> Any:
        norm = np.sum(w * w)
        return w - 0.1 * (x.T @ x) / (1 + norm), norm

    x = np.random.default_rng(1).standard_normal((8, 300))
    made = Stepper(simplify(wg.trace(step, big, x)), Memory([big]), 2)
    taken = made.run([x], np.arange(8))
    expected, norm = step(big, x)
    np.testing.assert_allclose(made.memory.read()[0], expected, rtol=1e-10)
    np.testing.assert_allclose(taken.metrics[0], [norm], rtol=1e-10)


def test_whoever_reads_the_new_value_waits_for_the_norm_of_the_old() -> None:
    big = np.random.default_rng(0).standard_normal((300, 300))

    def step(w: Array, x: Array) -> Any:
        new = w - 0.1 * (x.T @ x)
        return new, {"J": np.sum(w * w), "old": np.max(w), "new": np.sum(new * new)}

    x = np.random.default_rng(1).standard_normal((8, 300))
    made = Stepper(simplify(wg.trace(step, big, x)), Memory([big]), 2)
    taken = made.run([x], np.arange(8))
    expected, told = step(big, x)
    np.testing.assert_allclose(made.memory.read()[0], expected, rtol=1e-10)
    for mine, right in zip(taken.metrics, told.values(), strict=True):
        np.testing.assert_allclose(mine, [right], rtol=1e-10)


def test_the_table_of_a_plan_shows_the_gradient_that_is_never_stored() -> None:
    optimizer, parameters = wg.optim.sgd(0.1), network(64, 100, "float32")
    state = wg.training_state(parameters, optimizer)
    x, y = np.zeros((8, 100), np.float32), np.zeros(8, np.int64)
    plan = wg.plan(wg.training_step(objective, optimizer), state, (x, y))
    (line,) = (line for line in str(plan.table()).splitlines() if "never stored" in line)
    assert "d(w1) 25.6 kB" in line and "d(w2)" in line
