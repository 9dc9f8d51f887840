"""Result rules against NumPy itself: shapes over drawn broadcasts, dtypes over all kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wengert.base.errors import DataError, DtypeError, ShapeError
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS

UFUNCS = [
    name
    for name, record in OPERATORS.items()
    if record.kind == "elementwise" and isinstance(getattr(np, name, None), np.ufunc)
]
DTYPES = ["bool", "int8", "int32", "int64", "uint8", "float16", "float32", "float64"]
shapes = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
dtypes = st.sampled_from([np.dtype(name) for name in DTYPES])


def numpy_says(call: Any) -> Any:
    """Return NumPy's type of a result, or the kind of its refusal."""
    with np.errstate(all="ignore"):
        try:
            found = call()
        except (TypeError, ValueError, IndexError) as problem:
            return problem
    return Type(np.shape(found), np.asarray(found).dtype)


def agree(rule: Any, call: Any) -> None:
    wanted = numpy_says(call)
    if isinstance(wanted, Exception):
        with pytest.raises((ShapeError, DtypeError)):
            rule()
    else:
        assert rule() == wanted


def as_type(x: Any) -> Type:
    return Type(x.shape, x.dtype)


@given(name=st.sampled_from(UFUNCS), data=st.data())
def test_elementwise_is_the_ufunc(name: str, data: Any) -> None:
    function = getattr(np, name)
    operands = [np.ones(data.draw(shapes), data.draw(dtypes)) for _ in range(function.nin)]
    agree(lambda: OPERATORS[name].result(*map(as_type, operands)), lambda: function(*operands))


@pytest.mark.parametrize("name", UFUNCS)
def test_every_dtype_is_promoted_as_by_numpy(name: str) -> None:
    function = getattr(np, name)
    for first in DTYPES:
        for second in DTYPES if function.nin == 2 else [first]:
            operands = [np.ones(2, first), np.ones(2, second)][: function.nin]

            def of_numpy(operands: Any = operands) -> Any:
                with np.errstate(divide="ignore"):  # arctanh(1)
                    return function(*operands)

            agree(
                lambda operands=operands: OPERATORS[name].result(*map(as_type, operands)), of_numpy
            )
            if not isinstance(numpy_says(of_numpy), Exception):
                with np.errstate(divide="ignore"):
                    ours = OPERATORS[name].numpy(*operands)
                np.testing.assert_array_equal(ours, of_numpy())


REDUCTIONS = ["sum", "mean", "var", "std", "max", "min", "prod", "any", "all"]


@given(name=st.sampled_from(REDUCTIONS), dtype=dtypes, data=st.data(), keepdims=st.booleans())
def test_reduction_is_numpys(name: str, dtype: Any, data: Any, keepdims: bool) -> None:
    x = np.ones(data.draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)), dtype)
    count = data.draw(st.integers(0, x.ndim))
    axis = tuple(sorted(data.draw(st.permutations(range(x.ndim)))[:count]))
    extra = {"ddof": 0} if name in ("var", "std") else {}
    options = {"axis": axis, "keepdims": keepdims, **extra}
    agree(
        lambda: OPERATORS[name].result(as_type(x), **options),
        lambda: getattr(np, name)(x, **options),
    )
    wanted = getattr(np, name)(x, **options)
    np.testing.assert_array_equal(OPERATORS[name].numpy(x, **options), wanted)


@given(name=st.sampled_from(["argmax", "argmin"]), data=st.data(), keepdims=st.booleans())
def test_argument_reduction_is_numpys(name: str, data: Any, keepdims: bool) -> None:
    x = np.ones(data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=3)))
    axis = data.draw(st.sampled_from([None, *range(x.ndim)]))
    agree(
        lambda: OPERATORS[name].result(as_type(x), axis=axis, keepdims=keepdims),
        lambda: getattr(np, name)(x, axis=axis, keepdims=keepdims),
    )


@given(a=shapes, b=shapes, first=dtypes, second=dtypes)
def test_matmul_is_numpys(a: Any, b: Any, first: Any, second: Any) -> None:
    x, y = np.ones(a, first), np.ones(b, second)
    agree(lambda: OPERATORS["matmul"].result(as_type(x), as_type(y)), lambda: np.matmul(x, y))


@given(condition=shapes, a=shapes, b=shapes, first=dtypes, second=dtypes)
def test_where_is_numpys(condition: Any, a: Any, b: Any, first: Any, second: Any) -> None:
    operands = (np.ones(condition, bool), np.ones(a, first), np.ones(b, second))
    agree(lambda: OPERATORS["where"].result(*map(as_type, operands)), lambda: np.where(*operands))


@given(data=st.data())
def test_index_is_numpys(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    x = np.arange(np.prod(shape)).reshape(shape)
    template: list[Any] = []
    arrays: list[Any] = []
    for axis in range(data.draw(st.integers(0, x.ndim))):
        n = x.shape[axis]
        if data.draw(st.integers(0, 5)) == 0:
            template.append(None)
        kind = data.draw(st.sampled_from(["int", "slice", "array"]))
        if kind == "int":
            template.append(data.draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            template.append(data.draw(st.slices(n)))
        else:
            size = data.draw(st.sampled_from([(), (1,), (2,), (3, 1), (3, 2)]))
            places = data.draw(hnp.arrays(np.int64, size, elements=st.integers(-n, n - 1)))
            template.append(f"#{len(arrays)}")
            arrays.append(places)
    key = tuple(arrays[int(p[1:])] if isinstance(p, str) else p for p in template)
    options = {"template": tuple(template)}
    rule = OPERATORS["index"]
    agree(lambda: rule.result(as_type(x), *map(as_type, arrays), **options), lambda: x[key])
    np.testing.assert_array_equal(rule.numpy(x, *arrays, **options), x[key])


@given(data=st.data())
def test_take_along_axis_is_numpys(data: Any) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    other = list(data.draw(hnp.array_shapes(min_dims=len(shape), max_dims=len(shape), max_side=3)))
    indices = np.zeros(tuple(other), int)
    x = np.ones(shape)
    agree(
        lambda: OPERATORS["take_along_axis"].result(as_type(x), as_type(indices), axis=axis),
        lambda: np.take_along_axis(x, indices, axis),
    )


@given(a=shapes, wanted=st.lists(st.integers(-1, 6), max_size=3).map(tuple))
def test_reshape_is_numpys(a: Any, wanted: Any) -> None:
    x = np.ones(a)
    agree(lambda: OPERATORS["reshape"].result(as_type(x), shape=wanted), lambda: x.reshape(wanted))


@given(a=shapes, wanted=shapes)
def test_broadcast_to_is_numpys(a: Any, wanted: Any) -> None:
    x = np.ones(a)
    agree(
        lambda: OPERATORS["broadcast_to"].result(as_type(x), shape=wanted),
        lambda: np.broadcast_to(x, wanted),
    )


@given(operands=st.lists(st.tuples(shapes, dtypes), min_size=1, max_size=3), axis=st.integers(0, 2))
def test_concatenate_is_numpys(operands: Any, axis: int) -> None:
    xs = [np.ones(shape, dtype) for shape, dtype in operands]
    agree(
        lambda: OPERATORS["concatenate"].result(*map(as_type, xs), axis=axis),
        lambda: np.concatenate(xs, axis=axis),
    )


SUBSCRIPTS = ["ij,jk->ik", "ii->i", "ii->", "i,j->ij", "ij,j->", "ij->ji", "ij,ij->i", "iij,j->i"]


@given(subscripts=st.sampled_from(SUBSCRIPTS), data=st.data(), first=dtypes, second=dtypes)
def test_einsum_is_numpys(subscripts: str, data: Any, first: Any, second: Any) -> None:
    parts = subscripts.split("->")[0].split(",")
    side = st.integers(1, 3)
    xs = [
        np.ones(data.draw(st.tuples(*(side for _ in part))), dtype)
        for part, dtype in zip(parts, (first, second), strict=False)
    ]
    agree(
        lambda: OPERATORS["einsum"].result(*map(as_type, xs), subscripts=subscripts),
        lambda: np.einsum(subscripts, *xs),
    )


# -- Words --------------------------------------------------------------------------------------

F64 = np.dtype("float64")


def test_matmul_says_which_axes_and_what_to_write() -> None:
    with pytest.raises(ShapeError) as caught:
        OPERATORS["matmul"].result(Type((3, 4), F64), Type((3,), F64))
    text = str(caught.value)
    assert "last axis of the first (4)" in text and "first of the second (3)" in text
    assert "a.T @ b" in text
    with pytest.raises(ShapeError, match="multiply by a scalar"):
        OPERATORS["matmul"].result(Type((), F64), Type((3,), F64))


def test_a_mask_is_refused_with_what_to_write() -> None:
    with pytest.raises(DtypeError, match=r"np\.where"):
        OPERATORS["index"].result(Type((3,), F64), Type((3,), np.dtype(bool)), template=("#0",))


def test_an_index_out_of_range_is_told() -> None:
    with pytest.raises(ShapeError, match="an index of -3 … 2 on axis 0"):
        OPERATORS["index"].result(Type((3,), F64), template=(3,))
    with pytest.raises(DataError, match="index 7 is out of bounds"):
        OPERATORS["index"].numpy(np.ones(3), np.array([7]), template=("#0",))
    with pytest.raises(DataError, match="out of bounds"):
        OPERATORS["index_add"].numpy(np.ones(1), np.array([7]), template=("#0",), shape=(3,))
    with pytest.raises(DataError, match="out of bounds"):
        OPERATORS["take_along_axis"].numpy(np.ones(3), np.array([7]), axis=0)


@pytest.mark.parametrize("name", ["mean", "max", "min", "softmax", "logsumexp", "argmax"])
def test_a_reduction_of_nothing_is_told(name: str) -> None:
    options: dict[str, Any] = {"axis": (0,), "keepdims": False}
    if name == "softmax":
        options = {"axis": 0}
    if name == "argmax":
        options["axis"] = 0
    with pytest.raises(ShapeError, match=f"{name} of no elements"):
        OPERATORS[name].result(Type((0, 3), F64), **options)


def test_einsum_says_which_letter() -> None:
    with pytest.raises(ShapeError, match='"j" is 4 and'):
        OPERATORS["einsum"].result(Type((2, 3), F64), Type((4, 5), F64), subscripts="ij,jk->ik")
    with pytest.raises(ShapeError, match="a letter an axis"):
        OPERATORS["einsum"].result(Type((2, 3), F64), subscripts="i->i")
    with pytest.raises(ShapeError, match="2 operands"):
        OPERATORS["einsum"].result(Type((2, 3), F64), subscripts="ij,jk->ik")
