"""Every record's scalar formula, compiled, means what its NumPy meaning says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from native.elementwise import Loop, compiled, loop, ulp_errors
from operators import checks
from wengert.base.errors import DtypeError
from wengert.native.casting import register_type
from wengert.native.math.bounds import COMPOSED as FORMULAS
from wengert.native.math.bounds import ULP
from wengert.operators.record import Operator, Type
from wengert.operators.registry import OPERATORS

RECORDS = {name: each for name, each in sorted(OPERATORS.items()) if each.scalar is not None}
FLOATS = ("float32", "float64")
ALL = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
       "float16", *FLOATS)  # fmt: skip

# Two formulas of the same steps, each within a few units of the truth; the meaning runs NumPy's
# own functions, which in float32 err by up to four.
COMPOSED = {"sigmoid": 6, "softplus": 8, "gelu": 8, "power_derivative": 6}
# Which zero wins is not said.
EITHER_ZERO = {"maximum", "minimum", "fmax", "fmin", "relu", "leaky_relu"}
# Where the result is near 0 the operands cancel: what is left is as exact as they are.
CANCELLING = {"logaddexp", "logaddexp2"}


def arity(record: Operator) -> int:
    return len(checks.draws(record)[0][0])


def attributes_of(record: Operator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for _, attributes in checks.draws(record):
        if attributes not in found:
            found.append(attributes)
    return found


def bound(record: Operator) -> float:
    """Return how far native and NumPy's results may be apart, in units of the last place."""
    if record.name in ULP:
        return ULP[record.name].float32 + 4.0
    if record.name in FORMULAS:
        return max(FORMULAS[record.name]) + 4.0
    return COMPOSED.get(record.name, 0.0)


def made(record: Operator, dtypes: tuple[str, ...], attributes: Any, lanes: int = 8) -> Loop:
    assert record.scalar is not None
    scalar = record.scalar
    return Loop(lambda b, *x: scalar(b, *x, **attributes), dtypes, lanes)


# -- Values ---------------------------------------------------------------------------------------


def values(dtype: str, rng: np.random.Generator, count: int) -> np.ndarray:
    """Return ordinary and special values of a dtype."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return rng.random(count) < 0.5
    if kind.kind in "iu":
        info = np.iinfo(kind)
        few = np.array([0, 1, 2, 3, info.max, info.max - 1, info.min, info.min + 1], kind)
        free = rng.integers(0, 256, (count - 8) * kind.itemsize, dtype=np.uint8).view(kind)
        return np.concatenate([few, free])
    info = np.finfo(kind)
    few = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 2.5, -2.5, np.inf, -np.inf, np.nan, info.tiny,
           info.smallest_subnormal, info.max, info.min, 1 + info.eps, 40.0, -40.0]  # fmt: skip
    free = rng.normal(size=count - len(few)) * 10.0 ** rng.integers(-3, 4, count - len(few))
    with np.errstate(all="ignore"):
        return np.concatenate([np.array(few), free]).astype(kind)


def drawn(record: Operator, dtypes: tuple[str, ...], seed: int = 0) -> list[np.ndarray]:
    """Return operands: a grid of special values, then pairs of free ones."""
    rng = np.random.default_rng(seed)
    free = [values(dtype, rng, 500) for dtype in dtypes]
    if len(dtypes) == 1:
        return free
    grids = np.meshgrid(*(each[:20] for each in free))
    return [
        np.concatenate([grid.ravel(), rng.permutation(each)])
        for grid, each in zip(grids, free, strict=True)
    ]


def meaning(record: Operator, operands: list[np.ndarray], attributes: Any) -> np.ndarray:
    with np.errstate(all="ignore"):
        return record.numpy(*operands, **attributes)


def errors_of(
    found: np.ndarray, wanted: np.ndarray, record: Operator, operands: Sequence[np.ndarray]
) -> np.ndarray:
    """Return errors in units of the last place of the result, or of the operands that cancel."""
    errors = ulp_errors(found, wanted.astype(np.float64))
    if record.name in CANCELLING:
        with np.errstate(all="ignore"):
            largest = np.max(np.abs([wanted, *operands]), axis=0).astype(found.dtype)
            ratio = np.spacing(np.abs(wanted)) / np.spacing(largest)
        return np.where(errors > 0, errors * ratio, 0)
    return errors


def assert_same(
    found: np.ndarray,
    wanted: np.ndarray,
    record: Operator,
    far: float,
    operands: Sequence[np.ndarray] = (),
) -> None:
    assert found.dtype == wanted.dtype
    if far and found.dtype.kind == "f":
        errors = errors_of(found, wanted, record, operands)
        assert errors.max() <= far, f"{record.name}: {found[errors.argmax()]}"
        return
    np.testing.assert_array_equal(found, wanted, err_msg=record.name)
    if found.dtype.kind == "f" and record.name not in EITHER_ZERO:
        zero = found == 0
        np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(wanted[zero]))


# -- Every record ---------------------------------------------------------------------------------


def test_every_elementwise_record_has_a_formula() -> None:
    kinds = {name for name, record in OPERATORS.items() if record.kind == "elementwise"}
    activations = {"relu", "leaky_relu", "sigmoid", "softplus", "gelu"}
    assert (kinds - checks.HOSTED) | activations <= set(RECORDS)
    assert not checks.HOSTED & set(RECORDS)


# Operators of whole numbers have their own words in their samples, and test_every_dtype.
OF_NUMBERS = [name for name in RECORDS if not checks.takes_integers_only(RECORDS[name])]


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_formula_means_what_numpy_means(name: str, dtype: str) -> None:
    record = RECORDS[name]
    dtypes = (dtype,) * arity(record)
    operands = drawn(record, dtypes)
    for attributes in attributes_of(record):
        one, many = (made(record, dtypes, attributes, lanes) for lanes in (1, 16))
        compiled([one, many])
        wanted = meaning(record, operands, attributes)
        found = many(*operands)
        assert_same(found, wanted, record, bound(record), operands)
        assert one(*operands).tobytes() == found.tobytes()


@pytest.mark.parametrize("name", RECORDS)
def test_samples_of_the_record(name: str) -> None:
    record = RECORDS[name]
    for operands, attributes in checks.draws(record):
        flat = [np.ravel(each) for each in np.broadcast_arrays(*operands)]
        # No lane holds a complex number: NumPy carries those out.
        if not flat[0].size or any(each.dtype.kind == "c" for each in flat):
            continue
        run = made(record, tuple(each.dtype.name for each in flat), attributes)
        compiled([run])
        wanted = np.ravel(record.numpy(*operands, **attributes))
        assert_same(run(*flat), wanted, record, bound(record), flat)


def combinations(record: Operator) -> Iterator[tuple[str, ...]]:
    count = arity(record)
    yield from ((dtype,) * count for dtype in ALL)
    if count == 2:
        rng = np.random.default_rng(len(record.name))
        yield from (tuple(rng.choice(ALL, 2)) for _ in range(12))


def is_defined(record: Operator, dtypes: tuple[str, ...], attributes: Any) -> bool:
    types = [Type((2,), np.dtype(dtype)) for dtype in dtypes]
    try:
        found = record.result(*types, **attributes)
    except DtypeError:
        return False
    return found.dtype.kind != "O"


def tame(record: Operator, operands: list[np.ndarray]) -> list[np.ndarray]:
    """Leave out what NumPy leaves to the processor or refuses."""
    if record.name == "reciprocal" and operands[0].dtype.kind in "iu":
        return [operands[0][operands[0] != 0]]
    return operands


def is_open_power(record: Operator, dtypes: tuple[str, ...]) -> bool:
    """Return whether an exponent may be negative where NumPy then refuses (bool − 1 among them)."""
    if record.name == "power_derivative" and dtypes[1] == "bool":
        return True
    kinds = {np.dtype(dtype).kind for dtype in dtypes}
    if not record.name.startswith("power") or "f" in kinds:
        return False
    return np.power.resolve_dtypes((*map(np.dtype, dtypes), None))[-1].kind == "i"


@pytest.mark.parametrize("name", [name for name in RECORDS if name != "where"])
def test_every_dtype(name: str) -> None:
    record = RECORDS[name]
    attributes = attributes_of(record)[0]
    cases = [each for each in combinations(record) if is_defined(record, each, attributes)]
    cases = [each for each in cases if not is_open_power(record, each)]
    loops = [made(record, each, attributes) for each in cases]
    compiled(loops)
    for dtypes, run in zip(cases, loops, strict=True):
        operands = tame(record, drawn(record, dtypes))
        far = bound(record)
        # Rounded to half, one unit is what a few units of single become.
        if run.result == np.float16:
            far = 2.0 if far else 0.0
        assert_same(run(*operands), meaning(record, operands, attributes), record, far, operands)


@pytest.mark.parametrize("name", ["negative", "subtract", "sign"])
def test_what_has_no_meaning_is_refused(name: str) -> None:
    record = RECORDS[name]
    with pytest.raises(DtypeError, match="no meaning for bool"):
        compiled([made(record, ("bool",) * arity(record), {})])


@pytest.mark.parametrize("name", ["power", "power_derivative"])
def test_powers_that_numpy_may_refuse_are_refused(name: str) -> None:
    with pytest.raises(DtypeError, match="signed integer to the power"):
        compiled([made(RECORDS[name], ("int64", "int64"), {})])


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(DtypeError, match="complex128"):
        register_type(np.dtype("complex128"), 4)


# -- Casts and choice -----------------------------------------------------------------------------


@pytest.mark.parametrize("source", ALL)
def test_casts(source: str) -> None:
    rng = np.random.default_rng(1)
    x = values(source, rng, 600)
    if np.dtype(source).kind == "f":
        edges = [2.0**k + d for k in (7, 8, 15, 16, 31, 32, 63) for d in (-1, -0.5, 0, 0.5, 1)]
        with np.errstate(all="ignore"):
            edges = np.array([s * e for e in edges for s in (1, -1)]).astype(source)
        x = np.concatenate([x, edges])
    if source == "float64":
        # Halfway between halves, and the double next to it: rounding twice would go wrong.
        half = (np.arange(1, 400) * 2 + 1) * 2.0**-11 + 1
        x = np.concatenate([x, half, np.nextafter(half, 9), np.nextafter(half, 0), half * 2**-20])
    loops = [loop(lambda b, x, t=target: b.cast(x, t), source) for target in ALL]
    for target, run in zip(ALL, loops, strict=True):
        with np.errstate(all="ignore"):
            wanted = x.astype(target)
            alone = np.array([each.astype(target) for each in x])
        found = run(x)
        assert found.dtype == wanted.dtype
        # Far out of range, NumPy's answer can depend on where in the array a number stands.
        sure = (wanted == alone) | (wanted != wanted)
        assert sure.mean() > 0.9
        message = f"{source} → {target}"
        np.testing.assert_array_equal(found[sure], wanted[sure], err_msg=message)


@pytest.mark.parametrize("condition", ALL)
def test_choice(condition: str) -> None:
    record, rng = RECORDS["where"], np.random.default_rng(2)
    cases = [(condition, *rng.choice(ALL, 2)) for _ in range(10)]
    loops = [made(record, case, {}) for case in cases]
    compiled(loops)
    for case, run in zip(cases, loops, strict=True):
        operands = [values(dtype, rng, 200) for dtype in case]
        assert_same(run(*operands), record.numpy(*operands), record, 0)


def test_any_byte_but_zero_is_true() -> None:
    raw = np.arange(256, dtype=np.uint8)
    run = loop(lambda b, x: b.not_(x), "bool")
    np.testing.assert_array_equal(run(raw.view(bool)), raw == 0)


# -- Python numbers, fma --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64"])
def test_python_numbers_take_the_dtype_they_meet(dtype: str) -> None:
    x = values(dtype, np.random.default_rng(3), 100)
    run = loop(lambda b, x: b.add(b.mul(x, 3), 1), dtype)
    with np.errstate(all="ignore"):
        wanted = x * 3 + 1
    found = run(x)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverflowError):
        loop(lambda b, x: b.add(x, 300), "uint8")


@pytest.mark.parametrize("dtype", FLOATS)
def test_fma_rounds_once(dtype: str) -> None:
    rng = np.random.default_rng(4)
    eps = np.finfo(dtype).eps
    x = (1 + rng.integers(1, 50, 100) * eps).astype(dtype)
    found = loop(lambda b, x: b.fma(x, x, -1), dtype)(x)
    exact = [float(Fraction(float(each)) ** 2 - 1) for each in x]
    np.testing.assert_array_equal(found, np.array(exact).astype(dtype))
    assert (found != x * x - np.asarray(1, dtype)).any()


def test_extremes_with_a_constant_keep_nan_on_either_side() -> None:
    x = np.array([np.nan, -1, 0, 2])
    for formula in (lambda b, x: b.max(x, 0), lambda b, x: b.max(0, x)):
        np.testing.assert_array_equal(loop(formula, "float64")(x), [np.nan, 0, 0, 2])


# -- A wrong formula is caught --------------------------------------------------------------------

WRONG: dict[str, Any] = {
    "maximum": lambda b, x, y: b.select(b.gt(x, y), x, y),
    "sign": lambda b, x: b.select(b.lt(x, 0), -1.0, 1.0),
    "not_equal": lambda b, x, y: b.not_(b.or_(b.lt(x, y), b.or_(b.gt(x, y), b.eq(x, y)))),
    "relu": lambda b, x: b.select(b.gt(x, 0), x, 0),
    "sigmoid": lambda b, x: b.div(1, b.add(b.exp(b.neg(x)), 1.0001)),
    "softplus": lambda b, x: b.log1p(b.exp(x)),
    "multiply_or_zero": lambda b, g, d: b.mul(g, d),
    "divide": lambda b, x, y: b.mul(x, b.reciprocal(y)),
    "power_derivative": lambda b, x, p: b.mul(b.pow(x, b.sub(p, 1)), p),
    "tanh": lambda b, x: b.div(b.sinh(x), b.cosh(x)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_plausible_wrong_formula_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECORDS, name, replace(RECORDS[name], scalar=WRONG[name]))
    with pytest.raises(AssertionError):
        test_formula_means_what_numpy_means(name, "float64")
