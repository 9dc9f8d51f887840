"""Native code against the interpreter, for every record: two independent statements agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from operators import checks
from wengert.base.errors import DataError, GraphError
from wengert.graph.graph import Graph
from wengert.native.math.bounds import ULP
from wengert.native.program import compile_graph
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace
from wengert.tracing.tracer import apply

NAMES = sorted(OPERATORS)
DTYPES = ("float64", "float32")
every = pytest.mark.parametrize("name", NAMES)
both = pytest.mark.parametrize("dtype", DTYPES)

# What sums or multiplies many numbers: compared with what rounding may do, in the order of both.
SUMS = {"sum", "prod", "mean", "var", "std", "matmul", "einsum", "squared_norm", "squared_error",
        "exclusive_product", "conv2d", "conv2d_input", "conv2d_weight", "avg_pool2d",
        "avg_pool2d_input", "max_pool2d_input", "max_pool2d_pick", "euclidean_norm"}  # fmt: skip
# Formulas of several functions: a few units in the last place of the largest of their parts.
FORMULAS = {"sigmoid", "softplus", "gelu", "softmax", "log_softmax", "logsumexp",
            "power_derivative", "softmax_cross_entropy", "binary_cross_entropy", "arcsin", "arccos",
            "arcsinh", "arccosh", "arctanh", "cbrt", "hypot", "logaddexp",
            "logaddexp2"}  # fmt: skip


def graph_of(name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Graph:
    return trace(lambda *xs: apply(name, *xs, **attributes), *operands)


def in_dtype(operands: tuple[Any, ...], dtype: str) -> tuple[Any, ...]:
    parts = {"f": dtype, "c": f"complex{2 * np.dtype(dtype).itemsize * 8}"}
    return tuple(x.astype(parts.get(x.dtype.kind, x.dtype)) for x in operands)


def size_of_parts(name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> Any:
    """Return the sum of the sizes of what is added up: rounding errors are relative to it."""
    sizes = [np.abs(x).astype("float64") if x.dtype.kind == "f" else x for x in operands]
    if name in ("var", "std"):
        return np.max(sizes[0], initial=0) ** (2 if name == "var" else 1)
    with np.errstate(all="ignore"):
        return np.abs(OPERATORS[name].numpy(*sizes, **attributes))


def compare(name: str, got: Any, want: Any, case: Any) -> None:
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.size == 0:
        return
    what = checks.describe(OPERATORS[name], *case)
    if want.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    eps = np.finfo(want.dtype).eps
    longest = max(2, *(x.size for x in case[0]))
    if name in SUMS:
        several = np.sqrt(longest) if name == "prod" else np.log2(longest)
        bound = eps * (8 + 4 * several) * (size_of_parts(name, *case) + np.abs(want))
    elif name in FORMULAS:
        # The largest operand: a logit of 800 has that many units before exp is taken.
        scale = max(1.0, *(float(np.max(np.abs(x), initial=0)) for x in case[0]))
        bound = eps * (16 * np.abs(want) + 4 * min(scale, 16.0))
    elif name in ULP:
        bound = np.spacing(np.abs(want)) * (np.ceil(getattr(ULP[name], want.dtype.name)) + 1)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    with np.errstate(invalid="ignore"):
        wrong = ~(same | (np.abs(got - want) <= bound))
    if wrong.any():
        pytest.fail(f"{what}: {got[wrong][:3]} ≠ {want[wrong][:3]} ({wrong.sum()} of {wrong.size})")


def check(name: str, operands: tuple[Any, ...], attributes: dict[str, Any]) -> None:
    graph = graph_of(name, operands, attributes)
    program = compile_graph(graph)
    with np.errstate(all="ignore"):
        wanted = run(graph, list(operands))
        if wanted[0].dtype == np.float32 and name in SUMS | FORMULAS | set(ULP):
            # NumPy's own sums and functions lose digits in single precision.
            wide = in_dtype(operands, "float64")
            wanted = [run(graph_of(name, wide, attributes), list(wide))[0].astype("float32")]
    found = program(*operands)
    for got, want in zip(found, wanted, strict=True):
        compare(name, got, want, (operands, attributes))
    for again, got in zip(program(*(checks.strided(x) for x in operands)), found, strict=True):
        np.testing.assert_array_equal(again, got)


@every
@both
def test_samples(name: str, dtype: str) -> None:
    for operands, attributes in checks.draws(OPERATORS[name]):
        check(name, in_dtype(operands, dtype), checks.typed(attributes, dtype))


# -- Elementwise ----------------------------------------------------------------------------------

ELEMENTWISE = [name for name in NAMES if OPERATORS[name].scalar is not None]
WORDS = [name for name in ELEMENTWISE if checks.takes_integers_only(OPERATORS[name])]
SHAPES = {
    1: [((1,),), ((17,),), ((3, 129),), ((2, 1, 5, 64),), ((20011,),)],
    2: [((70001,), ()), ((5, 67), (67,)), ((33, 1), (1, 20)), ((3, 1, 100), (7, 1)),
        ((64, 300), (64, 1))],
    3: [((300,), (5, 300), ()), ((4, 1), (1, 33), (4, 33)), ((9000,),) * 3],
    4: [((), (), (9001,), ()), ((7, 1), (7, 1), (1, 33), ())],
}  # fmt: skip


def operand_count(name: str) -> int:
    return len(checks.draws(OPERATORS[name])[0][0])


@pytest.mark.parametrize("name", ELEMENTWISE)
@both
def test_elementwise_of_any_shape(name: str, dtype: str) -> None:
    rng = np.random.default_rng(3)
    ((sample, attributes), *_) = checks.draws(OPERATORS[name])
    attributes = {"dtype": "int32"} if name == "cast" else attributes or _attributes(name)
    for shapes in SHAPES[operand_count(name)]:
        operands = tuple(np.asarray(rng.uniform(0.3, 0.9, shape)) for shape in shapes)
        if name in WORDS:
            operands = tuple(rng.integers(0, 2**32, s, np.uint32) for s in shapes)
        if sample[0].dtype == bool:
            operands = (operands[0] > 0.6, *operands[1:])
        check(name, in_dtype(operands, dtype), attributes)


def _attributes(name: str) -> dict[str, Any]:
    return {"slope": 0.1} if name == "leaky_relu" else {}


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if n not in ("where", "cast", *WORDS)])
@both
def test_special_values(name: str, dtype: str) -> None:
    finite = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 30.0, -30.0, 1e-30, 3e5, *[x for x in
              OPERATORS[name].samples.special if abs(x) < 1e30]]  # fmt: skip
    values = np.array([*finite, np.inf, -np.inf, np.nan], dtype)
    operands = (values,)
    if operand_count(name) == 2:
        operands = (np.repeat(values, len(values)), np.tile(values, len(values)))
    check(name, operands, _attributes(name))


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32", "bool"])
def test_integers_and_truth(dtype: str) -> None:
    rng = np.random.default_rng(5)
    x, y = (rng.integers(0, 2 if dtype == "bool" else 50, (9, 77)).astype(dtype) for _ in range(2))
    names = ["multiply", "add", "maximum", "minimum", "less", "equal", "logical_and"]
    for name in names + ([] if dtype == "bool" else ["subtract", "negative", "sign", "absolute"]):
        check(name, (x, y)[: operand_count(name)], {})
    for name in ("sum", "prod", "any", "all", "max", "min"):
        for axis in ((0,), (1,), (0, 1)):
            check(name, (x,), {"axis": axis, "keepdims": False})


# -- Reductions -----------------------------------------------------------------------------------

REDUCTIONS = ("sum", "mean", "var", "std", "max", "min", "prod", "any", "all", "logsumexp")


@pytest.mark.parametrize("name", REDUCTIONS)
@both
def test_reductions_of_any_shape(name: str, dtype: str) -> None:
    rng = np.random.default_rng(7)
    cases = [
        ((70001,), (0,)), ((300, 257), (0,)), ((300, 257), (1,)), ((300, 257), (0, 1)),
        ((3, 5000), (1,)), ((5000, 3), (0,)), ((5000, 3), (1,)), ((4, 33, 65), (1,)),
        ((4, 33, 65), (0, 2)), ((100000, 2), (0,)), ((2, 100000), (1,)), ((17, 1, 40), (0,)),
    ]  # fmt: skip
    extra = {"ddof": 1} if name in ("var", "std") else {}
    for shape, axis in cases:
        x = rng.uniform(0.99, 1.01, shape).astype(dtype)
        check(name, (x,), {"axis": axis, "keepdims": bool(len(shape) % 2), **extra})


def test_sums_of_many_are_as_good_as_pairwise_ones() -> None:
    x = np.random.default_rng(0).uniform(0, 1, 3_000_001).astype("float32")
    attributes: dict[str, Any] = {"axis": (0,), "keepdims": False}
    (got,) = compile_graph(graph_of("sum", (x,), attributes))(x)
    exact = np.sum(x, dtype="float64")
    assert abs(got - exact) <= 4 * np.finfo("float32").eps * exact


@pytest.mark.parametrize("name", ["argmax", "argmin", "max", "min"])
def test_nan_wins_and_ties_go_to_the_first(name: str) -> None:
    x = np.random.default_rng(1).integers(0, 4, (40, 50)).astype(float)
    x[3, 7] = x[9, 2] = x[9, 30] = np.nan
    for axis in (0, 1):
        kept = axis if name.startswith("arg") else (axis,)
        check(name, (x,), {"axis": kept, "keepdims": False})
    if name.startswith("arg"):
        check(name, (x,), {"axis": None, "keepdims": True})


# -- Rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@both
def test_rows_of_any_length(name: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape, axis in [((50, 10), 1), ((50, 10), 0), ((3, 4000), 1), ((200001,), 0),
                        ((4, 7, 33), 1), ((1, 3), 0)]:  # fmt: skip
        check(name, (rng.normal(size=shape).astype(dtype) * 5,), {"axis": axis})


@both
def test_losses_of_many_rows(dtype: str) -> None:
    rng = np.random.default_rng(4)
    for rows, classes in [(1, 10), (300, 10), (64, 1000), (5, 3)]:
        logits = rng.normal(size=(rows, classes)).astype(dtype)
        check("softmax_cross_entropy", (logits, rng.integers(0, classes, rows)), {})
        check("softmax_cross_entropy", (logits, rng.uniform(size=(rows, classes))), {})
        check("squared_error", (logits, rng.normal(size=(rows, classes))), {})
        check("binary_cross_entropy", (logits, rng.uniform(size=(rows, classes))), {})


def test_a_logit_of_minus_infinity() -> None:
    logits = np.array([[0.0, -np.inf, 1.0], [-np.inf, 2.0, -np.inf]])
    check("softmax_cross_entropy", (logits, np.array([0, 1])), {})
    check("logsumexp", (np.full((2, 3), -np.inf),), {"axis": (1,), "keepdims": False})


# -- Picking --------------------------------------------------------------------------------------


def test_picks_of_many_rows() -> None:
    rng = np.random.default_rng(6)
    table, ids = rng.normal(size=(100, 130)), rng.integers(-100, 100, (20, 30))
    check("index", (table, ids), {"template": ("#0",)})
    g = rng.normal(size=(20, 30, 130))
    check("index_add", (g, ids), {"template": ("#0",), "shape": (100, 130)})
    rows, columns = rng.integers(0, 100, 5000), rng.integers(0, 130, 5000)
    check("index", (table, rows, columns), {"template": ("#0", "#1")})
    g = rng.normal(size=5000)
    check("index_add", (g, rows, columns), {"template": ("#0", "#1"), "shape": (100, 130)})
    order = np.argsort(table, axis=1)
    check("take_along_axis", (table, order), {"axis": 1})
    check("add_along_axis", (table, order), {"axis": 1, "shape": (100, 130)})
    check("add_along_axis", (table, order % 7), {"axis": 0, "shape": (100, 130)})


# -- Products -------------------------------------------------------------------------------------


@both
def test_products_of_any_shape(dtype: str) -> None:
    rng = np.random.default_rng(8)
    for m, k, n in [(1, 1, 1), (1, 300, 1), (7, 5, 3), (33, 65, 17), (130, 1, 70), (1, 784, 256),
                    (64, 300, 10), (10, 64, 300)]:  # fmt: skip
        a, b = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        check("matmul", (a, b), {})
        check("einsum", (a, b), {"subscripts": "ij,jk->ki"})
    a, b = rng.normal(size=(6, 20, 30)).astype(dtype), rng.normal(size=(6, 30, 9)).astype(dtype)
    check("matmul", (a, b), {})
    check("einsum", (a, b), {"subscripts": "bij,bjk->ik"})


# -- What is refused ------------------------------------------------------------------------------


def refused(name: str, attributes: dict[str, Any], good: tuple[Any, ...], bad: Any) -> DataError:
    """Return the error of a bad last operand; the program works before and after it."""
    program = compile_graph(graph_of(name, good, attributes))
    (before,) = program(*good)
    with pytest.raises(DataError) as problem:
        program(*good[:-1], bad)
    (after,) = program(*good)
    np.testing.assert_array_equal(before, after)
    return problem.value


def test_labels_out_of_range() -> None:
    logits, labels = np.zeros((40, 10)), np.arange(40) % 10
    for wrong in (10, -1):
        bad = np.where(np.arange(40) == 33, wrong, labels)
        error = refused("softmax_cross_entropy", {}, (logits, labels), bad)
        assert "10 classes" in str(error) and f"row 33 holds {wrong}" in str(error)


def test_probabilities_out_of_range() -> None:
    logits, labels = np.zeros((3, 4)), np.full((3, 4), 0.5)
    for wrong in (1.5, -0.5, np.nan):
        bad = labels.copy()
        bad[1, 2] = wrong
        error = refused("binary_cross_entropy", {}, (logits, labels), bad)
        assert "no probability" in str(error) and "(1, 2)" in str(error)


@pytest.mark.parametrize("wrong", [4, -5, 10**12])
def test_places_out_of_range(wrong: int) -> None:
    x, places = np.arange(4.0), np.array([0, -1, 3])
    bad = np.array([0, wrong, 3])
    cases: list[tuple[str, Any, Any]] = [
        ("index", {"template": ("#0",)}, x), ("take_along_axis", {"axis": 0}, x),
        ("index_add", {"template": ("#0",), "shape": (4,)}, np.ones(3)),
        ("add_along_axis", {"axis": 0, "shape": (4,)}, np.ones(3)),
    ]  # fmt: skip
    for name, attributes, first in cases:
        assert str(wrong) in str(refused(name, attributes, (first, places), bad))


def test_inputs_of_another_type() -> None:
    x = np.ones((3, 4))
    program = compile_graph(graph_of("tanh", (x,), {}))
    for bad in (np.ones((3, 5)), np.ones((3, 4), "float32"), np.ones((3, 4), complex)):
        with pytest.raises(GraphError, match="expected: float64"):
            program(bad)
    with pytest.raises(GraphError, match="1 arrays"):
        program()
    (want,) = program(x)
    shifted = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(float).reshape(3, 4)
    frozen = x.copy()
    frozen.setflags(write=False)
    for other in (x.astype(">f8"), shifted, frozen, np.asfortranarray(x), x.tolist()):
        np.testing.assert_array_equal(program(other)[0], want)
