"""NumPy's functions traced: the same values as plain, and gradients equal to differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wengert.base.tree import flatten
from wengert.checking import check_gradients
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace

RNG = np.random.default_rng(0)
A = np.arange(1.0, 13.0).reshape(3, 4) / 7 + RNG.uniform(-0.05, 0.05, (3, 4))
B = RNG.uniform(0.3, 2.0, (3, 4))
S = RNG.uniform(-1, 1, (3, 3))
V = np.array([0.3, -1.2, 2.0, 0.7, 1.1])
W = np.array([0.5, 0.25, -1.0])
T = RNG.uniform(-1, 1, (2, 3, 4))
N = np.where(A > 1.5, np.nan, A)
I = np.array([[0, 2, 3], [1, 1, 7]])  # noqa: E741
U = np.array([1, 2, 255], np.uint8)
F = A.astype(np.float32)
LONG = np.array([0.1, 3.0, -3.1, 2.9, 9.0, 2.8])
KNOTS = np.array([0.0, 0.5, 1.1, 2.0])
PADS = ["constant", "edge", "reflect", "symmetric", "wrap", "maximum", "minimum",
        "mean", "median"]  # fmt: skip
METHODS = ["linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "hazen", "weibull",
           "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
           "median_unbiased", "normal_unbiased"]  # fmt: skip

Case = tuple[Callable[..., Any], tuple[Any, ...]]
SMOOTH: dict[str, Case] = {
    # ufuncs
    "arcs": (lambda v: np.arcsin(v / 3) + np.arccos(v / 3) + np.arctanh(v / 3), (V,)),
    "hyperbolic arcs": (lambda a: np.arcsinh(a) + np.arccosh(a + 1), (A,)),
    "roots": (lambda v: np.cbrt(v) + np.float_power(np.abs(v), 1.5), (V,)),
    "lengths": (lambda a, b: np.hypot(a, b) + np.logaddexp(a, b) + np.logaddexp2(a, b), (A, B)),
    "present extremes": (lambda a, b: np.fmax(a, b) * np.fmin(a, 1.0), (A, B)),
    "remainders": (lambda a, b: a % b + np.fmod(a, b) + np.divmod(a, b)[1] + a // b, (A, B)),
    "parts": (lambda v: np.modf(v)[0] + np.frexp(v)[0] + np.ldexp(v, 2) + np.modf(v)[1], (V,)),
    "angles": (lambda v: np.deg2rad(v) + np.degrees(v) + np.rad2deg(v) + np.radians(v), (V,)),
    "signs": (lambda v: np.copysign(v, -v) + np.fabs(v) + np.heaviside(v, 0.5), (V,)),
    "nearby": (lambda v: np.nextafter(v, 10) + np.spacing(v) + np.rint(v) + np.trunc(v), (V,)),
    "products of vectors": (lambda a, b: np.vecdot(a, b), (A, B)),
    "ufunc dtype": (lambda v: np.add(v, 1, dtype=np.float64), (V,)),
    # methods of ufuncs
    "accumulate": (
        lambda a: np.add.accumulate(a, 1) + np.multiply.accumulate(a) + np.maximum.accumulate(a, 1)
        + np.minimum.accumulate(a) + np.subtract.accumulate(a, axis=1), (A,),
    ),
    "reduce": (
        lambda a: np.subtract.reduce(a) + np.logaddexp.reduce(a) + np.hypot.reduce(a, initial=1.0)
        + np.fmax.reduce(a, axis=0), (A,),
    ),
    "reduce axes": (lambda t: np.logaddexp.reduce(t, axis=(0, 2), keepdims=True), (T,)),
    "outer": (lambda v, w: np.hypot.outer(v, w) + np.add.outer(v, w), (V, W)),
    # repeating
    "tile": (lambda a: (np.tile(a, 2), np.tile(a, (2, 1, 3)), np.tile(a[0], (2, 2))), (A,)),
    "repeat": (
        lambda a: (np.repeat(a, 2), np.repeat(a, [1, 0, 2], axis=0), a.repeat(3, axis=1)), (A,),
    ),
    "roll": (
        lambda a: np.roll(a, 1) + np.roll(a, -2, axis=1) + np.roll(a, (1, 2), axis=(0, 1)), (A,),
    ),
    "rollaxis": (lambda t: np.rollaxis(t, 2) + np.rollaxis(t, 2, 0), (T,)),
    "turns": (
        lambda s: np.rot90(s) + np.rot90(s, 2) + np.rot90(s, 3) + np.fliplr(s) + np.flipud(s), (S,),
    ),
    "resize": (lambda a: np.resize(a, (5, 4)), (A,)),
    "delete": (lambda a: (np.delete(a, 1, 0), np.delete(a, [0, 2], 1), np.delete(a, 3)), (A,)),
    "insert": (
        lambda v: (np.insert(v, 2, v[0]), np.insert(v, [1, 3], [9.0, 8.0]), np.insert(v, 1, 5)),
        (V,),
    ),
    "insert rows": (
        lambda a: (np.insert(a, 1, a[0], axis=0), np.insert(a, [0, 2], 7, axis=1)),
        (A,),
    ),
    **{f"pad {mode}": (lambda a, m=mode: (np.pad(a, 2, m), np.pad(a, ((1, 0), (3, 2)), m)), (A,))
       for mode in PADS},
    "pad more": (
        lambda v: (np.pad(v, (2, 3), constant_values=(7, 8)), np.pad(v, (9, 8), "reflect"),
                   np.pad(v, 3, "mean", stat_length=2), np.pad(v, 2, "linear_ramp", end_values=5),
                   np.pad(v, (2, 1), "maximum", stat_length=(1, 3)), np.pad(v, 7, "wrap")), (V,),
    ),
    "windows": (
        lambda a: (np.lib.stride_tricks.sliding_window_view(a, (2, 3)),
                   np.lib.stride_tricks.sliding_window_view(a, 2, axis=0)), (A,),
    ),
    # splitting
    "split": (
        lambda a: [2 * p for p in (*np.split(a, 3), *np.split(a, [1, 3], 1), *np.hsplit(a, 2),
                                   *np.vsplit(a, 3), *np.array_split(a, 3, axis=1))], (A,),
    ),
    "dsplit": (lambda t: [p * 2 for p in np.dsplit(t, 2)], (T,)),
    "dstack": (lambda a, v: (np.dstack([a, a]), np.dstack([v, v]), np.atleast_3d(v)), (A, V)),
    "block": (lambda s, w: np.block([[s, w[:, None]], [w, 1.0]]), (S, W)),
    "grids": (
        lambda v, w: (*np.meshgrid(v, w), *np.meshgrid(v, w, indexing="ij", sparse=True),
                      *np.broadcast_arrays(w, v[:, None])), (V, W),
    ),
    # diagonals
    "diagonals": (
        lambda a: (np.diagonal(a), np.diagonal(a, 1), np.diagonal(a, -1), np.diag(a, 2)), (A,),
    ),
    "diag": (lambda w: (np.diag(w), np.diag(w, 1), np.diag(w, -2), np.diagflat(w[None], 1)), (W,)),
    "trace": (
        lambda a, t: (np.trace(a, 1), np.trace(t, axis1=1, axis2=2), t.trace(0, 0, 2)),
        (A, T),
    ),
    "triangles": (
        lambda a, t: (np.tril(a), np.triu(a, 1), np.tril(t, -1), np.triu(t)), (A, T),
    ),
    "kron": (lambda s, w: (np.kron(s, w), np.kron(w, s), np.kron(s, s)), (S, W)),
    "cross": (
        lambda s, w: (np.cross(s, w), np.cross(s, s, axis=0)), (S, W),
    ),
    "vander": (lambda w: (np.vander(w), np.vander(w, 5, increasing=True), np.vander(w, 1)), (W,)),
    # running
    "running": (
        lambda a: (np.cumsum(a), np.cumsum(a, 1), np.cumprod(a, axis=0), a.cumsum(), a.cumprod(1)),
        (A,),
    ),
    "diff": (
        lambda a: (np.diff(a), np.diff(a, 2), np.diff(a, axis=0, prepend=0.0),
                   np.diff(a, append=a[:, :1]), np.ediff1d(a, to_end=[1.0], to_begin=5.0)), (A,),
    ),
    "gradient": (
        lambda a, v: (*np.gradient(a), np.gradient(a, 0.5, axis=1, edge_order=2), np.gradient(v),
                      *np.gradient(a, 2.0, 0.1)), (A, V),
    ),
    "uneven gradient": (
        lambda v: (np.gradient(v, np.array([0.0, 0.3, 1.0, 1.5, 3.0])),
                   np.gradient(v, np.array([0.0, 0.3, 1.0, 1.5, 3.0]), edge_order=2)), (V,),
    ),
    "trapezoid": (
        lambda a, v: (np.trapezoid(a), np.trapezoid(a, dx=0.5, axis=0),
                      np.trapezoid(a, np.array([0.0, 1, 1.5, 4])), np.trapezoid(v, v**2)), (A, V),
    ),
    "unwrap": (
        lambda x: (np.unwrap(x), np.unwrap(x, period=4.0), np.unwrap(x, discont=5)),
        (LONG,),
    ),
    "interp": (
        lambda v, y: (np.interp(v, KNOTS, y), np.interp(v, KNOTS, y, left=7.0, right=-1),
                      np.interp(v, KNOTS, y, period=2.5)), (V, np.array([1.0, 3.0, 2.0, 5.0])),
    ),
    # ordering
    "sort": (lambda a: (np.sort(a), np.sort(a, 0), np.sort(a, None), np.sort(-a, axis=1)), (A,)),
    "partition": (lambda v: np.sort(np.partition(v, 2)[:3]) + np.partition(v, 2)[2], (V,)),
    "weighted counts": (
        lambda v: (np.bincount([0, 2, 2, 1, 0], v), np.bincount([0, 1, 1, 0, 0], v, minlength=4)),
        (V,),
    ),
    "weighted histogram": (
        lambda v: np.histogram([0.1, 0.4, 2.0, 0.5, 3.0], 3, (0.0, 2.0), weights=v)[0], (V,),
    ),
    # statistics
    "average": (
        lambda a, b: (np.average(a), np.average(a, 1, b), np.average(a, axis=0, weights=W),
                      np.average(a, 1, b, keepdims=True)), (A, B),
    ),
    "ptp": (lambda a: (np.ptp(a), np.ptp(a, axis=1), np.ptp(a, 0, keepdims=True)), (A,)),
    "median": (
        lambda a, t: (np.median(a), np.median(a, 0), np.median(a, axis=1, keepdims=True),
                      np.median(t, axis=(0, 2)), np.median(t, (0, 1), keepdims=True)), (A, T),
    ),
    **{f"quantile {method}": (
        lambda t, m=method: (np.quantile(t, 0.3, method=m),
                             np.quantile(t, [0, 0.5, 0.8], 1, method=m),
                             np.percentile(t, 60, (0, 2), keepdims=True, method=m)), (T,))
       for method in METHODS},
    "cov": (
        lambda a: (np.cov(a), np.cov(a, rowvar=False), np.cov(a, ddof=0, aweights=[1, 2.0, 3, 4]),
                   np.cov(a[0], a[1], bias=True), np.cov(a[0])), (A,),
    ),
    "corrcoef": (lambda t: np.corrcoef(t[0]), (T,)),
    "select": (
        lambda v: (np.select([v > 1, v > 0], [v, v**2], -v), np.choose([0, 1, 0, 1, 1], [v, 3 * v]),
                   np.piecewise(v, [v < 0, v > 1], [lambda x: -x, np.exp, 5.0])), (V,),
    ),
    "compress": (
        lambda a: (np.compress([True, False, True], a, axis=0), np.extract(A > 1, a),
                   a.compress([0, 1])), (A,),
    ),
    "clip": (lambda a: (np.clip(a, 0.5, 1.0), a.clip(max=1.2), np.clip(a, min=0.3)), (A,)),
    "sinc": (lambda v: np.sinc(v) + np.i0(v), (V,)),
    # polynomials
    "polynomials": (
        lambda v, w: (np.polyval(w, v), np.polyadd(v, w), np.polysub(w, v), np.polyder(v, 2),
                      np.polyint(v, 2, k=[1.0, 2.0]), np.poly(w)), (V, W),
    ),
    # applying, ranges
    "apply": (
        lambda t: (np.apply_along_axis(np.cumsum, 1, t), np.apply_along_axis(np.sum, 0, t),
                   np.apply_over_axes(np.sum, t, [0, 2])), (T,),
    ),
    "ranges": (
        lambda v: (np.linspace(v[0], v[1], 5), np.linspace(v, 2 * v, 3, axis=1),
                   np.linspace(0, v[0], 4, endpoint=False)), (V,),
    ),
    "axes of methods": (
        lambda a: (a.diagonal(1), a.take([1, 0], 1)),
        (A,),
    ),
}  # fmt: skip
MASK = A > 0.8
SMOOTH |= {
    "masked ufuncs": (
        lambda a, b: (np.add(a, b, where=MASK, out=np.ones((3, 4))),
                      np.exp(a, out=np.zeros((3, 4)), where=a > 1)), (A, B),
    ),
    "no protocol": (
        lambda v, w: (np.r_[v, 1.0, 0:3, w[0]], np.c_[w, w, [1.0, 2.0, 3.0]],
                      np.vectorize(lambda x, y: x * y + 1)(v[:3], w),
                      np.apply_along_axis(lambda row: row * w, 1, np.ones((2, 3)))), (V, W),
    ),
    "known arrays": (
        lambda v: (np.take(np.arange(5.0), np.argsort(v)), np.interp(np.arange(3.0), KNOTS, v[:4]),
                   np.take(v, [7, -1], mode="clip"), np.take(v, [7, -1], mode="wrap"),
                   np.bincount(np.array([0, 1, 1, 0, 2]), v), np.kron(np.eye(2), v)), (V,),
    ),
}  # fmt: skip
# Sums in another order, or a function of another library: a few units in the last place.
ROUNDED: dict[str, Case] = {
    "masked reductions": (
        lambda a: (np.var(a, where=MASK), np.std(a, axis=0, where=MASK, keepdims=True),
                   np.std(a, mean=np.mean(a, keepdims=True)),
                   np.max(a, axis=0, where=MASK, initial=-1.0), np.prod(a, where=a > 1),
                   np.mean(a, where=a > 0.5), np.min(a, initial=0.2)), (A,),
    ),
    "sum with a start": (lambda a: np.sum(a, 0, where=A > 0.8, initial=2.0), (A,)),
    "reduceat": (
        lambda v: np.add.reduceat(v, [0, 3, 1]) + np.multiply.reduceat(v, [0, 1, 3]),
        (V,),
    ),
    "pad linear_ramp": (
        lambda a: (np.pad(a, 2, "linear_ramp"), np.pad(a, ((1, 0), (3, 2)), "linear_ramp")), (A,),
    ),
    "convolve": (
        lambda v, w: (np.convolve(v, w), np.convolve(w, v, "same"), np.convolve(v, w, "valid"),
                      np.correlate(v, w), np.correlate(w, v, "full"), np.correlate(v, w, "same")),
        (V, W),
    ),
    "polymul": (lambda v, w: np.polymul(v, w), (V, W)),
    "odd reflections": (
        lambda v: (np.pad(v, 3, "reflect", reflect_type="odd"),
                   np.pad(v, (7, 2), "symmetric", reflect_type="odd")), (V,),
    ),
    "geometric ranges": (
        lambda w: (np.logspace(0.1, w[0], 4), np.geomspace(0.1, w[0], 5)), (W,),
    ),
    "matrix vector": (
        lambda s, w: (np.matvec(s, w), np.vecmat(w, s)) if hasattr(np, "matvec") else s @ w, (S, W),
    ),
    "densities": (
        lambda v: np.histogram([0.1, 0.4, 2.0, 0.5, 3.0], 3, (0.0, 2.0), True, np.exp(v))[0], (V,),
    ),
}  # fmt: skip
# Without gradients: of no floats, constant, or with NaN in the operands.
CONSTANT: dict[str, Case] = {
    "nan sums": (
        lambda n: (np.nansum(n), np.nanprod(n, 0), np.nanmax(n), np.nanmin(n, axis=1),
                   np.nanmean(n), np.nancumsum(n), np.nancumprod(n, 1)), (N[:, :3],),
    ),
    "nan spread": (
        lambda n: (np.nanvar(n), np.nanstd(n, ddof=1), np.nanvar(n, keepdims=True)),
        (N,),
    ),
    "nan order": (
        lambda n: (np.nanmedian(n), np.nanquantile(n, 0.3), np.nanpercentile(n, [10, 90]),
                   np.nanargmax(n), np.nanargmin(n), np.median(n), np.quantile(n, 0.2)), (N,),
    ),
    "nan to num": (lambda n: (np.nan_to_num(n), np.nan_to_num(n / 0.0, nan=1.0, posinf=9)), (N,)),
    "tests": (
        lambda a: (np.isclose(a, A + 1e-9), np.allclose(a, A), np.array_equal(a, A),
                   np.array_equiv(a, A[0]), np.isin(a, A[0]), np.count_nonzero(a > 1, axis=0),
                   np.isposinf(a), np.isneginf(a), np.isreal(a), np.iscomplex(a)), (A,),
    ),
    "rounding": (
        lambda v: (np.round(v, 1), np.around(v), np.fix(v), v.round(2), np.round(v * 100, -1)),
        (V,),
    ),
    "places": (
        lambda a: (np.argsort(a), a.argsort(0), np.argsort(a, None), np.lexsort((a[0], a[1])),
                   np.argpartition(a, 1)[:, 1], np.digitize(a, [0.3, 1.0]),
                   np.digitize(a, [1.0, 0.3], right=True), np.searchsorted([0.1, 0.5, 1.0], a),
                   np.searchsorted([0.1, 0.5, 1.0], a, "right"), a.searchsorted(0.5)
                   if a.ndim == 1 else a.argmax()), (A,),
    ),
    "counts": (
        lambda i: (np.bincount(np.ravel(i), minlength=8), np.histogram(i, 4, (0, 8))[0],
                   np.histogram(i, [0, 2, 4, 9])[0]), (I,),
    ),
    "histograms": (
        lambda a: (*np.histogram(a), np.histogram_bin_edges(a, 4),
                   *np.histogram2d(np.ravel(a), np.ravel(A[::-1]), 3),
                   np.histogram2d(a[0], a[1], [2, 3], [[0, 1], [0, 2]], density=True)[0]), (A,),
    ),
    "multi index": (
        lambda i: (np.ravel_multi_index((i, i), (9, 8)), *np.unravel_index(i, (3, 4)),
                   np.ravel_multi_index((i, i), (3, 3), mode=("clip", "wrap"), order="F")), (I,),
    ),
    "bits": (
        lambda u: (np.unpackbits(u), np.packbits(u), np.unpackbits(u, count=9, bitorder="little"),
                   np.bitwise_count(u), u ^ np.uint8(3), ~u, u << 1, np.gcd(u, np.uint8(6))), (U,),
    ),
    "integers": (
        lambda i: (i % 3, i // 2, i & 1, np.lcm(i, 4), np.divmod(i, 3)[0], np.cumsum(i), np.sort(i),
                   np.float_power(i, 2), np.fabs(i), np.median(i), np.average(i), np.diff(i),
                   np.convolve(i[0], i[1]), np.bitwise_or.reduce(i), np.gcd.reduce(i, axis=1),
                   np.logical_xor.reduce(i > 1), np.vander(i[0]), np.tile(i, 2)), (I,),
    ),
    "single precision": (
        lambda f: (np.cumsum(f), np.median(f), np.quantile(f, 0.3), np.cov(f), np.sinc(f), np.i0(f),
                   np.hypot(f, 1), np.gradient(f)[0], np.pad(f, 1, "mean"), np.deg2rad(f),
                   np.average(f, 0), np.nan_to_num(f), np.trapezoid(f), np.convolve(f[0], f[1]),
                   np.linspace(f[0, 0], f[0, 1], 3), np.percentile(f, 50), np.select([f > 1], [f]),
                   np.sort(f), np.kron(f, f), np.clip(f, 0, 1), np.polyval(f[0], f[1])), (F,),
    ),
    "facts": (
        lambda a: (np.diag_indices_from(a[:, :3])[0] + 0, np.tril_indices_from(a)[1] + 0, a * len(
            np.einsum_path("ij,ij->", a, a)[0])), (A,),
    ),
    "like": (lambda a: (np.ones(3, like=a) + 1, np.eye(2, like=a) * 2), (A,)),
}  # fmt: skip


def results(value: Any) -> list[Any]:
    return [np.asarray(leaf) for leaf in flatten(value)[0]]


def compare(case: Case, rtol: float) -> None:
    function, arguments = case
    with np.errstate(all="ignore"):
        plain = results(function(*arguments))
        traced = run(trace(function, *arguments), list(arguments))
    assert len(traced) == len(plain)
    for place, (ours, numpys) in enumerate(zip(traced, plain, strict=True)):
        assert (ours.shape, ours.dtype) == (numpys.shape, numpys.dtype), place
        np.testing.assert_allclose(
            ours, numpys, rtol=rtol, atol=rtol, equal_nan=True, err_msg=str(place)
        )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [*SMOOTH, *ROUNDED, *CONSTANT])
def test_values_are_numpys(name: str) -> None:
    rounded = 1e-14 if name in ROUNDED else 1e-6 if name == "single precision" else 0
    compare((SMOOTH | ROUNDED | CONSTANT)[name], rounded)


@pytest.mark.parametrize("name", [*SMOOTH, *ROUNDED])
def test_gradients_are_differences(name: str) -> None:
    function, arguments = (SMOOTH | ROUNDED)[name]

    def summed(*args: Any) -> Any:
        return sum(
            np.sum(np.cos(np.arange(leaf.size).reshape(leaf.shape) + 1) * leaf)
            for leaf in flatten(function(*args))[0]
        )

    check_gradients(summed, *arguments, order=1, tolerance=1e-6)


# -- Many arguments: drawn ----------------------------------------------------------------------

shapes = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
arrays = hnp.arrays(np.float64, shapes, elements=st.integers(-9, 9).map(lambda n: n / 4))


def agrees(function: Callable[..., Any], x: Any) -> None:
    compare((function, (x,)), 1e-14)


@given(x=arrays, data=st.data())
def test_padding_of_any_kind(x: Any, data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from([*PADS, "linear_ramp"]))
    width = [tuple(data.draw(st.integers(0, 5)) for _ in range(2)) for _ in x.shape]
    options: dict[str, Any] = {}
    if mode in ("maximum", "minimum", "mean", "median") and data.draw(st.booleans()):
        options["stat_length"] = data.draw(st.integers(1, 5))
    if mode in ("reflect", "symmetric"):
        options["reflect_type"] = data.draw(st.sampled_from(["even", "odd"]))
    agrees(lambda a: np.pad(a, width, mode, **options), x)


AXES: dict[str, Callable[..., Any]] = {
    "median": np.median, "ptp": np.ptp, "average": np.average, "nansum": np.nansum,
    "nanmax": np.nanmax, "nanmean": np.nanmean, "nanvar": np.nanvar, "nanmedian": np.nanmedian,
    "quantile": lambda a, **how: np.quantile(a, [0.1, 0.6], **how), "var": np.var,
}  # fmt: skip


@given(x=arrays, data=st.data())
def test_any_axes(x: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(AXES)))
    count = data.draw(st.integers(1, x.ndim))
    axes = tuple(data.draw(st.permutations(range(x.ndim)))[:count])
    axis = data.draw(st.sampled_from([None, axes, axes[0], axes[0] - x.ndim]))
    agrees(lambda a: AXES[name](a, axis=axis, keepdims=True), x)
    agrees(lambda a: AXES[name](a, axis=axis), x)


@given(x=arrays, data=st.data())
def test_moves_along_any_axis(x: Any, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    n, k = x.shape[axis], data.draw(st.integers(-7, 7))
    calls: dict[str, Callable[..., Any]] = {
        "roll": lambda a: np.roll(a, k, axis),
        "sort": lambda a: (np.sort(a, axis), np.argsort(a, axis, kind="stable")),
        "cumsum": lambda a: np.cumsum(a, axis),
        "repeat": lambda a: np.repeat(a, abs(k), axis),
        "split": lambda a: np.array_split(a, abs(k) + 1, axis),
        "delete": lambda a: np.delete(a, k % n, axis),
        "insert": lambda a: np.insert(a, k % n, 5.0, axis),
        "diff": lambda a: np.diff(a, min(abs(k), n), axis),
        "take": lambda a: np.take(a, [k], axis, mode="wrap"),
        "running": lambda a: np.maximum.accumulate(a, axis),
        "reduceat": lambda a: np.add.reduceat(a, [k % n, 0], axis),
        "trapezoid": lambda a: np.trapezoid(a, axis=axis),
    }
    agrees(calls[data.draw(st.sampled_from(sorted(calls)))], x)


def test_an_instance_of_an_array_is_one() -> None:
    seen: list[bool] = []

    def f(x: Any) -> Any:
        made = np.zeros(3)
        seen.extend(isinstance(each, np.ndarray) for each in (x, x * 2, x[1:], made, np.sum(x)))
        made[0] = x[0]
        seen.append(isinstance(made, np.ndarray))
        return made

    f(np.ones(3))
    plain = list(seen)
    seen.clear()
    trace(f, np.ones(3))
    assert seen == plain == [True, True, True, True, False, True]
