"""Vector mathematics against NumPy in extended precision, in units of the last place."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from native.elementwise import Loop, compiled, loop, ulp_errors
from wengert.native.cache import Cache
from wengert.native.jit import Session
from wengert.native.math import arctangent, circular, error, exponential, logarithm, power
from wengert.native.math.bounds import ULP
from wengert.native.target import host

if np.finfo(np.longdouble).nmant < 60:
    pytest.skip("long double is no wider than double here", allow_module_level=True)

POINTS = 100_000
METHOD = {"power": "pow"}
TWO = {"power", "arctan2"}
DTYPES = ("float32", "float64")
# name -> the interval where the function is neither constant nor out of range, in float64
SPAN = {
    "exp": (-746, 711), "exp2": (-1076, 1025), "expm1": (-50, 711), "sinh": (-711, 711),
    "cosh": (-711, 711), "tanh": (-22, 22), "log": (0, 100), "log1p": (-1, 100),
    "log2": (0, 100), "log10": (0, 100), "sin": (-1e4, 1e4), "cos": (-1e4, 1e4),
    "tan": (-1e4, 1e4), "arctan": (-20, 20), "erf": (-6, 6),
}  # fmt: skip


def formula(name: str) -> Any:
    return lambda b, *x: getattr(b, METHOD.get(name, name))(*x)


@pytest.fixture(scope="module")
def loops() -> dict[tuple[str, str], Loop]:
    made = {
        (name, dtype): Loop(formula(name), [dtype] * (1 + (name in TWO)), 64 // int(dtype[5:]) * 8)
        for name in ULP
        for dtype in DTYPES
    }
    compiled(list(made.values()))
    return made


# -- Arguments ------------------------------------------------------------------------------------


def special(dtype: str) -> np.ndarray:
    info = np.finfo(dtype)
    sizes = [0.0, info.smallest_subnormal, info.tiny / 3, info.tiny, info.eps, 0.5, 1 - info.epsneg,
             1.0, 1 + info.eps, 2.0, 3.0, 1e9, 2.0**30, 2.0**53 + 2, info.max / 2, info.max,
             np.inf]  # fmt: skip
    return np.array([sign * size for size in sizes for sign in (1, -1)] + [np.nan], dtype)


def any_bits(rng: np.random.Generator, dtype: str, count: int) -> np.ndarray:
    raw = rng.integers(0, 256, count * np.dtype(dtype).itemsize, dtype=np.uint8)
    return raw.view(dtype)


def arguments(rng: np.random.Generator, name: str, dtype: str) -> np.ndarray:
    low, high = SPAN[name]
    if dtype == "float32" and abs(high) > 100 and abs(high) < 1e4:
        low, high = low * 0.13, high * 0.13
    quarters = np.arange(1, 20_000) * (np.pi / 2)
    parts = [
        special(dtype), rng.uniform(low, high, POINTS // 2), rng.normal(size=POINTS // 4),
        rng.normal(size=POINTS // 8) * 1e-3, 1 + rng.normal(size=POINTS // 8) * 0.02,
        rng.normal(size=POINTS // 8) * 1e7, quarters, any_bits(rng, dtype, POINTS // 4),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        return np.concatenate([part.astype(dtype) for part in parts])


def pairs(rng: np.random.Generator, name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    few = special(dtype)
    grid = [each.ravel() for each in np.meshgrid(few, few)]
    if name == "arctan2":
        y = rng.normal(size=POINTS // 2).astype(dtype)
        x = (y * rng.uniform(-3, 3, y.size)).astype(dtype)
        free = [any_bits(rng, dtype, POINTS // 2) for _ in range(2)]
        return np.concatenate([grid[0], y, free[0]]), np.concatenate([grid[1], x, free[1]])
    # Powers over the whole range of results: y = log z / log x.
    x = np.exp(rng.uniform(-1, 1, POINTS) ** 3 * 80).astype(dtype)
    top = 0.99 * float(np.log(np.finfo(dtype).max))
    with np.errstate(all="ignore"):
        y = np.clip(rng.uniform(-top, top, POINTS) / np.log(x.astype(float)), -1e9, 1e9)
    base = any_bits(rng, dtype, POINTS // 4)
    whole = rng.integers(-9, 10, base.size)
    left = np.concatenate([grid[0], x, base])
    return left, np.concatenate([grid[1], y, whole]).astype(dtype)


def operands(name: str, dtype: str) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(len(name) + int(dtype[5:]))
    return pairs(rng, name, dtype) if name in TWO else (arguments(rng, name, dtype),)


# -- True values ----------------------------------------------------------------------------------


def true_erf(x: np.ndarray) -> np.ndarray:
    """Kummer's series, whose terms are all positive; from 2 on, 1 − erfc has digits to spare."""
    size = np.minimum(np.abs(x), 2)
    term = total = size
    for n in range(1, 80):
        term = term * (2 * size * size / (2 * n + 1))
        total = total + term
    near = 2 / np.sqrt(np.pi * np.ones_like(x)) * np.exp(-size * size) * total
    # The double π is too short for a constant in extended precision.
    near *= 1 - np.longdouble("1.2246467991473531772e-16") / (2 * np.pi)
    far = np.array([math.erfc(abs(float(v))) for v in x], x.dtype)
    return np.copysign(np.where(np.abs(x) < 2, near, 1 - far), x)


def truth(name: str, *x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        wide = [each.astype(np.longdouble) for each in x]
        return true_erf(*wide) if name == "erf" else getattr(np, name)(*wide)


# -- Tests ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ULP)
def test_error_stays_within_its_bound(loops: Any, name: str, dtype: str) -> None:
    x = operands(name, dtype)
    assert len(x[0]) >= POINTS
    found, true = loops[name, dtype](*x), truth(name, *x)
    errors = ulp_errors(found, true)
    k = int(np.argmax(errors))
    bound = getattr(ULP[name], dtype)
    assert errors[k] <= bound, f"{[each[k] for each in x]}: {found[k]!r}, true {true[k]!r}"
    # The bound says something: it is no more than what was seen and a little.
    assert errors[k] >= 0.6 * bound


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ULP)
def test_zeros_have_the_right_sign(loops: Any, name: str, dtype: str) -> None:
    x = operands(name, dtype)
    found, true = loops[name, dtype](*x), truth(name, *x)
    zero = (true == 0) & (found == 0)
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(true[zero]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_the_width(loops: Any, dtype: str) -> None:
    for lanes in (1, 2, 4, 32):
        others = {name: Loop(formula(name), [dtype] * (1 + (name in TWO)), lanes) for name in ULP}
        compiled(list(others.values()))
        for name, other in others.items():
            x = [each[:2000] for each in operands(name, dtype)]
            assert other(*x).tobytes() == loops[name, dtype](*x).tobytes(), (name, lanes)


def test_far_angles_leave_their_neighbours_alone(loops: Any) -> None:
    near = np.linspace(-3, 3, 64)
    mixed = np.where(np.arange(64) % 5 == 0, 1e300, near)
    for name in ("sin", "cos", "tan"):
        alone, together = (loops[name, "float64"](x) for x in (near, mixed))
        same = mixed == near
        np.testing.assert_array_equal(alone[same], together[same])


PLANTED = [
    ("exp", exponential, "cosh"), ("tanh", exponential, "sinh"), ("log", logarithm, "series"),
    ("sin", circular, "sin"), ("cos", circular, "cos"), ("arctan", arctangent, "series"),
    ("erf", error, "far"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "module", "field"), PLANTED)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_coefficient_that_is_off_is_seen(
    monkeypatch: pytest.MonkeyPatch, name: str, module: Any, field: str, dtype: str
) -> None:
    table = "_SINGLE" if dtype == "float32" else "_DOUBLE"
    numbers = getattr(module, table)
    first, *rest = getattr(numbers, field)
    # Off by a thousand units of its last place.
    wrong = (first * (1 + 1000 * float(np.finfo(dtype).eps)), *rest)
    monkeypatch.setattr(module, table, replace(numbers, **{field: wrong}))
    x = operands(name, dtype)
    errors = ulp_errors(loop(formula(name), dtype)(*x), truth(name, *x))
    assert errors.max() > getattr(ULP[name], dtype)


def test_a_power_with_too_short_a_logarithm_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "_TWO_THIRDS", (power._TWO_THIRDS[0], 0.0))
    monkeypatch.setattr(power, "_TAIL", (power._TAIL[0] * (1 + 1e-13), *power._TAIL[1:]))
    x = operands("power", "float64")
    errors = ulp_errors(loop(formula("power"), "float64", "float64")(*x), truth("power", *x))
    assert errors.max() > ULP["power"].float64


@pytest.mark.skipif(host().vector_bytes < 64 or not host().fma, reason="no wider machine here")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_the_machine(
    loops: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = replace(host(), cpu="x86-64-v3", features="")
    monkeypatch.setattr("wengert.native.jit.host", lambda: older)
    session = Session(Cache(None))
    others = {name: Loop(formula(name), [dtype] * (1 + (name in TWO)), 8) for name in ULP}
    compiled(list(others.values()), session)
    for name, other in others.items():
        x = [each[:5000] for each in operands(name, dtype)]
        assert other(*x).tobytes() == loops[name, dtype](*x).tobytes(), name
