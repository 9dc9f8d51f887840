"""Variables carry the user's own names, lines and function calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace

lam = 0.05
scale = np.array([1.0, 2.0, 3.0])


def labels(graph: Any) -> list[str | None]:
    return [operation.output.label for operation in graph.operations]


def phi(a: Any) -> Any:
    b = np.tanh(a)
    return b * 2


def test_locals_name_values_even_on_the_last_line() -> None:
    def f(W: Any, x: Any) -> Any:
        z = W @ x
        h = np.tanh(z)
        J = np.sum(h)
        return J

    assert labels(trace(f, Spec((2, 3)), Spec((3,)))) == ["z", "h", "J"]


def test_rebinding_makes_versions() -> None:
    def f(x: Any) -> Any:
        h = x * 2
        h = np.tanh(h)
        h = h + x
        return np.sum(h)

    assert labels(trace(f, Spec((3,)))) == ["h", "h.2", "h.3", None]


def test_the_callers_name_wins_and_inner_names_stay() -> None:
    def f(x: Any) -> Any:
        h = phi(x)
        return np.sum(h)

    graph = trace(f, Spec((3,)))
    assert labels(graph) == ["b", "h", None]
    assert [str(operation.call) for operation in graph.operations] == ["phi#1", "phi#1", "None"]


def test_two_calls_are_two_groups_and_lambdas_are_none() -> None:
    graph = trace(lambda x: phi(phi(x)), Spec((3,)))
    assert [str(operation.call) for operation in graph.operations] == [
        "phi#1", "phi#1", "phi#2", "phi#2",
    ]  # fmt: skip


def test_nested_calls_have_parents() -> None:
    def layer(x: Any) -> Any:
        return phi(x) + 1

    def f(x: Any) -> Any:
        return layer(x)

    assert str(trace(f, Spec((3,))).operations[0].call) == "layer#1/phi#1"


def test_methods_are_named_by_their_class() -> None:
    class Dense:
        def __call__(self, x: Any) -> Any:
            return x * 2

    dense = Dense()
    assert str(trace(lambda x: dense(x), Spec((3,))).operations[0].call) == "Dense#1"


def test_inputs_are_named_by_argument_and_key() -> None:
    def f(parameters: Any, x: Any) -> Any:
        return parameters["W1"] @ x + parameters["b"]

    graph = trace(f, {"W1": Spec((2, 3)), "b": Spec((2,))}, Spec((3,)), parameters=0)
    assert [v.label for v in graph.inputs] == ["W1", "b", "x"]
    assert [v.role for v in graph.inputs] == ["parameter", "parameter", "input"]


def test_repeated_keys_are_told_apart_and_locals_win() -> None:
    def f(layers: Any, x: Any) -> Any:
        for layer in layers:
            x = x @ layer["W"]
        return x

    graph = trace(f, [{"W": Spec((3, 3))}, {"W": Spec((3, 3))}], Spec((3,)))
    assert [v.label for v in graph.inputs] == ["W_0", "W_1", "x"]

    def g(pair: Any, x: Any) -> Any:
        W, b = pair
        return x @ W + b

    named = trace(g, (Spec((3, 3)), Spec((3,))), Spec((3,)))
    assert [v.label for v in named.inputs] == ["W", "b", "x"]


def test_numbers_keep_names_and_formulas_and_are_put_back() -> None:
    eta = 0.1

    def f(x: Any, rate: float = 0.5) -> Any:
        return lam / 2 * x + eta * x + rate * x + (1 - lam) ** 2 * x

    graph = trace(f, Spec((3,)))
    formulas = {v.formula for v in graph.constants}
    assert formulas == {"lam / 2", "eta", "rate", "(1 - lam) ** 2"}
    assert {v.label for v in graph.constants if v.label} == {"eta", "rate"}
    assert type(lam) is float
    assert type(eta) is float
    assert f.__defaults__ == (0.5,)
    assert type(f.__defaults__[0]) is float


def test_float_arguments_are_fixed_and_named() -> None:
    graph = trace(lambda x, rate: x * rate, Spec((3,)), 0.25)
    (constant,) = graph.constants
    assert constant.formula == "rate"
    assert len(graph.inputs) == 1


def test_captured_arrays_are_named_and_copied_once() -> None:
    graph = trace(lambda x: x * scale + scale, Spec((3,)))
    ((variable, value),) = graph.constants.items()
    assert variable.label == "scale"
    assert value is not scale


def test_each_operation_knows_its_line() -> None:
    def f(x: Any) -> Any:
        y = x * 2
        return np.tanh(y)

    first, second = (operation.location for operation in trace(f, Spec((3,))).operations)
    assert first is not None
    assert second is not None
    assert first.file == __file__
    assert second.line == first.line + 1
    assert first.function == "f"


def test_ten_thousand_operations_do_not_explode() -> None:
    def f(x: Any) -> Any:
        for _ in range(2500):
            x = np.tanh(x * 0.9 + 0.1) - 0.5
        return x

    graph = trace(f, Spec((2,)))
    assert len(graph.operations) == 10_000
    assert graph.outputs[0].label == "x.2501"
