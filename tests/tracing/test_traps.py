"""Every trap of plain NumPy in a traced function has a designed outcome, and none is silent."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy import zeros

from wengert.base.errors import DataError, ShapeError, TraceError, WengertError
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.transforms import grad

X = np.array([0.5, -2.0, 3.0])
OUTSIDE = np.zeros(3)
_kept: list[Any] = []


def results(function: Callable[[Any], Any]) -> list[Any]:
    return run(trace(function, X), [X])


def _copyto(x: Any) -> Any:
    out = np.empty(3)
    np.copyto(out, x, where=np.array([True, False, True]))
    return out * (np.arange(3) != 1)


def _put(x: Any) -> Any:
    out = np.zeros(4)
    np.put(out, [3, 0], x[:2])
    return out


def _add_at(x: Any) -> Any:
    out = np.zeros(2)
    np.add.at(out, [0, 1, 0], x)
    return out


def _slices(x: Any) -> Any:
    out = np.empty((2, 3))
    out[...] = x
    out[1, ::-1] = x
    return out


def _imported(x: Any) -> Any:
    out = zeros(3)
    out[1] = x[0]
    return out


def _rows(x: Any) -> Any:
    out = np.zeros((3, 2))
    for row, value in zip(out, x, strict=True):
        row += value
    return out


def _table(x: Any) -> Any:
    weights = np.linspace(0, 1, 3)
    weights[0] = 5
    places = np.argsort(weights)[::-1]
    return x[places] * weights, x[int(places[0])]


FILLED: dict[str, Callable[[Any], Any]] = {
    "full": lambda x: np.full((2, 2), x[0]),
    "full_like": lambda x: np.full_like(np.zeros(3), x[1]),
    "full with a dtype": lambda x: np.full(3, x[0], dtype="float32"),
    "array": lambda x: np.array([x[0], 1.0, x[1] * 2]),
    "nested array": lambda x: np.array([[x[0], 1], [2, x[1]]]),
    "array of one": lambda x: np.array(x),
    "asarray": lambda x: np.asarray([x, x * 2]),
    "copyto": _copyto,
    "put": _put,
    "add.at": _add_at,
    "slices": _slices,
    "imported": _imported,
    "rows": _rows,
    "table": _table,
    "like": lambda x: np.zeros_like(x) + np.ones_like(x) * np.empty_like(x).size,
    "fromfunction": lambda x: np.fromfunction(lambda i, j: i + 2 * j, (3, 3)) @ x,
    "meshgrid": lambda x: np.meshgrid(np.arange(3), np.arange(2))[0] * x,
}


@pytest.mark.parametrize("name", FILLED)
def test_what_is_filled_is_what_numpy_fills(name: str) -> None:
    function = FILLED[name]
    plain = function(X.copy())
    wanted = plain if isinstance(plain, tuple) else (plain,)
    for here, there in zip(results(function), wanted, strict=True):
        assert here.dtype == there.dtype
        np.testing.assert_array_equal(here, there)


def test_a_filled_buffer_keeps_the_gradient() -> None:
    def objective(x: Any) -> Any:
        out = np.empty(3)
        for i in range(3):
            out[i] = x[i] ** 2
        return np.sum(out)

    np.testing.assert_array_equal(grad(objective)(X), 2 * X)


def _add_outside(x: Any) -> Any:
    out = OUTSIDE
    out += x
    return out


def _loop(x: Any) -> Any:
    return [x for _ in range(x[0])]


def _nussinov(x: Any) -> Any:
    table = np.zeros((3, 3))
    for i in range(2):
        table[i, i + 1] = x[i]
        if table[i, i + 1] < table[i, i]:
            table[i, i + 1] = table[i, i]
    return table


def _objects(x: Any) -> Any:
    out = np.empty(3, dtype=object)
    out[0] = x[0]
    return out


def _fields(x: Any) -> Any:
    out = np.zeros(3, dtype=[("a", float)])
    out["a"] = x
    return out


def _read_only(x: Any) -> Any:
    out = np.broadcast_to(x, (2, 3))
    out[0, 0] = 1.0
    return out


def _set_shape(x: Any) -> Any:
    y = x * 2
    y.shape = (3, 1)
    return y


def _twice(x: Any) -> Any:
    out = np.zeros(3)

    def inner(z: Any) -> Any:
        out[0] = z[0]
        return np.sum(out)

    return grad(inner)(x)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "an array from outside": (_add_outside, "np.array"),
    "float64": (lambda x: np.float64(x[0]), "0-d array"),
    "float": (lambda x: float(x[0]), "0-d array"),
    "a plain index": (lambda x: OUTSIDE[x], "x[indices]"),
    "a loop bound": (_loop, "plain integers"),
    "a size": (lambda x: np.zeros(x[0]), "plain integers"),
    "a condition": (_nussinov, "np.where"),
    "objects": (_objects, "np.stack"),
    "fields": (_fields, "dtype"),
    "read-only": (_read_only, "np.array"),
    "shape": (_set_shape, "reshape"),
    "resize": (lambda x: (x * 2).resize(6), "np.concatenate"),
    "an inner trace": (_twice, "return the new array"),
    "random": (lambda x: x + np.random.rand(3), "random"),
    "a mask with many values": (lambda x: (x * 2).__setitem__(x > 0, x[:2]), "np.where"),
    "wrong shape": (lambda x: (x * 2).__setitem__(slice(2), x), "broadcast"),
    "text": (lambda x: np.array(["a", "b"]) * x, "dtype"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_with_line_and_remedy(name: str) -> None:
    function, remedy = REFUSED[name]
    with pytest.raises(WengertError) as caught:
        trace(function, X)
    assert "test_traps.py" in str(caught.value.where), str(caught.value)
    assert remedy in str(caught.value), str(caught.value)


def test_what_escapes_its_trace_is_refused() -> None:
    trace(lambda x: _kept.append(x * 2) or x, X)
    with pytest.raises(TraceError, match="a trace that is over"):
        np.sin(_kept[0])
    with pytest.raises(TraceError, match="a trace that is over"):
        _kept[0][0] = 1.0


def test_masked_arrays_and_matrices_are_refused_and_plain_subclasses_taken() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = np.asmatrix(X)
    for other in (np.ma.masked_array(X, X > 0), matrix):
        with pytest.raises(WengertError):
            trace(lambda x, other=other: x * other, X)
    own = X.view(type("Own", (np.ndarray,), {}))
    np.testing.assert_array_equal(results(lambda x: x * own)[0], X * X)


# -- The stand-in for NumPy ---------------------------------------------------------------------


def test_everything_is_put_back() -> None:
    numpys = np.zeros
    with pytest.raises(ValueError, match="mine"):
        trace(_raises, X)
    assert np.zeros is numpys
    assert zeros is numpys
    assert type(np.zeros(3)) is type(zeros(3)) is np.ndarray
    trace(lambda x: grad(lambda z: np.sum(np.ones(3) * z))(x), X)
    assert np.zeros is numpys


def _raises(x: Any) -> Any:
    np.zeros(3)[0] = x[0]
    raise ValueError("mine")


def test_other_threads_and_generators_see_numpy_as_it_is() -> None:
    seen: list[Any] = []

    def f(x: Any) -> Any:
        thread = threading.Thread(target=lambda: seen.append(np.zeros(3)))
        thread.start()
        thread.join()
        return x * next(pairs)

    def generate() -> Iterator[Any]:
        while True:
            yield np.zeros(3)

    pairs = generate()
    trace(f, X)
    assert [type(each) for each in seen] == [np.ndarray]
    assert type(next(pairs)) is np.ndarray


def test_numpy_itself_is_never_patched() -> None:
    import sys

    def f(x: Any) -> Any:
        assert type(sys.modules["numpy"].zeros(3)) is np.ndarray
        assert type(np.zeros(3)) is not np.ndarray
        return x

    trace(f, X)


def test_read_only_views_are_refused_as_numpy_refuses() -> None:
    with pytest.raises(DataError):
        trace(_read_only, X)
    with pytest.raises(ShapeError):
        trace(lambda x: np.zeros(2).__setitem__(slice(None), x), X)


# -- Traced masks ---------------------------------------------------------------------------------


def _relu_slope(x: Any) -> Any:
    y = x * 2
    y[y < 0] *= 0.1
    return y


def _mandelbrot(x: Any) -> Any:
    z = np.zeros(3)
    for _ in range(3):
        inside = np.abs(z) < 2.5
        z[inside] = z[inside] ** 2 + x[inside]
    return z


def _two_masks(x: Any) -> Any:
    y = x.copy()
    y[x < 0] = -y[x < 0]
    return y


def _logarithm(x: Any) -> Any:
    y = np.zeros_like(x)
    y[x > 0] = np.log(x[x > 0])
    return y


def _rows_by_mask(x: Any) -> Any:
    table = np.outer(x, x)
    table[x > 0] += np.arange(3)
    return table


MASKED: dict[str, Callable[[Any], Any]] = {
    "slope": _relu_slope,
    "mandelbrot": _mandelbrot,
    "two masks": _two_masks,
    "logarithm": _logarithm,
    "rows": _rows_by_mask,
    "sums": lambda x: np.array([x[x > 0].sum(), np.mean(x[x > 0]), x[x < 1].max(), x[x < 1].min()]),
}


@pytest.mark.parametrize("name", MASKED)
def test_what_a_traced_mask_picks_is_what_numpy_picks(name: str) -> None:
    function = MASKED[name]
    np.testing.assert_allclose(results(function)[0], function(X.copy()), rtol=1e-15)
    weights = np.arange(1.0, 1 + function(X.copy()).size)

    def objective(x: Any) -> Any:
        return np.sum(np.ravel(function(x)) * weights)

    found = grad(objective)(X)
    steps = 1e-6 * np.eye(3)
    wanted = [(objective(X + h) - objective(X - h)) / 2e-6 for h in steps]
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-8)


def test_how_many_a_traced_mask_picks_is_not_known() -> None:
    for ask in (len, np.sort, lambda y: y.shape, lambda y: y @ y, lambda y: y + np.ones(2), list):
        with pytest.raises(TraceError, match="places of the traced mask"):
            trace(lambda x, ask=ask: ask(x[x > 0]), X)
    with pytest.raises(TraceError, match="another mask"):
        trace(lambda x: x.copy().__setitem__(x > 0, x[x < 0]), X)
