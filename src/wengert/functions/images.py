"""Convolution and pooling of images of shape (batch, channels, height, width)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from wengert.base.errors import DtypeError, OptionError, ShapeError
from wengert.functions.calls import shape_of, use

Pair = int | tuple[int, int]


def conv2d(
    x: Any,
    w: Any,
    bias: Any = None,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
) -> Any:
    """Two-dimensional convolution x ⋆ w, the window not flipped (a cross-correlation).

    y[n, o, p, q] = b[o] + Σ_c Σ_i Σ_j x[n, c, s·p + d·i − pad, s·q + d·j − pad] · w[o, c, i, j],
    with x 0 outside of the image. Each option is one number, or a pair (down, across).

    Args:
        x: floats of shape (batch, channels, height, width).
        w: floats of shape (filters, channels / groups, rows, columns).
        bias: floats of shape (filters,), added to every place; None for none.
        stride: s, how far the window moves.
        padding: rows of zeros above and below, and columns left and right.
        dilation: d, the distance of neighbouring cells of the window; 1: they touch.
        groups: the channels and the filters are split into so many parts that do not mix.

    Returns:
        An array of shape (batch, filters, p, q), p = ⌊(height + 2 · padding − d · (rows − 1) − 1)
        / s⌋ + 1, and q likewise.

    Raises:
        ShapeError, DtypeError: the arrays do not fit one another, or hold no floats.
        OptionError: an option is no whole number that makes sense.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86(11), 1998; F. Yu, V. Koltun, "Multi-scale context aggregation by
    dilated convolutions", ICLR 2016.

    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> conv2d(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]), stride=2)
    array([[[[-5., -5.],
             [-5., -5.]]]])
    """
    options = {
        "stride": _pair("conv2d: stride", stride, 1),
        "padding": _pair("conv2d: padding", padding, 0),
        "dilation": _pair("conv2d: dilation", dilation, 1),
        "groups": _whole("conv2d: groups", groups, 1),
    }
    y = use("conv2d", x, w, **options)
    return y if bias is None else y + _by_filter(bias, shape_of(w)[0])


def avg_pool2d(
    x: Any,
    window: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    *,
    count_include_pad: bool = True,
) -> Any:
    """Mean of each window: y[n, c, p, q] = Σ_i Σ_j x[n, c, s·p + i − pad, s·q + j − pad] / cells.

    Args:
        x: floats of shape (batch, channels, height, width).
        window: its rows and columns, a number or a pair.
        stride: s, how far it moves; None for its own size, so that windows do not overlap.
        padding: rows and columns of zeros around the images, less than the window.
        count_include_pad: whether padding counts among the cells of a mean; if not, it is a mean
            of pixels alone.

    Returns:
        An array of shape (batch, channels, p, q), p = ⌊(height + 2 · padding − rows) / s⌋ + 1.

    Raises:
        ShapeError, DtypeError: x is no stack of images of floats, or has no place for the window.
        OptionError: an option is no whole number that makes sense.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86(11), 1998.

    >>> import numpy as np
    >>> avg_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    return use(
        "avg_pool2d", x, **_pool("avg_pool2d", window, stride, padding),
        count_include_pad=bool(count_include_pad),
    )  # fmt: skip


def max_pool2d(x: Any, window: Pair, stride: Pair | None = None, padding: Pair = 0) -> Any:
    """Maximum of each window: y[n, c, p, q] = max_ij x[n, c, s·p + i − pad, s·q + j − pad].

    Padding is never the maximum. Elements that tie for it share its gradient equally, as with
    ``np.max``; a window that holds NaN is NaN.

    Args:
        x: floats of shape (batch, channels, height, width).
        window: its rows and columns, a number or a pair.
        stride: s, how far it moves; None for its own size, so that windows do not overlap.
        padding: rows and columns around the images, less than the window.

    Returns:
        An array of shape (batch, channels, p, q), p = ⌊(height + 2 · padding − rows) / s⌋ + 1.

    Raises:
        ShapeError, DtypeError: x is no stack of images of floats, or has no place for the window.
        OptionError: an option is no whole number that makes sense.

    Source: M. Riesenhuber, T. Poggio, "Hierarchical models of object recognition in cortex",
    Nature Neuroscience 2, 1999.

    >>> import numpy as np
    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4), 2)
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    return use("max_pool2d", x, **_pool("max_pool2d", window, stride, padding))


def _pool(name: str, window: Pair, stride: Pair | None, padding: Pair) -> dict[str, Any]:
    size = _pair(f"{name}: window", window, 1)
    return {
        "window": size,
        "stride": size if stride is None else _pair(f"{name}: stride", stride, 1),
        "padding": _pair(f"{name}: padding", padding, 0),
    }


def _pair(what: str, value: Any, least: int) -> tuple[int, int]:
    both = cast(Sequence[Any], value) if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(_is_whole(each, least) for each in both):
        expected = f"a whole number of at least {least}, or a pair of them"
        raise OptionError(what, expected=expected, got=repr(cast(Any, value)))
    return int(both[0]), int(both[1])


def _whole(what: str, value: Any, least: int) -> int:
    if not _is_whole(value, least):
        raise OptionError(what, expected=f"a whole number of at least {least}", got=repr(value))
    return int(value)


def _is_whole(value: Any, least: int) -> bool:
    is_integer = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return is_integer and bool(value >= least)


def _by_filter(bias: Any, filters: int) -> Any:
    bias = bias if hasattr(bias, "dtype") else np.asarray(bias)
    if bias.dtype.kind != "f":
        raise DtypeError("conv2d: bias", expected="floats", got=bias.dtype.name)
    if tuple(bias.shape) != (filters,):
        raise ShapeError(
            "conv2d: bias",
            expected=f"one number for each of the {filters} filters, shape ({filters},)",
            got=f"shape {tuple(bias.shape)}",
        )
    return np.reshape(bias, (filters, 1, 1))
