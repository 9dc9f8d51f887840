"""What a function reads besides its arguments keeps its name, and never goes stale."""

from __future__ import annotations

import sys
import threading
import types
from functools import partial
from typing import Any

import numpy as np
import pytest

from wengert.tracing.freshness import frozen
from wengert.tracing.numbers import NamedNumber
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import grad

lam = 0.5
weights = np.array([1.0, 2.0, 3.0])
settings = {"scale": 2.0}
x = np.array([1.0, -2.0, 0.5])


def formulas(graph: Any) -> set[str]:
    return {v.formula for v in graph.constants if v.formula is not None}


def _objective(p: Any) -> Any:
    return lam * np.sum(weights * p) * settings["scale"]


def test_a_gradient_follows_what_its_function_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    gradient = grad(_objective)
    assert gradient(x).tolist() == [1.0, 2.0, 3.0]
    monkeypatch.setattr(sys.modules[__name__], "lam", 0.25)
    assert gradient(x).tolist() == [0.5, 1.0, 1.5]
    monkeypatch.setitem(settings, "scale", 4.0)
    assert gradient(x).tolist() == [1.0, 2.0, 3.0]
    monkeypatch.setattr(sys.modules[__name__], "weights", weights.copy())
    weights[0] = 10.0
    assert gradient(x).tolist() == [10.0, 2.0, 3.0]


class Model:
    def __init__(self, strength: float) -> None:
        self.strength = strength

    def penalty(self, p: Any) -> Any:
        return lam * self.strength * np.sum(p**2)

    def objective(self, p: Any) -> Any:
        return self.penalty(p)

    def __call__(self, p: Any) -> Any:
        return self.penalty(p)


def test_a_gradient_follows_attributes_and_closures() -> None:
    model = Model(2.0)
    of_method, of_object = grad(model.objective), grad(model)
    rate = 1.0

    def scaled(p: Any) -> Any:
        return rate * np.sum(p)

    of_closure = grad(scaled)
    assert [each(x)[0] for each in (of_method, of_object, of_closure)] == [2.0, 2.0, 1.0]
    model.strength, rate = 6.0, 3.0
    assert [each(x)[0] for each in (of_method, of_object, of_closure)] == [6.0, 6.0, 3.0]


def test_class_attributes_and_properties_are_read_too() -> None:
    class Shared:
        factor = 2.0
        own = 1.0

        @property
        def both(self) -> float:
            return self.own * lam

        def objective(self, p: Any) -> Any:
            return self.factor * self.both * np.sum(p)

    shared = Shared()
    gradient = grad(shared.objective)
    assert formulas(trace(shared.objective, Spec((3,)))) == {"factor * (own * lam)"}
    first = gradient(x)[0]
    Shared.factor, shared.own = 3.0, 4.0
    assert (first, gradient(x)[0]) == (1.0, 6.0)


def test_a_fixed_argument_that_is_changed_in_place_is_seen() -> None:
    class Options:
        factor = 0.0

    options = Options()
    options.factor = 2.0
    gradient = grad(lambda p, o: o.factor * np.sum(p))
    first = gradient(x, options)[0]
    options.factor = 5.0
    assert (first, gradient(x, options)[0]) == (2.0, 5.0)


def test_nothing_is_traced_again_without_need() -> None:
    gradient = grad(_objective)
    gradient(x)
    code = _objective.__code__
    calls: list[Any] = []

    def profile(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code is code:
            calls.append(frame)

    sys.setprofile(profile)
    try:
        gradient(x)
    finally:
        sys.setprofile(None)
    assert calls == []


def test_frozen_values_tell_arrays_numbers_and_objects_apart() -> None:
    array = np.arange(3.0)
    before = frozen({"a": [array, 1.0], "b": None})
    assert before == frozen({"a": [array.copy(), 1.0], "b": None})
    array[0] = 7.0
    assert before != frozen({"a": [array, 1.0], "b": None})
    assert frozen(1) != frozen(1.0)
    assert frozen(True) != frozen(1)
    assert frozen(float("nan")) == frozen(float("nan"))
    assert frozen(0.0) != frozen(-0.0)
    assert frozen(NamedNumber(2.0, "lam")) == frozen(2.0)
    loop: list[Any] = []
    loop.append(loop)
    assert frozen(loop) == frozen(loop)


def test_numbers_of_other_modules_methods_and_partials_keep_their_names() -> None:
    other = types.ModuleType("users_module")
    other.__file__ = __file__.replace("test_surroundings", "users_module")
    code = "kappa = 0.3\ndef bend(h, width=0.2):\n    return kappa * h / width"
    exec(compile(code, other.__file__, "exec"), vars(other))

    space: dict[str, Any] = {"users": other}
    exec(compile("def f(p):\n    return users.bend(p)", other.__file__, "exec"), space)
    assert formulas(trace(space["f"], Spec((3,)))) == {"kappa", "width"}
    assert type(vars(other)["kappa"]) is float

    model = Model(3.0)
    assert formulas(trace(model.objective, Spec((3,)))) == {"lam * strength"}
    assert formulas(trace(model, Spec((3,)))) == {"lam * strength"}
    assert type(model.strength) is float

    with_rate = partial(lambda p, rate: rate * p, rate=0.1)
    assert formulas(trace(with_rate, Spec((3,)))) == {"rate"}
    assert type(with_rate.keywords["rate"]) is float


def _with_default(p: Any, slope: float = 0.3) -> Any:
    h = np.tanh(p) * slope
    return np.sum(h) * lam


def test_threads_that_trace_one_function_all_see_its_names() -> None:
    wrong: list[Any] = []

    def work(size: int) -> None:
        for _ in range(20):
            found = formulas(trace(_with_default, Spec((size,))))
            if found != {"slope", "lam"}:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(3 + i,)) for i in range(6)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []
    assert [type(value) for value in _with_default.__defaults__ or ()] == [float]
    assert type(lam) is float


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, RecursionError])
def test_what_stops_a_trace_passes_through_and_all_numbers_are_put_back(
    error: type[BaseException],
) -> None:
    def stops(p: Any, slope: float = 0.3) -> Any:
        raise error(f"{slope * lam}")

    with pytest.raises(error) as caught:
        trace(stops, Spec((3,)))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert caught.traceback[-1].name == "stops"
    assert [type(value) for value in stops.__defaults__ or ()] == [float]
    assert type(lam) is float
    assert sys.getprofile() is None
