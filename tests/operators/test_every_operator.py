"""Generated from the records: what a test run proves for every operator."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from operators import checks
from wengert.base.errors import DtypeError, GradientMismatch, GraphError, ShapeError
from wengert.checking import check_gradients
from wengert.graph.text import parse, to_text
from wengert.operators.record import FREE, Cost, Operator, Samples, Type, table
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply

NAMES = sorted(OPERATORS)
SMOOTH = [name for name in NAMES if OPERATORS[name].differentiable]
ELEMENTWISE = [name for name in NAMES if OPERATORS[name].kind == "elementwise"
               and not checks.takes_integers_only(OPERATORS[name])]  # fmt: skip
every = pytest.mark.parametrize("name", NAMES)
every_smooth = pytest.mark.parametrize("name", SMOOTH)


@pytest.fixture
def record(name: str) -> Operator:
    return OPERATORS[name]


# -- The records are whole ------------------------------------------------------------------------


@every
def test_record_has_no_holes(record: Operator, name: str) -> None:
    assert record.name == name
    checks.check_holes(record)


@pytest.mark.parametrize(
    ("field", "hole"),
    [
        ("name", ""), ("kind", "other kind"), ("numpy", None), ("result", None), ("vjp", ()),
        ("latex", ""), ("latex", "{x}}"), ("cost", Cost()), ("cost", None), ("saves", ("z",)),
        ("samples", Samples(lambda rng: [])), ("linear_in", (-1,)), ("symbol", ""),
        ("kinks", ("0",)), ("aliases", "sometimes"), ("workspace", 0), ("decomposition", abs),
        ("variadic", None), ("scalar", None),
    ],
)  # fmt: skip
def test_a_hole_fails(field: str, hole: Any) -> None:
    with pytest.raises((AssertionError, AttributeError, TypeError, IndexError)):
        checks.check_holes(replace(OPERATORS["tanh"], **{field: hole}))


def test_every_field_is_looked_at() -> None:
    assert {each.name for each in fields(Operator)} == set(checks.FIELDS)


def test_a_name_stands_once_and_a_missing_one_is_told() -> None:
    with pytest.raises(Exception, match="two records"):
        table([OPERATORS["tanh"]], [OPERATORS["tanh"]])
    with pytest.raises(GraphError, match="no operator 'tahn'"):
        OPERATORS["tahn"]


# -- Shapes, dtypes, meanings -------------------------------------------------------------------


def in_dtype(operands: tuple[Any, ...], dtype: str) -> tuple[Any, ...]:
    parts = {"f": dtype, "c": f"complex{2 * np.dtype(dtype).itemsize * 8}"}
    return tuple(x.astype(parts.get(x.dtype.kind, x.dtype)) for x in operands)


@every
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_result_rule_is_what_the_meaning_gives(record: Operator, dtype: str) -> None:
    for operands, attributes in checks.draws(record):
        checks.check_result(record, in_dtype(operands, dtype), checks.typed(attributes, dtype))


@every
def test_layout_of_the_operands_changes_nothing(record: Operator) -> None:
    for case in checks.draws(record):
        checks.check_strided(record, *case)


@every
def test_operands_are_left_alone(record: Operator) -> None:
    for operands, attributes in checks.draws(record):
        before = [np.array(each) for each in operands]
        record.numpy(*operands, **attributes)
        for old, new in zip(before, operands, strict=True):
            np.testing.assert_array_equal(old, new)


@every
def test_scalars_and_empty_arrays_are_among_the_samples(record: Operator) -> None:
    cases = checks.draws(record)
    shapes = [np.shape(x) for operands, _ in cases for x in operands]
    results = [y.shape for given, attributes in cases for y in record.values(*given, **attributes)]
    assert any(0 in shape for shape in (*shapes, *results))
    if record.kind == "elementwise":
        assert () in shapes


@pytest.mark.parametrize(
    "name", [name for name in NAMES if OPERATORS[name].decomposition is not None]
)
def test_decomposition_is_the_same_function(record: Operator) -> None:
    assert record.decomposition is not None
    for operands, attributes in checks.draws(record):
        whole = record.numpy(*operands, **attributes)
        parts = record.decomposition(*operands, **attributes)
        np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-14)
        # It can be recorded, and is made of other operators.
        graph = trace(lambda *xs, r=record, a=attributes: r.decomposition(*xs, **a), *operands)
        np.testing.assert_array_equal(run(graph, list(operands))[0], parts)
        assert record.name not in {operation.operator for operation in graph.operations}


# -- Derivatives --------------------------------------------------------------------------------


@every_smooth
def test_rule_is_the_derivative(record: Operator) -> None:
    assert checks.check_all_vjps(record) > 0


def traced(record: Operator, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Return the operator as a function of its float operands, to be recorded."""
    return lambda *floats: apply(
        record.name,
        *(f if x.dtype.kind == "f" else x for f, x in zip(floats, operands, strict=True)),
        **attributes,
    )


@every_smooth
def test_derivatives_agree_to_order_two(record: Operator) -> None:
    for operands, attributes in checks.draws(record, seed=3):
        if any(x.size == 0 for x in operands):
            continue
        fixed = {k: x for k, x in enumerate(operands) if x.dtype.kind not in "fc"}
        floats = [x for k, x in enumerate(operands) if k not in fixed]

        def function(*given: Any, fixed: Any = fixed, attributes: Any = attributes) -> Any:
            supply = iter(given)
            whole = [fixed.get(k) if k in fixed else next(supply)
                     for k in range(len(given) + len(fixed))]  # fmt: skip
            return apply(record.name, *whole, **attributes)

        check_gradients(function, *floats, order=2, tolerance=3e-7)


@every_smooth
def test_a_planted_wrong_rule_is_caught(record: Operator) -> None:
    assert record.vjp is not None

    def off(rule: Any) -> Any:
        if rule is None:
            return None
        return lambda *args, **attributes: 1.0001 * np.asarray(rule(*args, **attributes))

    with pytest.raises(AssertionError, match="≠"):
        checks.check_all_vjps(replace(record, vjp=tuple(off(rule) for rule in record.vjp)))


WRONG: dict[str, tuple[Any, ...]] = {
    "tanh": (lambda g, y, x: g * (1 - y),),
    "negative": (lambda g, y, x: g,),
    "multiply": (lambda g, y, a, b: g * a, lambda g, y, a, b: g * b),
    "divide": (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * a / b),
    "sum": (lambda g, y, x, axis, keepdims: np.ones(x.shape),),
    "prod": (lambda g, y, x, axis, keepdims: np.ones(x.shape) * y.sum(),),
    "softmax": (lambda g, y, x, axis: g * y * (1 - y),),
    "transpose": (lambda g, y, x, axes: np.transpose(g, axes),),
    "matmul": (lambda g, y, a, b: np.zeros(a.shape), lambda g, y, a, b: np.zeros(b.shape)),
    "softmax_cross_entropy": (lambda g, y, o, t: np.zeros(o.shape),) * 2,
    "index": (lambda g, y, x, *arrays, template: np.ones(x.shape), None),
    "std": (lambda g, y, x, axis, keepdims, ddof: np.zeros(x.shape),),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_a_plausible_wrong_rule_is_caught(record: Operator, name: str) -> None:
    with pytest.raises(AssertionError):
        checks.check_all_vjps(replace(record, vjp=WRONG[name]))


def test_a_wrong_rule_of_second_order_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # Right to first order, but with y held fixed: the second derivative misses a term.
    held = (lambda g, y, x: g * apply("stop_gradient", 1 - y * y),)
    monkeypatch.setitem(OPERATORS, "tanh", replace(OPERATORS["tanh"], vjp=held))
    x = np.array([0.3, -0.7])
    check_gradients(np.tanh, x, order=1)
    with pytest.raises(GradientMismatch):
        check_gradients(np.tanh, x, order=2)


@every_smooth
def test_float32_stays_float32(record: Operator) -> None:
    for operands, attributes in checks.draws(record):
        attributes = {k: "float32" if k == "dtype" else v for k, v in attributes.items()}
        singles = in_dtype(operands, "float32")
        y = record.values(*singles, **attributes)
        assert all(each.dtype in _SINGLE for each in y if each.dtype.kind in "fc")
        g = checks.cotangents(record, y, np.random.default_rng(0))
        for number, rule in checks.differentiated(record, singles):
            found = rule(g, checks.for_rule(record, y), *singles, **attributes)
            assert found.dtype in _SINGLE, f"rule {number} of {record.name}"


_SINGLE = (np.dtype("float32"), np.dtype("complex64"))


@every_smooth
def test_record_says_what_its_rules_read(record: Operator) -> None:
    checks.check_saves(record)


def test_a_dishonest_record_is_caught() -> None:
    with pytest.raises(AssertionError, match="does not say so"):
        checks.check_saves(replace(OPERATORS["tanh"], saves=("x0",)))
    with pytest.raises(AssertionError, match="says that it reads"):
        checks.check_saves(replace(OPERATORS["tanh"], saves=("y", "x0")))


@every_smooth
def test_linear_where_it_says_so(record: Operator) -> None:
    rng = np.random.default_rng(5)
    for operands, attributes in checks.draws(record):
        count = len(operands) if record.variadic else 0
        linear = range(count) if record.variadic and record.linear_in else record.linear_in
        for k in linear:
            other = rng.normal(size=operands[k].shape)

            def at(
                x: Any, k: int = k, operands: Any = operands, attributes: Any = attributes
            ) -> Any:
                return np.concatenate([
                    y.ravel()
                    for y in record.values(*operands[:k], x, *operands[k + 1 :], **attributes)
                ])  # fmt: skip

            moved = at(operands[k] + 3 * other) - at(operands[k])
            steps = 3 * (at(other) - at(0 * other))
            np.testing.assert_allclose(moved, steps, rtol=1e-11, atol=1e-11, err_msg=record.name)


# -- Special values -----------------------------------------------------------------------------

_ONE_OPERAND = [n for n in [*ELEMENTWISE, "relu", "sigmoid", "softplus", "gelu", "leaky_relu"]
                if n != "where"]  # fmt: skip


def special_operands(record: Operator, values: tuple[float, ...]) -> tuple[np.ndarray, ...]:
    drawn = checks.draws(record)[0][0]
    grid = np.meshgrid(*(np.array(values),) * len(drawn))
    kinds = [each.dtype if each.dtype.kind in "iu" else np.dtype(float) for each in drawn]
    with np.errstate(invalid="ignore"):
        return tuple(each.ravel().astype(k) for each, k in zip(grid, kinds, strict=True))


@pytest.mark.parametrize("name", _ONE_OPERAND)
def test_special_values_are_finite_and_silent(record: Operator) -> None:
    assert record.samples.special or record.name == "cast"
    attributes = checks.draws(record)[0][1]
    operands = special_operands(record, record.samples.special)
    with np.errstate(all="raise", under="ignore"):
        y = record.numpy(*operands, **attributes)
        assert np.isfinite(y).all()
        for number, rule in checks.differentiated(record, operands):
            found = rule(np.ones(y.shape), y, *operands, **attributes)
            assert np.isfinite(found).all(), f"rule {number}: {found} at {operands}"


EXTREME = (0.0, -0.0, 1.0, -1.0, 0.5, 30.0, -800.0, 800.0, 1e-308, 1e200, -1e308)


@pytest.mark.parametrize("name", [name for name in _ONE_OPERAND if OPERATORS[name].differentiable])
def test_a_gradient_of_zero_stays_zero(record: Operator) -> None:
    # What np.where masks away must not come back as NaN from 0 · ∞.
    attributes = checks.draws(record)[0][1]
    operands = special_operands(record, EXTREME)
    with np.errstate(all="ignore"):
        y = record.numpy(*operands, **attributes)
        zero = np.zeros(y.shape)
        for number, rule in checks.differentiated(record, operands):
            if number == 0 and record.name.endswith("_or_zero"):
                continue
            found = np.broadcast_to(rule(zero, y, *operands, **attributes), y.shape)
            bad = [tuple(x[i] for x in operands) for i in np.flatnonzero(found != 0)]
            assert not bad, f"rule {number} of {record.name} at {bad}"


# -- Presentation, cost, text form --------------------------------------------------------------


@every
def test_latex_formats(record: Operator) -> None:
    for operands, attributes in checks.draws(record):
        checks.formatted(record, operands, attributes)


@every
def test_cost_is_stated(record: Operator) -> None:
    assert record.cost is FREE or record.cost.flops + record.cost.transcendental > 0
    for operands, attributes in checks.draws(record):
        if record.cost.passes is not None:
            assert record.cost.passes(*checks.types(operands), **attributes) >= 0


@every
def test_graph_of_one_operation_prints_and_parses(record: Operator) -> None:
    for operands, attributes in checks.draws(record):
        graph = trace(lambda *xs, a=attributes: apply(record.name, *xs, **a), *operands)
        assert to_text(parse(to_text(graph))) == to_text(graph)


# -- Refusals -----------------------------------------------------------------------------------


def operand_count(name: str) -> int:
    return len(checks.draws(OPERATORS[name])[0][0])


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if operand_count(name) == 2])
def test_shapes_that_do_not_fit_are_told(record: Operator) -> None:
    f64 = np.dtype("float64")
    with pytest.raises(ShapeError, match="axis -1 has the sizes 3 and 4"):
        record.result(Type((2, 3), f64), Type((4,), f64))


@pytest.mark.parametrize("name", ["negative", "subtract", "sign"])
def test_dtypes_without_meaning_are_told(record: Operator) -> None:
    one = Type((2,), np.dtype(bool))
    count = operand_count(record.name)
    with pytest.raises(DtypeError, match="bool"):
        record.result(*(one,) * count)
