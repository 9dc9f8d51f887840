"""Rewritten graphs: the same bits, fewer operations, every name."""

import time

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import parse, to_text
from wengert.graph.variable import Variable
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.rewriting import simplify as identities
from wengert.rewriting.fold import fold
from wengert.rewriting.prune import prune
from wengert.rewriting.rewrite import simplify
from wengert.rewriting.share import share
from wengert.transforms import joint

SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-310, 2.5, -3.25, 1e300)


def body(*lines, outputs="y", constants=()):
    header = f"graph f -> {outputs}"
    return parse("\n  ".join([header, "input x: f64[3,4]", *constants, *lines]))


def arrays(graph, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for variable in graph.inputs:
        values = np.asarray(rng.choice(SPECIAL, variable.shape))
        if seed == 1:  # finite numbers in the other layout: sums feel the order of storage
            values = np.asarray(rng.standard_normal(variable.shape), order="F")
        with np.errstate(all="ignore"):
            made.append(values.astype(variable.dtype))
    return made


def bits(graph, leaves):
    with np.errstate(all="ignore"):
        results = run(graph, leaves)
    return [(r.shape, r.dtype, r.tobytes()) for r in results]


def assert_same_bits(before, after, leaves=None):
    for seed in range(3):
        given = leaves or arrays(before, seed)
        assert bits(before, given) == bits(after, given)


def labels(graph):
    return {variable.label for variable in graph.variables} - {None}


# One case a row of the table: the lines of a graph and the operations that are left of it.
CASES = {
    "x · 1": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = multiply(%1, one)"], ["tanh"]),
    "1 · x": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = multiply(ones, %1)"], ["tanh"]),
    "x / 1": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = divide(%1, one)"], ["tanh"]),
    "x + (−0)": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = add(%1, minus)"], ["tanh"]),
    "x − 0": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = subtract(%1, zero)"], ["tanh"]),
    "−(−x)": (
        ["%1: f64[3,4] = tanh(x)", "%2: f64[3,4] = negative(%1)", "y: f64[3,4] = negative(%2)"],
        ["tanh"],
    ),
    "||x||": (["%1: f64[3,4] = absolute(x)", "y: f64[3,4] = absolute(%1)"], ["absolute"]),
    "|−x|": (["%1: f64[3,4] = negative(x)", "y: f64[3,4] = absolute(%1)"], ["absolute"]),
    "¬¬x": (
        ["%1: bool[3,4] = isnan(x)", "%2: bool[3,4] = logical_not(%1)",
         "y: bool[3,4] = logical_not(%2)"],
        ["isnan"],
    ),
    "max(x, x)": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = maximum(%1, %1)"], ["tanh"]),
    "min(x, x)": (["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = minimum(%1, %1)"], ["tanh"]),
    "relu(relu(x))": (["%1: f64[3,4] = relu(x)", "y: f64[3,4] = relu(%1)"], ["relu"]),
    "where(c, x, x)": (
        ["%1: f64[3,4] = tanh(x)", "%2: bool[3,4] = isnan(x)", "y: f64[3,4] = where(%2, %1, %1)"],
        ["tanh"],
    ),
    "identity(x)": (["%1: f64[3,4] = identity(x)", "y: f64[3,4] = tanh(%1)"], ["tanh"]),
    "x in its own shape": (
        ["%1: f64[3,4] = reshape(x; shape=(3, 4))", "y: f64[3,4] = tanh(%1)"], ["tanh"]),
    "reshape(reshape(x))": (
        ["%1: f64[3,4] = tanh(x)", "%2: f64[12] = reshape(%1; shape=(12,))",
         "y: f64[4,3] = reshape(%2; shape=(4, 3))"],
        ["tanh", "reshape"],
    ),
    "broadcast(broadcast(x))": (
        ["%1: f64[2,3,4] = broadcast_to(x; shape=(2, 3, 4))",
         "y: f64[5,2,3,4] = broadcast_to(%1; shape=(5, 2, 3, 4))"],
        ["broadcast_to"],
    ),
    "f(x, broadcast(y))": (
        ["%1: f64[1,1] = reshape(two; shape=(1, 1))",
         "%2: f64[3,4] = broadcast_to(%1; shape=(3, 4))", "y: f64[3,4] = arctan2(x, %2)"],
        ["arctan2"],
    ),
    "xᵀᵀ": (
        ["%1: f64[4,3] = transpose(x; axes=(1, 0))", "%2: f64[3,4] = transpose(%1; axes=(1, 0))",
         "y: f64[] = sum(%2; axis=(0, 1), keepdims=False)"],
        ["sum"],
    ),
    "xᵃᵇ": (
        ["%1: f64[1,3,4] = reshape(x; shape=(1, 3, 4))",
         "%2: f64[4,1,3] = transpose(%1; axes=(2, 0, 1))",
         "y: f64[3,4,1] = transpose(%2; axes=(2, 0, 1))"],
        ["reshape", "transpose"],
    ),
    "axes in their order": (
        ["%1: f64[3,4] = transpose(x; axes=(0, 1))", "y: f64[3,4] = tanh(%1)"], ["tanh"]),
    "x[:]": (["%1: f64[3,4] = index(x; template=(:, 0:))", "y: f64[3,4] = tanh(%1)"], ["tanh"]),
    "x[i ← v][j]": (
        ["%1: f64[3,4] = tanh(x)", "%2: f64[3,4] = index_update(%1, two; template=(0, 1:))",
         "y: f64[4] = index(%2; template=(1,))"],
        ["tanh", "index"],
    ),
    "x[i ← v][i]": (
        ["%1: f64[4] = tanh(ones)", "%2: f64[3,4] = index_update(x, %1; template=(1,))",
         "y: f64[2] = index(%2; template=(1, 1:3))"],
        ["tanh", "index"],
    ),
    "x[i ← number][i]": (
        ["%1: f64[3,4] = index_update(x, two; template=(1,))",
         "%2: f64[] = index(%1; template=(1, 2))", "y: f64[] = tanh(%2)"],
        ["tanh"],
    ),
    "concatenate([x])": (
        ["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = concatenate(%1; axis=0)"], ["tanh"]),
    "float64(x)": (
        ["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = cast(%1; dtype='float64')"], ["tanh"]),
    "float32(float64(x))": (
        ["%1: f32[3,4] = cast(x; dtype='float32')", "%2: f64[3,4] = cast(%1; dtype='float64')",
         "y: f32[3,4] = cast(%2; dtype='float32')"],
        ["cast"],
    ),
}  # fmt: skip
CONSTANTS = (
    "constant one: f64[] = 1.0",
    "constant ones: f64[4] = 1.0",
    "constant zero: f64[] = 0.0",
    "constant minus: f64[] = -0.0",
    "constant two: f64[] = 2.0",
)


@pytest.mark.parametrize("name", CASES)
def test_each_identity_fires_and_keeps_every_bit(name):
    lines, left = CASES[name]
    graph = body(*lines, constants=CONSTANTS)
    after = simplify(graph)
    assert [operation.operator for operation in after.operations] == left
    assert labels(after) >= {"y"}
    assert_same_bits(graph, after)


def test_every_row_of_the_table_has_a_case():
    fired = set()
    rows = {row for rows in identities.IDENTITIES.values() for row in rows}
    rows.update(identities._ELEMENTWISE)
    for lines, _ in CASES.values():
        sight = identities.Sight(graph := body(*lines, constants=CONSTANTS))
        for operation in graph.operations:
            seen = identities._seen(operation, sight)
            fired.update(row for row in identities._rows(seen.operator) if row(seen, sight))
            left = identities._simplified(operation, sight)
            if left is not None:
                sight.add(left)
    assert rows == fired


@pytest.mark.parametrize(
    "lines",
    [
        ["y: f64[3,4] = add(x, zero)"],  # −0 + 0 is 0
        ["%1: f64[3,4] = multiply(x, zero)", "y: f64[3,4] = tanh(%1)"],  # ∞ · 0 is NaN
        ["%1: f64[3,4] = tanh(x)", "y: f64[3,4] = subtract(%1, minus)"],  # −0 − (−0) is 0
        ["y: f64[3,4] = multiply(lam, x)"],  # the user's number keeps its place
        ["%1: f64[3,4] = multiply(x, one)", "y: f64[] = sum(%1; axis=(0, 1), keepdims=False)"],
        ["%1: f64[3,4] = stop_gradient(x)", "y: f64[3,4] = tanh(%1)"],
        ["%1: f64[4,3] = transpose(x; axes=(1, 0))", "%2: f64[12] = reshape(%1; shape=(12,))",
         "y: f64[4,3] = reshape(%2; shape=(4, 3))"],  # the copy in between sets the layout
    ],
)  # fmt: skip
def test_what_is_not_an_identity_stays(lines):
    constants = (*CONSTANTS, "constant lam: f64[] 'lam' = 1.0")
    graph = body(*lines, constants=constants)
    after = simplify(graph)
    assert len(after.operations) == len(graph.operations)
    assert_same_bits(graph, after)


def test_a_wrong_identity_is_caught(monkeypatch):
    wrong = dict(identities.IDENTITIES)
    wrong["add"] = (lambda operation, sight: operation.inputs[0],)
    monkeypatch.setattr(identities, "IDENTITIES", wrong)
    graph = body("%1: f64[3,4] = tanh(x)", "y: f64[3,4] = add(%1, zero)", constants=CONSTANTS)
    with pytest.raises(AssertionError):
        assert_same_bits(graph, simplify(graph))


# Sharing


def test_what_is_computed_twice_is_computed_once():
    graph = body(
        "%1: f64[3,4] = tanh(x)",
        "%2: f64[3,4] = tanh(x)",
        "%3: f64[3,4] = sqrt(%1)",
        "%4: f64[3,4] = sqrt(%2)",
        "y: f64[3,4] = add(%3, %4)",
    )
    after = check(share(graph))
    assert [operation.operator for operation in after.operations] == ["tanh", "sqrt", "add"]
    assert_same_bits(graph, after)


def test_sharing_keeps_the_only_name_and_never_drops_one_of_two():
    graph = body(
        "%1: f64[3,4] = tanh(x)",
        "h: f64[3,4] = tanh(x)",
        "q: f64[3,4] = tanh(x)",
        "%2: f64[3,4] = multiply(%1, h)",
        "y: f64[3,4] = multiply(%2, q)",
    )
    after = check(share(graph))
    assert [op.operator for op in after.operations] == ["tanh", "tanh", "multiply", "multiply"]
    assert labels(after) == {"x", "h", "q", "y"}
    assert_same_bits(graph, after)


@pytest.mark.parametrize(
    ("one", "other"),
    [("shape=(3, 4)", "shape=(4, 3)"), ("shape=(3, 4)", "shape=(3, True)"), ("a=0.0", "a=-0.0")],
)
def test_different_attributes_are_different(one, other):
    graph = body(f"%1: f64[3,4] = op(x; {one})", f"y: f64[3,4] = op(x; {other})")
    assert share(graph) is graph


def test_two_gradients_that_are_equal_stay_two():
    graph = body(
        "a: f64[3,4] = add(x, x)",
        "b: f64[3,4] = add(a, x)",
        "d(a): f64[3,4] = negative(x)  for b",
        "d(b): f64[3,4] = negative(x)  for b",
        outputs="(d(a), d(b))",
    )
    assert share(graph) is graph
    assert labels(simplify(graph)) >= {"d(a)", "d(b)"}


# Folding


def test_a_folded_number_keeps_its_formula():
    graph = body(
        "%3: f64[] = multiply(%2, %1)",
        "%4: f64[] = multiply(%3, lam)",
        "y: f64[3,4] = multiply(x, %4)",
        constants=(
            "constant %1: f64[] = 2.0",
            "constant %2: f64[] 'lam / 2' = 0.025",
            "constant lam: f64[] 'lam' = 0.05",
        ),
    )
    after = check(prune(fold(graph)))
    assert [operation.operator for operation in after.operations] == ["multiply"]
    (number,) = after.constants
    assert (number.formula, number.role) == ("((lam / 2) * 2.0) * lam", "constant")
    assert_same_bits(graph, after)


def test_what_a_formula_cannot_tell_is_not_folded():
    graph = body(
        "%1: f64[] = tanh(lam)", "y: f64[3,4] = multiply(x, %1)",
        constants=("constant lam: f64[] 'lam' = 0.05",),
    )  # fmt: skip
    assert fold(graph) is graph


def test_a_folded_variable_stays_what_a_gradient_is_of():
    graph = body(
        "c: f64[] = exp(%1)",
        "y: f64[3,4] = multiply(x, c)",
        "d(c): f64[] = sum(x; axis=(0, 1), keepdims=False)  for y",
        outputs="(y, d(c))",
        constants=("constant %1: f64[] = 2.0",),
    )
    after = simplify(graph)
    assert after.outputs[1].of in after.constants
    assert labels(after) == {"x", "c", "y", "d(c)"}
    assert_same_bits(graph, after)


def test_an_index_that_is_out_of_range_is_left_for_the_run_to_name():
    graph = body(
        "%3: f64[1] = index(%1, %2; template=('#0',))",
        "y: f64[3,4] = multiply(x, %3)",
        constants=("constant %1: f64[2] = [1.0, 2.0]", "constant %2: i64[1] = [7]"),
    )
    assert fold(graph) is graph


# Whole graphs


def network(parameters, x, y, lam=0.05):
    h = x
    for layer in parameters:
        z = h @ layer["W"] + layer["b"]
        h = np.tanh(z)
    L = np.mean(np.sum((h - y) ** 2, axis=1))
    s = lam / 2 * sum(np.sum(layer["W"] ** 2) for layer in parameters)
    J = L + s
    return J


def sample_joint():
    rng = np.random.default_rng(1)
    parameters = [
        {"W": rng.standard_normal((4, 5)), "b": rng.standard_normal(5)},
        {"W": rng.standard_normal((5, 2)), "b": rng.standard_normal(2)},
    ]
    x, y = rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    graph = joint(network, parameters, x, y)
    leaves = [a for layer in parameters for a in layer.values()]
    return graph, [*leaves, x, y]


def test_a_joint_graph_gets_smaller_and_keeps_bits_and_names():
    graph, leaves = sample_joint()
    after = simplify(graph)
    assert len(after.operations) < len(graph.operations)
    assert_same_bits(graph, after, leaves)
    needed = {v.label for v in prune(graph).variables if v not in graph.constants}
    # These two are the number 1, and nothing that depends on the data needs them any more.
    assert labels(after) >= needed - {None, "d(L)", "d(s)"}
    assert [v.label for v in after.outputs] == [v.label for v in graph.outputs]
    assert to_text(parse(to_text(after))) == to_text(after)
    assert {op.origin for op in after.operations} - {None}


def test_rewriting_twice_changes_nothing():
    graph, _ = sample_joint()
    after = simplify(graph)
    assert to_text(simplify(after)) == to_text(after)


_UNARY = ("negative", "absolute", "tanh", "identity", "relu", "square")
_BINARY = ("add", "subtract", "multiply", "divide", "maximum")


@st.composite
def graphs(draw):
    """Draw graphs full of what the identities look for."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    f64 = np.dtype("float64")
    known = [Variable((3, 4), f64, "input", "x"), Variable((4,), f64, "input", "b")]
    constants = {}
    for value in (0.0, -0.0, 1.0, np.ones((3, 4)), np.full(4, -0.0), 2.0):
        array = np.asarray(value)
        constants[Variable(array.shape, f64, "constant")] = array
    inputs = tuple(known)
    known += list(constants)
    operations = []

    def use(operator, *operands, **attributes):
        found = OPERATORS[operator].result(
            *(Type(v.shape, v.dtype) for v in operands), **attributes
        )
        named = draw(st.integers(0, 3)) == 0
        result = Variable(*found, name=f"v{len(operations)}" if named else None)
        operations.append(Operation(operator, operands, (result,), attributes))
        known.append(result)

    for _ in range(draw(st.integers(1, 14))):
        x = known[int(rng.integers(len(known)))]
        kind = draw(st.sampled_from(["unary", "binary", "transpose", "reshape", "spread", "sum"]))
        if kind == "unary":
            use(draw(st.sampled_from(_UNARY)), x)
        elif kind == "binary":
            fits = [v for v in known if _fit(v.shape, x.shape)]
            use(draw(st.sampled_from(_BINARY)), x, draw(st.sampled_from(fits)))
        elif kind == "transpose":
            use("transpose", x, axes=tuple(int(a) for a in rng.permutation(x.rank)))
        elif kind == "reshape":
            shape = draw(st.sampled_from([x.shape, (x.size,), (1, *x.shape), x.shape[::-1]]))
            use("reshape", x, shape=shape)
        elif kind == "spread" and x.size < 50:
            use("broadcast_to", x, shape=(*draw(st.sampled_from([(), (2,)])), *x.shape))
        elif kind == "sum":
            axes = tuple(a for a in range(x.rank) if rng.random() < 0.5)
            use("sum", x, axis=axes, keepdims=draw(st.booleans()))
    outputs = tuple(dict.fromkeys([known[-1], *(v for v in known if v.name)]))
    return Graph("f", inputs, tuple(operations), outputs, constants)


def _fit(left, right):
    try:
        return len(np.broadcast_shapes(left, right)) < 6
    except ValueError:
        return False


@settings(max_examples=120)
@given(graphs())
def test_any_graph_keeps_its_bits(graph):
    after = simplify(graph)
    assert_same_bits(graph, after)
    assert labels(after) == labels(prune(graph)) | {v.label for v in graph.inputs}


def test_ten_thousand_operations_in_a_second():
    f64 = np.dtype("float64")
    x = Variable((3, 4), f64, "input", "x")
    one = Variable((), f64, "constant")
    operations, last = [], x
    for number in range(10_000):
        operator = ("tanh", "multiply", "negative", "negative", "exp")[number % 5]
        inputs = (last, one) if operator == "multiply" else (last,)
        operations.append(Operation(operator, inputs, (Variable((3, 4), f64),)))
        last = operations[-1].output
    graph = Graph("f", (x,), tuple(operations), (last,), {one: np.array(1.0)})
    started = time.perf_counter()
    after = simplify(graph)
    assert time.perf_counter() - started < 3  # a second on an idle machine
    assert len(after.operations) == 4_000
