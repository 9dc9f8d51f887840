"""Discrete Fourier transforms along one axis; several axes are one after the other.

The transform is symmetric, so its derivative is the transform itself: with a gradient that is
∂J/∂x − i ∂J/∂y nothing is conjugated. ``rfft`` and ``irfft`` leave half of it out, and that half
is made up for by weights.
"""

# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Callable
from math import log2
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import DtypeError, ShapeError
from wengert.base.shapes import size
from wengert.operators.complexes import part_of
from wengert.operators.index import index_add
from wengert.operators.record import Cost, Operator, Rule, Samples, Type
from wengert.operators.samples import Case

# On arrays and on tracers alike.
_F: Any = np.fft
_OPPOSITE = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _complex(dtype: Dtype) -> Dtype:
    if dtype.kind in "iub":
        return np.dtype(np.complex128)
    return np.result_type(dtype, np.complex64)


def _length(x: Type, n: int, axis: int, made: int, dtype: Dtype) -> Type:
    if n < 1:
        raise ShapeError(
            "np.fft of no points", expected="at least one", got=f"n = {n} along axis {axis}"
        )
    return Type((*x.shape[:axis], made, *x.shape[axis + 1 :]), dtype)


def _of_complex(x: Type, *, n: int, axis: int, norm: str) -> Type:
    return _length(x, n, axis, n, _complex(x.dtype))


def _of_real(x: Type, *, n: int, axis: int, norm: str) -> Type:
    if x.dtype.kind == "c":
        raise DtypeError(
            "np.fft.rfft of complex numbers", expected="real numbers", got=x.dtype.name,
            remedy="np.fft.fft",
        )  # fmt: skip
    return _length(x, n, axis, n // 2 + 1, _complex(x.dtype))


def _to_real(x: Type, *, n: int, axis: int, norm: str) -> Type:
    return _length(x, n, axis, n, part_of(_complex(x.dtype)))


def _meaning(function: Callable[..., Any]) -> Callable[..., Any]:
    def transform(x: Any, *, n: int, axis: int, norm: str) -> Any:
        return np.require(function(x, n, axis, norm), requirements="C")

    transform.__name__ = function.__name__
    return transform


def _fitted(found: Any, x: Any, axis: int) -> Any:
    """Return a gradient cut or filled with zeros to the points that went in."""
    here, wanted = found.shape[axis], x.shape[axis]
    front = (slice(None),) * axis
    if wanted <= here:
        return found if wanted == here else found[(*front, slice(0, wanted))]
    shape = (*found.shape[:axis], wanted, *found.shape[axis + 1 :])
    return index_add(found, template=(*front, slice(0, here)), shape=shape)


def _fft_rule(g: Any, y: Any, x: Any, *, n: int, axis: int, norm: str) -> Any:
    return _fitted(_F.fft(g, n, axis, norm), x, axis)


def _ifft_rule(g: Any, y: Any, x: Any, *, n: int, axis: int, norm: str) -> Any:
    return _fitted(_F.ifft(g, n, axis, norm), x, axis)


def _rfft_rule(g: Any, y: Any, x: Any, *, n: int, axis: int, norm: str) -> Any:
    # Of a real operand the real part, of the frequencies that were kept.
    return _fitted(np.real(_F.fft(g, n, axis, norm)), x, axis)


def _irfft_rule(g: Any, y: Any, x: Any, *, n: int, axis: int, norm: str) -> Any:
    """Each frequency between the first and the last stands for its mirror image too."""
    weights = np.full(n // 2 + 1, 2.0, part_of(g.dtype))
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    wide = weights.reshape([-1 if k == axis else 1 for k in range(len(g.shape))])
    # Re ∂y/∂X of the inverse transform is the conjugate of a forward one, scaled alike.
    found = np.conjugate(_F.rfft(g, n, axis, _OPPOSITE[norm])) * wide
    return _fitted(found, x, axis)


def _passes(x: Type, *, n: int, axis: int, norm: str) -> int:
    rest = size(x.shape) // max(x.shape[axis], 1)
    return int(rest * n * max(log2(n), 1))


def _cases(rng: np.random.Generator, complex_too: bool, real_too: bool) -> list[Case]:
    shapes = (((4,), 0, 4), ((2, 5), 1, 5), ((5, 2), 0, 3), ((3, 4), 1, 7), ((2, 0), 0, 2))
    found: list[Case] = []
    for (shape, axis, n), norm in zip(
        shapes, ("backward", "ortho", "forward", "backward", "ortho"), strict=True
    ):
        x = rng.normal(size=shape)
        given = {"n": n, "axis": axis, "norm": norm}
        if real_too:
            found.append(((x,), given))
        if complex_too:
            found.append(((x + 1j * rng.normal(size=shape),), given))
    return found


_EITHER = Samples(lambda rng: _cases(rng, True, True))
_REAL = Samples(lambda rng: _cases(rng, False, True))


def _widened(x: Type, **_: Any) -> int:
    """Return the bytes of real numbers as complex ones, which NumPy makes of them first."""
    return 0 if x.dtype.kind == "c" else 16 * size(x.shape)


def _operator(
    name: str, result: Rule, rule: Rule, latex: str, symbol: str, *, samples: Samples = _EITHER
) -> Operator:
    return Operator(
        name,
        "other",
        numpy=_meaning(getattr(np.fft, name)),
        result=result,
        vjp=(rule,),
        latex=latex,
        cost=Cost(flops=5, passes=_passes),
        samples=samples,
        linear_in=(0,),
        symbol=symbol,
        workspace=None if samples is _REAL else _widened,
        complex=True,
    )


FOURIER: tuple[Operator, ...] = (
    _operator("fft", _of_complex, _fft_rule, r"\mathcal{{F}} {x0}", "F"),
    _operator("ifft", _of_complex, _ifft_rule, r"\mathcal{{F}}^{{-1}} {x0}", "F⁻¹"),
    _operator("rfft", _of_real, _rfft_rule, r"\mathcal{{F}}_{{+}} {x0}", "F₊", samples=_REAL),
    _operator("irfft", _to_real, _irfft_rule, r"\mathcal{{F}}_{{+}}^{{-1}} {x0}", "F₊⁻¹"),
)
