"""Products by tiles against float64, at every shape and layout."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from wengert.native.jit import Code, session
from wengert.native.kernels.contraction import Axis, Contraction, Strided, by_letters
from wengert.native.kernels.epilogue import Epilogue, Made
from wengert.native.kernels.nest import Compute, Load, Number, Reduce, Store
from wengert.native.kernels.schedule import Cut, Schedule, schedule, with_room
from wengert.native.kernels.tiled import Tiled, tiled
from wengert.native.target import host

Array = np.ndarray[Any, Any]
_CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
_SIZES = (1, 2, 3, 5, 7, 10, 16, 17, 31, 33, 48, 64, 65, 100, 129, 200, 300)


def strided(x: Array) -> Strided:
    return Strided(x.shape, tuple(stride // x.itemsize for stride in x.strides))


def contraction(subscripts: str, a: Array, b: Array, c: Array, *extras: Array) -> Contraction:
    left, out = subscripts.split("->")
    first, second = left.split(",")
    operands = (strided(a), strided(b), strided(c))
    others = tuple(strided(x) for x in extras)
    return by_letters(c.dtype, (first, second, out), operands, others)


def execute(body: Tiled, *arrays: Array, order: Iterator[int] | None = None) -> None:
    kernel = session().load([Code(body.key, body.define)])[0]
    pointers = (ctypes.c_void_p * len(arrays))(*[x.ctypes.data for x in arrays])
    call = _CALL(kernel.address)
    for chunk in order or range(body.chunks):
        call(pointers, chunk, chunk + 1)


def product(subscripts: str, a: Array, b: Array, c: Array) -> Array:
    body = Tiled(schedule(contraction(subscripts, a, b, c), host()))
    execute(body, a, b, c)
    return c


def drawn(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any, turned: bool) -> Array:
    """Return numbers of a shape, the last two axes exchanged in memory where ``turned``."""
    if turned and len(shape) > 1:
        shape = (*shape[:-2], shape[-1], shape[-2])
        return np.swapaxes(rng.standard_normal(shape).astype(dtype), -1, -2)
    return rng.standard_normal(shape).astype(dtype)


def blank(shape: tuple[int, ...], dtype: Any, turned: bool = False) -> Array:
    if turned and len(shape) > 1:
        return np.swapaxes(np.full((*shape[:-2], shape[-1], shape[-2]), np.nan, dtype), -1, -2)
    return np.full(shape, np.nan, dtype)


def assert_close(subscripts: str, a: Array, b: Array, c: Array) -> None:
    wide, other = a.astype(np.float64), b.astype(np.float64)
    left, out = subscripts.split("->")
    sizes = dict(zip(left.replace(",", ""), (*a.shape, *b.shape), strict=True))
    k = int(np.prod([n for letter, n in sizes.items() if letter not in out]))
    expected = np.einsum(subscripts, wide, other)
    bound = np.einsum(subscripts, abs(wide), abs(other)) * max(k, 1) * np.finfo(c.dtype).eps
    assert np.all(abs(c - expected) <= bound), abs(c - expected).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(16))
def test_any_shape_and_layout(seed: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    m, n, k = (int(rng.choice(_SIZES)) for _ in range(3))
    turned = rng.integers(0, 2, 3).astype(bool)
    a, b = drawn(rng, (m, k), dtype, turned[0]), drawn(rng, (k, n), dtype, turned[1])
    c = product("mk,kn->mn", a, b, blank((m, n), dtype, turned[2]))
    assert_close("mk,kn->mn", a, b, c)


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("turned", [False, True])
def test_few_rows(m: int, turned: bool) -> None:
    rng = np.random.default_rng(m)
    a, b = drawn(rng, (m, 784), np.float32, False), drawn(rng, (784, 256), np.float32, turned)
    assert_close("mk,kn->mn", a, b, product("mk,kn->mn", a, b, blank((m, 256), np.float32)))


@pytest.mark.parametrize(
    ("subscripts", "left", "right"),
    [
        ("bmk,bkn->bmn", (5, 7, 33), (5, 33, 20)),
        ("bmk,kn->bmn", (5, 7, 33), (33, 20)),
        ("mk,bkn->bmn", (7, 33), (5, 33, 20)),
        ("k,kn->n", (40,), (40, 50)),
        ("mk,k->m", (40, 50), (50,)),
        ("k,k->", (1000,), (1000,)),
        ("m,n->mn", (33,), (70,)),
        ("bthd,bshd->bhts", (2, 9, 3, 16), (2, 11, 3, 16)),
        ("bhts,bshd->bthd", (2, 3, 9, 11), (2, 11, 3, 16)),
        ("imk,kin->mn", (4, 7, 9), (9, 4, 20)),
        ("kim,kin->mn", (9, 4, 7), (9, 4, 20)),
        ("abm,bna->mn", (3, 4, 5), (4, 20, 3)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_grouped_axes(
    subscripts: str, left: tuple[int, ...], right: tuple[int, ...], dtype: Any
) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, left, dtype, False), drawn(rng, right, dtype, False)
    out = blank(np.einsum(subscripts, a, b).shape, dtype)
    assert_close(subscripts, a, b, product(subscripts, a, b, out))


def test_broadcast_batches() -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (4, 1, 6, 33), np.float32, False), drawn(rng, (5, 33, 20), np.float32, True)
    c = product("bzmk,zkn->bzmn", a, b, blank((4, 5, 6, 20), np.float32))
    np.testing.assert_allclose(c, a @ b, rtol=1e-5, atol=1e-5)


def test_views_with_gaps() -> None:
    rng = np.random.default_rng(0)
    a = drawn(rng, (60, 90), np.float32, False)[::2, ::3]
    b = drawn(rng, (60, 90), np.float32, False)[::2, 5::2][:, ::-1]
    room = blank((60, 100), np.float32)
    c = room[::2, 7:50]
    assert_close("mk,kn->mn", a, b, product("mk,kn->mn", a, b, c))
    c[...] = np.nan
    assert np.all(np.isnan(room)), "written beside the result"


def test_nothing_to_sum_is_zero() -> None:
    a, b = np.zeros((5, 0), np.float32), np.zeros((0, 40), np.float32)
    assert np.all(product("mk,kn->mn", a, b, blank((5, 40), np.float32)) == 0)


def test_empty_results_are_not_ours() -> None:
    axes = [Axis(0, 4, 0, 4), Axis(4, 0, 1, 1), Axis(4, 1, 4, 0)]
    assert tiled(np.dtype(np.float32), axes) is None


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_bad_number_spoils_its_row_and_no_other(value: float, turned: bool) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (19, 37), np.float32, False), drawn(rng, (37, 45), np.float32, turned)
    a[4, 36] = value
    c = product("mk,kn->mn", a, b, blank((19, 45), np.float32))
    bad = ~np.isfinite(c)
    assert np.all(bad[4]) and bad.sum() == 45


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zero_times_infinity_is_not_skipped(zero: float) -> None:
    a, b = np.full((3, 20), zero, np.float32), np.full((20, 33), np.inf, np.float32)
    assert np.all(np.isnan(product("mk,kn->mn", a, b, blank((3, 33), np.float32))))


# -- the same bits, whoever computes which chunk --------------------------------------------------


@pytest.mark.parametrize(("m", "k", "n"), [(256, 300, 256), (1, 784, 256), (100, 1024, 10)])
def test_chunks_in_any_order_give_the_same_bits(m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (m, k), np.float32, False), drawn(rng, (k, n), np.float32, False)
    first, second = blank((m, n), np.float32), blank((m, n), np.float32)
    body = Tiled(schedule(contraction("mk,kn->mn", a, b, first), host()))
    execute(body, a, b, first)
    execute(body, a, b, second, order=iter(rng.permutation(body.chunks).tolist()))
    assert first.tobytes() == second.tobytes()


def test_large_products_have_chunks_for_many_threads() -> None:
    a, b, c = (np.zeros((512, 512), np.float32) for _ in range(3))
    assert 16 <= schedule(contraction("mk,kn->mn", a, b, c), host()).chunks <= 256


# -- every form a schedule may take ---------------------------------------------------------------


def forms(plan: Schedule) -> Iterator[Schedule]:
    """Return the same product with other tiles, blocks of k and chunks."""
    lanes, m, n, k = plan.lanes, plan.m.size, plan.n.size, plan.k[-1].size
    for rows, vectors, sets, depth, packed in (
        (6, 4, 1, 32, False), (6, 4, 1, 64, True), (1, 1, 8, k, False), (1, 3, 2, k, True),
        (14, 2, 1, 16, True), (5, 1, 2, k, False),
    ):  # fmt: skip
        down, across = Cut(m, rows), Cut(n, vectors * lanes)
        yield replace(
            plan, dot=False, rows=down, columns=across, sets=sets, depth=Cut(k, depth),
            packed=packed, row_blocks=Cut(down.parts, 2), column_blocks=Cut(across.parts, 2),
        )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("m", "k", "n"), [(13, 80, 150), (7, 67, 33)])
def test_forms(m: int, k: int, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (m, k), dtype, False), drawn(rng, (k, n), dtype, False)
    plan = schedule(contraction("mk,kn->mn", a, b, blank((m, n), dtype)), host())
    if plan.swapped:
        pytest.skip("columns are rows here")
    for form in forms(plan):
        c = blank((m, n), dtype)
        execute(Tiled(form), a, b, c)
        assert_close("mk,kn->mn", a, b, c)


# -- what happens before the product is stored ----------------------------------------------------


def apply(epilogue: Epilogue, a: Array, b: Array, c: Array, *others: Array) -> int:
    """Run a product with an epilogue and return its number of chunks."""
    plan = with_room(schedule(contraction("mk,kn->mn", a, b, c, *others), host()))
    execute(Tiled(plan, epilogue), a, b, c, *others)
    return plan.chunks


def update(dtype: str, rate: float, decay: float) -> Epilogue:
    """Return W − rate · (AB + decay · W), W being operand 1 and the result operand 0."""
    values = (
        Made(dtype), Load(1, dtype, ()), Number(repr(decay), dtype),
        Compute("multiply", (1, 2), (), dtype), Compute("add", (0, 3), (), dtype),
        Number(repr(rate), dtype), Compute("multiply", (4, 5), (), dtype),
        Compute("subtract", (1, 6), (), dtype),
    )  # fmt: skip
    return Epilogue(values, (Store(7, 0, ()),))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("m", "k", "n"), [(64, 600, 96), (1, 50, 30), (20, 30, 1), (70, 1, 67), (300, 1100, 65)]
)
def test_update_in_place(m: int, k: int, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (m, k), dtype, True), drawn(rng, (k, n), dtype, False)
    w = drawn(rng, (m, n), dtype, False)
    expected = w - 0.5 * (a.astype(float) @ b + 0.25 * w.astype(float))
    apply(update(np.dtype(dtype).name, 0.5, 0.25), a, b, w, w)
    np.testing.assert_allclose(w, expected, rtol=0, atol=k * 30 * np.finfo(dtype).eps)


def test_an_update_has_the_bits_of_the_product_and_then_the_update() -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (300, 90), np.float32, True), drawn(rng, (90, 130), np.float32, False)
    w = drawn(rng, (300, 130), np.float32, False)
    gradient = product("mk,kn->mn", a, b, blank((300, 130), np.float32))
    expected = w - np.float32(0.1) * (gradient + np.float32(0.01) * w)
    apply(update("float32", 0.1, 0.01), a, b, w, w)
    assert w.tobytes() == expected.tobytes()


@pytest.mark.parametrize(("m", "k", "n"), [(64, 600, 96), (200, 30, 17), (3, 50, 300), (40, 64, 1)])
@pytest.mark.parametrize("along", ["row", "column", "both"])
@pytest.mark.parametrize("turned", [False, True])
def test_two_results_with_a_bias(m: int, k: int, n: int, along: str, turned: bool) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (m, k), np.float32, False), drawn(rng, (k, n), np.float32, turned)
    shape = {"row": (n,), "column": (m, 1), "both": (m, n)}[along]
    bias = drawn(rng, shape, np.float32, False)
    h, positive = blank((m, n), np.float32, turned), np.full((m, n), 7, np.int8)
    values = (
        Made("float32"), Load(1, "float32", ()), Compute("add", (0, 1), (), "float32"),
        Number("0.0", "float32"), Compute("maximum", (2, 3), (), "float32"),
        Compute("greater", (4, 3), (), "bool"),
    )  # fmt: skip
    epilogue = Epilogue(values, (Store(4, 0, ()), Store(5, 2, ())))
    apply(epilogue, a, b, h, bias, positive)
    expected = np.maximum(a.astype(float) @ b + bias, 0)
    np.testing.assert_allclose(h, expected, rtol=0, atol=k * 4e-6)
    np.testing.assert_array_equal(positive, h > 0)


@pytest.mark.parametrize(("m", "k", "n"), [(784, 3, 256), (70, 700, 33), (1, 5, 9), (9, 40, 1)])
def test_the_sum_of_squares_of_what_is_updated(m: int, k: int, n: int) -> None:
    rng = np.random.default_rng(0)
    a, b = drawn(rng, (m, k), np.float32, True), drawn(rng, (k, n), np.float32, False)
    w = drawn(rng, (m, n), np.float32, False)
    expected = np.sum(w.astype(float) ** 2)
    first = update("float32", 0.5, 0.25)
    at = len(first.values)
    values = (
        *first.values, Compute("square", (1,), (), "float32"), Reduce("sum", at, "float32"),
    )  # fmt: skip
    epilogue = Epilogue(values, (*first.stores, Store(at + 1, 2, (), 1)))
    parts = np.full(1000, np.nan, np.float32)
    alone = np.lib.stride_tricks.as_strided(parts, (m, n), (0, 0))
    chunks = apply(epilogue, a, b, w, w, alone)
    assert np.isnan(parts[chunks:]).all()
    np.testing.assert_allclose(parts[:chunks].sum(), expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("few", [1, 3, 40])
@pytest.mark.parametrize("subscripts", ["mcij,cijn->mn", "mpqk,npqk->mn"])
def test_sums_over_several_axes_stay_in_registers(subscripts: str, few: int, dtype: str) -> None:
    rng = np.random.default_rng(few)
    sizes = {"m": few, "n": 37, "c": 3, "i": 5, "j": 2, "p": 3, "q": 4, "k": 19}
    letters = subscripts.split("->")[0].split(",")
    # Parts of something larger, so that no two axes are walked as one.
    a, b = (
        rng.standard_normal([sizes[each] + 2 for each in word]).astype(dtype)[
            tuple(slice(sizes[each]) for each in word)
        ]
        for word in letters
    )
    c = blank((few, 37), dtype)
    found = schedule(contraction(subscripts, a, b, c), host())
    assert len(found.within) == 2
    assert found.blocks == 1
    product(subscripts, a, b, c)
    assert_close(subscripts, a, b, c)
