"""Convolution and pooling against their formulas, cell by cell, and against other algorithms."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.signal import correlate2d

from operators import checks
from wengert.base.errors import ShapeError
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.operators.window import Window, taps, windows

POOLS = ("avg_pool2d", "max_pool2d")


def places(x: Any, w: Any, given: dict[str, Any]) -> Any:
    """Yield (n, o, c, i, j, p, q, row, column, slice of w) for every product of the sum T."""
    (sh, sw), (ph, pw), (dh, dw) = given["stride"], given["padding"], given["dilation"]
    own, groups = w.shape[1], given["groups"]
    window = Window(w.shape[2:], given["stride"], given["padding"], given["dilation"])
    rows, columns = window.places(x.shape[2:])
    sizes = (x.shape[0], w.shape[0], own, *w.shape[2:], rows, columns)
    for n, o, c, i, j, p, q in product(*map(range, sizes)):
        row, column = sh * p + dh * i - ph, sw * q + dw * j - pw
        channel = o // (w.shape[0] // groups) * own + c
        if 0 <= row < x.shape[2] and 0 <= column < x.shape[3]:
            yield (n, channel, row, column), (o, c, i, j), (n, o, p, q)


@pytest.mark.parametrize("number", range(7))
def test_the_three_are_the_derivatives_of_one_sum(number: int) -> None:
    (x, w), given = checks.draws(OPERATORS["conv2d"])[number]
    y = OPERATORS["conv2d"].numpy(x, w, **given)
    g = np.random.default_rng(1).normal(size=y.shape)
    wanted = [np.zeros(each.shape) for each in (x, w, y)]
    for at_x, at_w, at_y in places(x, w, given):
        wanted[0][at_x] += w[at_w] * g[at_y]
        wanted[1][at_w] += x[at_x] * g[at_y]
        wanted[2][at_y] += x[at_x] * w[at_w]
    found = (
        OPERATORS["conv2d_input"].numpy(g, w, image=x.shape[2:], **given),
        OPERATORS["conv2d_weight"].numpy(x, g, size=w.shape[2:], **given),
        y,
    )
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def test_the_window_is_not_flipped() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(1, 1, 9, 8)), rng.normal(size=(1, 1, 3, 4))
    given = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    found = OPERATORS["conv2d"].numpy(x, w, **given)[0, 0]
    np.testing.assert_allclose(found, correlate2d(x[0, 0], w[0, 0], mode="valid"), rtol=1e-13)


def test_blocks_of_images_give_the_bits_of_one_at_a_time() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(70, 3, 30, 30)), rng.normal(size=(4, 3, 3, 3))
    given = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    whole = OPERATORS["conv2d"].numpy(x, w, **given)
    each = [OPERATORS["conv2d"].numpy(x[n : n + 1], w, **given) for n in range(70)]
    np.testing.assert_array_equal(whole, np.concatenate(each))
    g = rng.normal(size=whole.shape)
    back = OPERATORS["conv2d_input"].numpy(g, w, image=(30, 30), **given)
    alone = OPERATORS["conv2d_input"].numpy(g[69:], w, image=(30, 30), **given)
    np.testing.assert_array_equal(back[69:], alone)


@pytest.mark.parametrize("number", range(6))
def test_the_three_are_adjoint_to_one_another(number: int) -> None:
    (x, w), given = checks.draws(OPERATORS["conv2d"], seed=number)[number]
    y = OPERATORS["conv2d"].numpy(x, w, **given)
    g = np.random.default_rng(1).normal(size=y.shape)
    by_x = np.sum(x * OPERATORS["conv2d_input"].numpy(g, w, image=x.shape[2:], **given))
    by_w = np.sum(w * OPERATORS["conv2d_weight"].numpy(x, g, size=w.shape[2:], **given))
    np.testing.assert_allclose([by_x, by_w], np.sum(g * y), rtol=1e-12)


# -- Pooling ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("include", [True, False])
def test_pooling_is_the_mean_and_the_maximum_of_each_window(number: int, include: bool) -> None:
    (x,), given = checks.draws(OPERATORS["max_pool2d"])[number]
    (kh, kw), (ph, pw) = given["window"], given["padding"]
    wide = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)], constant_values=np.nan)
    view = windows(wide, Window((kh, kw), given["stride"], (0, 0)))
    top = OPERATORS["max_pool2d"].numpy(x, **given)
    mean = OPERATORS["avg_pool2d"].numpy(x, **given, count_include_pad=include)
    for at in np.ndindex(top.shape):
        cells = view[at[0], at[1], :, :, at[2], at[3]]
        assert top[at] == np.nanmax(cells)
        count = cells.size if include else np.sum(~np.isnan(cells))
        np.testing.assert_allclose(mean[at], np.nansum(cells) / count, rtol=1e-13)


def test_ties_share_equally_as_with_max() -> None:
    x = np.array([[[[1.0, 1.0, 0.0, 2.0], [1.0, 1.0, 2.0, 0.0]]]])
    given = {"window": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    found = OPERATORS["max_pool2d_input"].numpy(np.array([[[[4.0, 4.0]]]]), x, **given)
    np.testing.assert_array_equal(found, [[[[1, 1, 0, 2], [1, 1, 2, 0]]]])


def test_a_window_of_minus_infinity_has_a_maximum_and_padding_never_is_one() -> None:
    x = np.full((1, 1, 2, 2), -np.inf)
    given = {"window": (2, 2), "stride": (1, 1), "padding": (1, 1)}
    with np.errstate(all="raise"):
        assert (OPERATORS["max_pool2d"].numpy(x, **given) == -np.inf).all()
        found = OPERATORS["max_pool2d_input"].numpy(np.ones((1, 1, 3, 3)), x, **given)
    np.testing.assert_allclose(found, np.full((1, 1, 2, 2), 9 / 4))


def test_an_infinite_gradient_stays_where_it_belongs() -> None:
    x = np.arange(6.0).reshape(1, 1, 2, 3)
    given = {"window": (2, 2), "stride": (1, 1), "padding": (0, 0)}
    found = OPERATORS["max_pool2d_input"].numpy(np.array([[[[np.inf, 2.0]]]]), x, **given)
    np.testing.assert_array_equal(found, [[[[0, 0, 0], [0, np.inf, 2]]]])


def test_nan_goes_through_and_gets_no_gradient() -> None:
    x = np.array([[[[np.nan, 1.0, 3.0, 2.0]]]])
    given = {"window": (1, 2), "stride": (1, 2), "padding": (0, 0)}
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(
            OPERATORS["max_pool2d"].numpy(x, **given), [[[[np.nan, 3.0]]]]
        )
        found = OPERATORS["max_pool2d_input"].numpy(np.ones((1, 1, 1, 2)), x, **given)
    np.testing.assert_array_equal(found, [[[[0, 0, 1, 0]]]])


@pytest.mark.parametrize(
    "window",
    [
        Window((3, 2), (2, 3), (1, 1)),
        Window((2, 2), (3, 1), (0, 1), (2, 3)),
        Window((5, 5), (1, 1), (4, 4)),
    ],
)
def test_taps_are_the_cells_of_the_windows(window: Window) -> None:
    x = np.random.default_rng(0).normal(size=(1, 1, 7, 6))
    (ph, pw) = window.padding
    wide = windows(np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)]), window)
    total = np.zeros((1, 1, *window.places((7, 6))))
    for there, here in taps(window, (7, 6)):
        total[there] += x[here]
    np.testing.assert_allclose(total, wide.sum(axis=(2, 3)), rtol=1e-13, atol=1e-15)


# -- Refusals -----------------------------------------------------------------------------------

F32 = np.dtype(np.float32)
PLAIN: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}


@pytest.mark.parametrize(
    ("x", "w", "given", "said"),
    [
        ((8, 8), (1, 1, 3, 3), {}, "batch, channels, height, width"),
        ((2, 3, 8, 8), (4, 3, 3), {}, "filters that have 3 axes"),
        ((2, 3, 8, 8), (4, 2, 3, 3), {}, r"filters of shape \(4, 3, 3, 3\)"),
        ((2, 4, 8, 8), (4, 4, 3, 3), {"groups": 2}, "2 channels of a group"),
        ((2, 4, 8, 8), (3, 2, 3, 3), {"groups": 2}, "4 channels and 3 filters into 2 groups"),
        ((2, 3, 4, 8), (1, 3, 5, 3), {}, "images of at least 5 × 3 pixels"),
        ((2, 3, 4, 8), (1, 3, 3, 3), {"dilation": (2, 1)}, r"5 × 3 pixels \(3 × 3 cells, dilated"),
        ((2, 3, 2, 8), (1, 3, 5, 3), {"padding": (1, 0)}, "images of 2 × 8, 4 × 8 padded"),
    ],
)
def test_what_does_not_fit_is_told(x: Any, w: Any, given: Any, said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        OPERATORS["conv2d"].result(Type(x, F32), Type(w, F32), **{**PLAIN, **given})


@pytest.mark.parametrize("name", POOLS)
def test_a_pool_that_does_not_fit_is_told(name: str) -> None:
    more = {"count_include_pad": True} if name == "avg_pool2d" else {}
    x = Type((2, 3, 4, 4), F32)
    with pytest.raises(ShapeError, match="padding less than the window"):
        OPERATORS[name].result(x, window=(2, 2), stride=(2, 2), padding=(0, 2), **more)
    with pytest.raises(ShapeError, match="at least 5 × 1 pixels"):
        OPERATORS[name].result(x, window=(5, 1), stride=(1, 1), padding=(0, 0), **more)


def test_an_adjoint_refuses_another_result() -> None:
    w = Type((5, 3, 3, 3), F32)
    with pytest.raises(ShapeError, match=r"shape \(2, 5, 6, 6\)"):
        OPERATORS["conv2d_input"].result(Type((2, 5, 6, 5), F32), w, image=(8, 8), **PLAIN)
