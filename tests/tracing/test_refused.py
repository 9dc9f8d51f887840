"""Every way out of the graph raises a designed error with the user's line and a remedy."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import overrides

from wengert.base.errors import (
    DtypeError,
    ShapeError,
    TraceError,
    UnsupportedError,
)
from wengert.reference.interpreter import run
from wengert.tracing import functions
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.tracing.tracer import Tracer

kept: list[Any] = []


OUTSIDE = np.zeros(3)


def _add_into_plain(x: Any) -> Any:
    out = OUTSIDE
    out += x
    return out


def _into_plain(change: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda x: change(OUTSIDE, x)


def _set_item(out: Any, x: Any) -> None:
    out[0] = x[0]


def _objects(x: Any) -> Any:
    out = np.empty(3, dtype=object)
    out[0] = x[0]
    return out


def _resize(x: Any) -> Any:
    y = x * 2
    y.resize(6)
    return y


REFUSED: dict[str, Callable[[Any], Any]] = {
    "if": lambda x: x if x.sum() > 0 else -x,
    "and": lambda x: x.sum() and 1.0,
    "float": lambda x: x * float(x.sum()),
    "int": lambda x: x * int(x.sum()),
    "complex": lambda x: x * complex(x.sum()),
    "float64": lambda x: np.float64(x[0]),
    "range": lambda x: [i for i in range(x[0])],
    "index of plain": lambda x: np.arange(3)[x],
    "add into plain": _add_into_plain,
    "fill": _into_plain(_set_item),
    "copyto": _into_plain(np.copyto),
    "put": _into_plain(lambda out, x: np.put(out, [0], x[0])),
    "add.at": _into_plain(lambda out, x: np.add.at(out, [0], x[0])),
    "out": _into_plain(lambda out, x: np.exp(x, out=out)),
    "objects": _objects,
    "resize": _resize,
    "size": lambda x: np.zeros(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "contains": lambda x: 1.0 in x,
    "traced mask": lambda x: x[x > 0],
    "list": lambda x: x + [x[0], x[1], x[2]],  # noqa: RUF005 - an array, not a list
    "where places": lambda x: np.where(x > 0),
    "float index": lambda x: x[np.array([0.5])],
    "text": lambda x: x + "a",
    "math": lambda x: __import__("math").exp(x[0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_ways_out_raise_in_the_users_words(name: str) -> None:
    with pytest.raises((TraceError, DtypeError, UnsupportedError)) as caught:
        trace(REFUSED[name], Spec((3,)))
    assert "test_refused.py" in str(caught.value.where), str(caught.value)


def test_shape_mismatch_names_both_operands() -> None:
    def f(W: Any, x: Any) -> Any:
        z = W @ x
        return z

    with pytest.raises(ShapeError) as caught:
        trace(f, Spec((3, 4)), Spec((5,)))
    text = str(caught.value)
    assert "W: float64 (3, 4)" in text
    assert "x: float64 (5,)" in text
    assert "test_refused.py" in text
    assert text.count("matmul") == 1
    with pytest.raises(ShapeError, match="W"):
        trace(lambda W, b: W + b, Spec((3, 4)), Spec((3,)))


@pytest.mark.parametrize(
    "bad", [lambda x: x[3], lambda x: x[0, 0], lambda x: x[[5]], lambda x: x.sum(axis=2),
            lambda x: x.reshape(2, 2), lambda x: x.transpose(1, 0), lambda x: np.squeeze(x, 0),
            lambda x: np.concatenate([x, x[None]]), lambda x: np.stack([x, x[:2]]),
            lambda x: np.einsum("ij->i", x), lambda x: np.broadcast_to(x, (2,))],
)  # fmt: skip
def test_impossible_shapes_are_shape_errors(bad: Callable[[Any], Any]) -> None:
    with pytest.raises(ShapeError) as caught:
        trace(bad, Spec((3,)))
    assert "test_refused.py" in str(caught.value.where)


def test_escaped_values_are_found() -> None:
    trace(lambda x: kept.append(x) or x, Spec((3,)))
    with pytest.raises(TraceError, match="over"):
        trace(lambda x: x + kept[0], Spec((3,)))
    with pytest.raises(TraceError, match="over"):
        kept[0] * 2
    kept.clear()


@pytest.mark.parametrize("dtype", ["object", "S3", ">f8", "datetime64[s]"])
def test_dtypes_that_cannot_be_held(dtype: str) -> None:
    with pytest.raises(DtypeError):
        trace(lambda x: x, np.zeros(3, dtype=dtype))


def test_unsupported_functions_name_the_nearest() -> None:
    with pytest.raises(TraceError, match="where="):
        trace(lambda x: np.add(x, 1, where=np.array([True, False, True])), Spec((3,)))


def test_numbers_that_do_not_fit() -> None:
    with pytest.raises(DtypeError, match="300"):
        trace(lambda x: x + 300, Spec((3,), "uint8"))


def test_every_row_is_numpys() -> None:
    known = {*overrides.get_overridable_numpy_array_functions(), np.amax, np.amin}
    assert set(functions.TABLE) <= known
    assert isinstance(Tracer, type)


def test_a_key_a_rounding_and_a_pickle_are_refused() -> None:
    for use in (lambda x: {x[0]: 1}, lambda x: round(x[0]), pickle.dumps):
        with pytest.raises(TraceError, match="no numbers while the function is traced"):
            trace(use, Spec((3,)))


@pytest.mark.parametrize("key", [1.5, "W", slice(None, None, 0), slice("a", None), {}, True])
def test_what_is_no_index_is_told_with_its_line(key: Any) -> None:
    with pytest.raises(DtypeError, match=r"x: float64 \(3,\) is indexed with") as caught:
        trace(lambda x: x[key], Spec((3,)))
    assert caught.value.where is not None


def test_two_ellipses_and_ragged_lists_are_no_index() -> None:
    with pytest.raises(ShapeError, match="2 ellipses"):
        trace(lambda x: x[..., 0, ...], Spec((3, 3)))
    with pytest.raises(DtypeError, match="is indexed with"):
        trace(lambda x: x[[[0, 1], [1]]], Spec((3,)))


@pytest.mark.parametrize("operand", [None, "a", {}, (i for i in range(3)), [[1, 2], [3]]])
def test_an_operand_that_is_no_array_is_named_with_its_operator(operand: Any) -> None:
    with pytest.raises(DtypeError, match="add: ") as caught:
        trace(lambda x: x + operand, Spec((3,)))
    assert "x: float64 (3,); " in (caught.value.got or "")


@pytest.mark.parametrize(
    "array", [np.ma.array([1.0, 2.0], mask=[True, False]), np.ones((2, 2)).view(np.matrix)]
)
def test_arrays_with_an_algebra_of_their_own_are_refused(array: Any) -> None:
    with pytest.raises(DtypeError, match="x is a "):
        trace(lambda x: x * 2, array)
    with pytest.raises(DtypeError, match=r"array: float64 .* is a "):
        trace(lambda x: x * array, Spec((2,)))
    with pytest.raises(DtypeError, match=r"x of .* is a "):
        run(trace(lambda x: x * 2, Spec(array.shape)), [array])


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda x: np.savetxt("x", x), "save what comes out"),
        (lambda x: np.unique(x), "np.sort"),
        (lambda x: np.frompyfunc(abs, 1, 1)(x), "the ufunc abs"),
    ],
)
def test_the_nearest_supported_thing_is_one_that_works(
    function: Callable[[Any], Any], hint: str
) -> None:
    with pytest.raises(UnsupportedError) as caught:
        trace(function, Spec((3,)))
    assert hint in str(caught.value)
    assert "put_along_axis" not in str(caught.value)


def test_what_is_no_function_and_what_needs_a_keyword() -> None:
    with pytest.raises(TraceError, match="expected: a function"):
        trace("net", np.ones(3))  # type: ignore[arg-type]
    with pytest.raises(TraceError, match=r"functools\.partial\(function, lam=…\)"):
        trace(lambda x, *, lam: x * lam, np.ones(3))


@pytest.mark.parametrize("shape", ["abc", 3.5, None, (3, -1), (2.0,), True])
def test_what_is_no_shape(shape: Any) -> None:
    with pytest.raises(ShapeError, match="integers of at least 0"):
        Spec(shape)
