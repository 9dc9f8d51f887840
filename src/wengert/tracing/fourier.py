"""np.fft on tracers: transforms over several axes, shifts, and the frequencies themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.tracing import frames
from wengert.tracing.apply import apply
from wengert.tracing.value import described

_SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _norm(norm: str | None) -> str:
    found = "backward" if norm is None else norm
    if found not in _SWAPPED:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return found


def _axis(a: Any, axis: int) -> int:
    rank = np.ndim(a)
    if not -rank <= axis < rank:
        raise ShapeError(
            f"np.fft along axis {axis} of {described(a)}",
            expected=f"an axis from {-rank} to {rank - 1}",
            where=frames.caller(),
        )
    return axis % rank


def _one(name: str, a: Any, n: int | None = None, axis: int = -1, norm: str | None = None,
         out: None = None) -> Any:  # fmt: skip
    place = _axis(a, axis)
    points = np.shape(a)[place]
    usual = 2 * (points - 1) if name == "irfft" else points
    count = usual if n is None else int(n)
    return apply(name, a, n=count, axis=place, norm=_norm(norm))


fft, ifft = partial(_one, "fft"), partial(_one, "ifft")
rfft, irfft = partial(_one, "rfft"), partial(_one, "irfft")


def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None,
         out: None = None) -> Any:  # fmt: skip
    """np.fft.hfft"""
    points = 2 * (np.shape(a)[axis] - 1) if n is None else n
    return irfft(np.conj(a), points, axis, _SWAPPED[_norm(norm)])


def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None,
          out: None = None) -> Any:  # fmt: skip
    """np.fft.ihfft"""
    return np.conj(rfft(a, n, axis, _SWAPPED[_norm(norm)]))


def _lengths(
    a: Any, s: Sequence[int | None] | None, axes: Sequence[int] | None, halved: bool = False
) -> list[tuple[int, int]]:
    """Return axis and number of points of each transform, in NumPy's order."""
    rank = np.ndim(a)
    if axes is None:
        axes = range(rank) if s is None else range(rank - len(s), rank)
    places = [_axis(a, axis) for axis in axes]
    sizes = [None] * len(places) if s is None else list(s)
    if len(sizes) != len(places):
        raise ValueError("Shape and axes have different lengths.")
    whole = [
        np.shape(a)[k] if n in (None, -1) else int(n) for k, n in zip(places, sizes, strict=True)
    ]
    if halved and sizes[-1] in (None, -1):
        whole[-1] = 2 * (np.shape(a)[places[-1]] - 1)
    return list(zip(places, whole, strict=True))


def _many(name: str, a: Any, s: Any = None, axes: Any = None, norm: str | None = None,
          out: None = None) -> Any:  # fmt: skip
    for axis, n in reversed(_lengths(a, s, axes)):
        a = _one(name, a, n, axis, norm)
    return a


def _two(many: Callable[..., Any], a: Any, s: Any = None, axes: Any = (-2, -1),
         norm: str | None = None, out: None = None) -> Any:  # fmt: skip
    return many(a, s, axes, norm)


def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None,
          out: None = None) -> Any:  # fmt: skip
    """np.fft.rfftn"""
    *before, (axis, n) = _lengths(a, s, axes)
    a = rfft(a, n, axis, norm)
    for axis, n in reversed(before):
        a = fft(a, n, axis, norm)
    return a


def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None,
           out: None = None) -> Any:  # fmt: skip
    """np.fft.irfftn"""
    *before, (axis, n) = _lengths(a, s, axes, halved=True)
    for place, points in before:
        a = ifft(a, points, place, norm)
    return irfft(a, n, axis, norm)


fftn, ifftn = partial(_many, "fft"), partial(_many, "ifft")


def _shifted(a: Any, axes: Any, back: bool) -> Any:
    wanted = range(a.ndim) if axes is None else (axes,) if isinstance(axes, int) else axes
    for axis in wanted:
        n = a.shape[axis]
        a = np.roll(a, -(n // 2) if back else n // 2, axis)
    return a


def fftshift(x: Any, axes: Any = None) -> Any:
    """np.fft.fftshift"""
    return _shifted(x, axes, False)


def ifftshift(x: Any, axes: Any = None) -> Any:
    """np.fft.ifftshift"""
    return _shifted(x, axes, True)


TABLE: dict[Any, Callable[..., Any]] = {
    np.fft.fft: fft, np.fft.ifft: ifft, np.fft.rfft: rfft, np.fft.irfft: irfft,
    np.fft.hfft: hfft, np.fft.ihfft: ihfft, np.fft.fftn: fftn, np.fft.ifftn: ifftn,
    np.fft.rfftn: rfftn, np.fft.irfftn: irfftn, np.fft.fft2: partial(_two, fftn),
    np.fft.ifft2: partial(_two, ifftn), np.fft.rfft2: partial(_two, rfftn),
    np.fft.irfft2: partial(_two, irfftn), np.fft.fftshift: fftshift,
    np.fft.ifftshift: ifftshift,
}  # fmt: skip
