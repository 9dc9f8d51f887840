"""The text form: exact round trip, and nothing but designed errors for what is no graph."""

import dataclasses
from typing import NamedTuple

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from wengert.base.dtypes import SHORT
from wengert.base.errors import GraphError, Location
from wengert.base.tree import LEAF, Structure, flatten
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.literals import read_array, read_literal, write_array, write_literal
from wengert.graph.operation import Call, Operation
from wengert.graph.scanner import Scanner
from wengert.graph.text import equal, parse, to_text
from wengert.graph.variable import Variable

F64 = np.dtype("float64")


class Layer(NamedTuple):
    W: object
    b: object


@dataclasses.dataclass
class Net:
    first: object
    second: object


def variable(name=None, shape=(3,), role="intermediate", **more):
    return Variable(shape, more.pop("dtype", F64), role, name, **more)


def same(left, right, seen):
    """Return whether two variables are alike in everything, gradients of alike variables."""
    if left is None or right is None:
        return left is right
    if left in seen:
        return seen[left] is right
    seen[left] = right
    fields = ("shape", "dtype", "role", "name", "version", "formula")
    return all(getattr(left, f) == getattr(right, f) for f in fields) and same(
        left.of, right.of, seen
    )


def alike(value):
    """Return plain data in a form whose equality tells 1 from True and 0.0 from -0.0."""
    if isinstance(value, tuple):
        return ("tuple", *map(alike, value))
    if isinstance(value, slice):
        return ("slice", alike(value.start), alike(value.stop), alike(value.step))
    return (type(value), repr(value))


def assert_identical(left, right):
    seen = {}
    for field in ("name", "arguments", "input_structure", "output_structure"):
        assert getattr(left, field) == getattr(right, field)
    for one, other in (
        (left.inputs, right.inputs),
        (left.outputs, right.outputs),
        (tuple(left.constants), tuple(right.constants)),
    ):
        assert len(one) == len(other)
        assert all(same(a, b, seen) for a, b in zip(one, other, strict=True))
    for a, b in left.constants.items():
        value = right.constants[seen[a]]
        assert (value.dtype, value.shape) == (b.dtype, b.shape)
        assert value.tobytes() == b.tobytes()
    assert len(left.operations) == len(right.operations)
    for a, b in zip(left.operations, right.operations, strict=True):
        assert (a.operator, a.location, a.call) == (b.operator, b.location, b.call)
        assert alike(tuple(a.attributes.items())) == alike(tuple(b.attributes.items()))
        assert len(a.inputs) == len(b.inputs) and len(a.outputs) == len(b.outputs)
        pairs = zip((*a.inputs, *a.outputs), (*b.inputs, *b.outputs), strict=True)
        assert all(same(x, y, seen) for x, y in pairs)
        assert same(a.origin, b.origin, seen)


def sample():
    W1 = variable("W1", (3, 4), "parameter")
    W2 = variable("W2", (2, 3), "parameter")
    x = variable("x", (4,), "input")
    lam = variable("lam", (), "constant", formula="lam")
    half = variable(None, (), "constant", formula="lam / 2")
    z, h, again = variable("z"), variable("h"), variable("h", version=2)
    o, J = variable("o", (2,)), variable("J", ())
    t, picked = variable(None, (3,)), variable(None, (3,))
    seed = variable(None, (), "constant", of=J)
    dh = variable(None, (3,), "gradient", of=h, version=2)
    dt = variable(None, (3,), "gradient", of=t)
    partial = variable(None, (3,), "gradient")
    phi = Call("phi", 1)
    where = Location("my net.py", 12, "forward")
    operations = (
        Operation("matmul", (W1, x), (z,), location=where),
        Operation("tanh", (z,), (h,), location=Location("net.py", 7, "phi"), call=phi),
        Operation("multiply", (h, half), (t,), call=Call("<lambda>", 2, phi)),
        Operation("index", (t,), (picked,), {"template": (slice(None), None, slice(1, None, -2))}),
        Operation("add", (t, lam), (again,)),
        Operation("matmul", (W2, again), (o,)),
        Operation("sum", (o,), (J,), {"axis": (0,), "keepdims": False}),
        Operation("broadcast_to", (seed,), (dt,), {"shape": (3,)}, origin=J),
        Operation("multiply", (dt, half), (partial,), origin=t),
        Operation("add", (partial, dt), (dh,), origin=h),
    )
    _, structure = flatten(({"W1": 0, "W2": [0]}, 0))
    return Graph(
        "objective", (W1, W2, x), operations, (J, dh),
        {lam: np.array(0.05), half: np.array(0.025), seed: np.array(1.0)},
        ("parameters", "x"), structure, flatten((0, {"h": 0}))[1],
    )  # fmt: skip


GOLDEN = """\
graph objective(parameters={'W1': W1, 'W2': [W2]}, x=x) -> (J, {'h': d(h).2})
  parameter W1: f64[3,4]
  parameter W2: f64[2,3]
  input x: f64[4]
  constant lam: f64[] 'lam' = 0.05
  constant %1: f64[] 'lam / 2' = 0.025
  constant d(J): f64[] = 1.0
  z: f64[3] = matmul(W1, x)  @ 'my net.py':12 forward
  h: f64[3] = tanh(z)  in phi#1  @ net.py:7 phi
  %2: f64[3] = multiply(h, %1)  in phi#1/<lambda>#2
  %3: f64[3] = index(%2; template=(:, None, 1::-2))
  h.2: f64[3] = add(%2, lam)
  o: f64[2] = matmul(W2, h.2)
  J: f64[] = sum(o; axis=(0,), keepdims=False)
  d(%2): f64[3] = broadcast_to(d(J); shape=(3,))  for J
  gradient %4: f64[3] = multiply(d(%2), %1)  for %2
  d(h).2: f64[3] = add(%4, d(%2))  for h"""


def test_the_text_reads_as_intended():
    assert to_text(sample()) == GOLDEN


def test_the_sample_comes_back_identical():
    graph = sample()
    parsed = parse(to_text(graph))
    assert_identical(graph, parsed)
    assert to_text(parsed) == GOLDEN
    assert equal(graph, parsed)


def test_a_different_attribute_or_constant_is_not_equal():
    assert not equal(sample(), parse(GOLDEN.replace("axis=(0,)", "axis=(1,)")))
    assert not equal(sample(), parse(GOLDEN.replace("= 0.05", "= 0.0500001")))
    assert not equal(sample(), parse(GOLDEN.replace("net.py:7", "net.py:8")))


def test_comments_blank_lines_and_carriage_returns_are_no_part_of_a_graph():
    noisy = "# a graph\n\n" + GOLDEN.replace("\n", "\r\n  # note\r\n")
    assert to_text(parse(noisy)) == GOLDEN


def test_containers_keep_their_types():
    leaves = [variable(name, (), "input") for name in "abcde"]
    tree = (Net(Layer(0, 0), [0, None]), {("k", 1): 0, True: (0,)})
    structure = flatten(tree)[1]
    graph = Graph("f", tuple(leaves), (), (leaves[0],), {}, ("net", "more"), structure)
    parsed = parse(to_text(graph))
    assert parsed.input_structure == structure
    assert parsed.input_structure.children[0].type is Net


def test_fixed_arguments_are_kept():
    x = variable("x", (), "input")
    fixed = [Structure("static", (value,)) for value in (2.5, -0.0, "a", None, (1, True), ...)]
    structure = Structure("tuple", tuple(range(7)), (LEAF, *fixed))
    graph = Graph("f", (x,), (), (x,), {}, tuple("abcdefg"), structure)
    text = to_text(graph)
    assert "static -0.0" in text
    assert parse(text).input_structure == structure


def test_a_fixed_function_is_kept_by_name():
    x = variable("x", (), "input")
    structure = Structure("tuple", (0, 1), (LEAF, Structure("static", (np.tanh,))))
    text = to_text(Graph("f", (x,), (), (x,), {}, ("x", "phi"), structure))
    assert "phi=static object" in text
    assert to_text(parse(text)) == text


def test_a_class_that_is_not_loaded_gets_a_stand_in_that_prints_alike():
    text = "graph f(net=namedtuple far.away:Layer(W=a, b=[])) -> a\n  input a: f64[]"
    assert to_text(parse(text)) == text
    text = text.replace("namedtuple", "dataclass")
    assert to_text(parse(text)) == text


def test_variables_that_only_gradients_speak_of_are_declared():
    gone = variable("h", formula="odd")
    gradient = variable(None, role="gradient", of=gone)
    x = variable("x", role="input")
    graph = Graph("f", (x,), (Operation("tanh", (x,), (gradient,), origin=gone),), (gradient,))
    assert "absent h: f64[3] 'odd'" in to_text(graph)
    assert_identical(graph, parse(to_text(graph)))


# Strategies: graphs with everything that a graph may hold, sensible or not.

_names = st.one_of(
    st.sampled_from(["W", "h", "d", "constant", "gradient", "absent", "None", "Ψ", "h.2", "d(h)"]),
    st.text(max_size=6),
)
_floats = st.floats(allow_nan=True)
_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | _floats | st.complex_numbers() | st.text(max_size=8)
    | st.just(...),
    lambda inner: st.tuples(inner) | st.lists(inner, max_size=3).map(tuple)
    | st.builds(slice, inner, inner, inner),
    max_leaves=6,
)  # fmt: skip
_shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
_dtypes = st.sampled_from(sorted(SHORT)).map(np.dtype)
_locations = st.builds(Location, st.text(max_size=8), st.integers(0, 999), st.text(max_size=5))
_calls = st.recursive(
    st.builds(Call, st.text(max_size=5), st.integers(0, 9), st.none()),
    lambda inner: st.builds(Call, st.sampled_from(["phi", "<lambda>"]), st.integers(0, 9), inner),
    max_leaves=3,
)
_roles = st.sampled_from(["input", "parameter", "constant", "intermediate", "gradient"])


def arrays(draw, shape, dtype):
    size = int(np.prod(shape, dtype=int)) * dtype.itemsize
    if dtype.kind == "b":
        data = draw(st.lists(st.booleans(), min_size=size, max_size=size))
        return np.array(data, bool).reshape(shape)
    if draw(st.booleans()):
        seed = draw(st.integers(0, 2**32))
        return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    data = draw(st.binary(min_size=size, max_size=size))
    return np.frombuffer(data, dtype).reshape(shape)


@st.composite
def graphs(draw):
    known, labels = [], set()
    spoken = [variable("gone"), variable(None), variable("far", role="gradient", version=7)]

    def new(role):
        of = draw(st.none() | st.sampled_from(known + spoken))
        name = draw(st.none() | _names)
        result = Variable(
            draw(_shapes), draw(_dtypes), draw(_roles) if draw(st.booleans()) else role, name,
            draw(st.integers(-1, 3)), draw(st.none() | st.text(max_size=6)), of,
        )  # fmt: skip
        if result.label is not None and result.label in labels:
            result = dataclasses.replace(result, name=None, of=None)
        labels.add(result.label)
        known.append(result)
        return result

    inputs = [new("input") for _ in range(draw(st.integers(0, 3)))]
    constants = {}
    for _ in range(draw(st.integers(0, 3))):
        made = new("constant")
        constants[made] = arrays(draw, made.shape, made.dtype)
    operations = []
    for _ in range(draw(st.integers(0, 5))):
        operands = tuple(draw(st.lists(st.sampled_from(known), max_size=3))) if known else ()
        results = tuple(new("intermediate") for _ in range(draw(st.integers(1, 2))))
        operator = draw(st.sampled_from(["add", "tanh", "complex", "a b"]))
        attributes = draw(st.dictionaries(_names, _plain, max_size=2))
        notes = draw(st.tuples(st.none() | _locations, st.none() | _calls))
        origin = draw(st.none() | st.sampled_from(known + spoken))
        operations.append(Operation(operator, operands, results, attributes, *notes, origin))
    outputs = tuple(draw(st.lists(st.sampled_from(known), max_size=3))) if known else ()
    as_tuple = draw(st.booleans())
    structure = flatten(tuple(0 for _ in inputs))[1] if as_tuple else LEAF
    arguments = tuple(f"a{i}" for i in range(len(inputs))) if draw(st.booleans()) else ()
    out = flatten([{f"k{i}": 0} for i in range(len(outputs))])[1] if draw(st.booleans()) else LEAF
    return Graph(
        draw(_names), tuple(inputs), tuple(operations), outputs, constants,
        arguments, structure, out,
    )  # fmt: skip


@settings(max_examples=150)
@given(graphs())
def test_any_graph_comes_back_identical(graph):
    check(graph)
    text = to_text(graph)
    parsed = parse(text)
    assert_identical(graph, parsed)
    assert to_text(parsed) == text


@settings(max_examples=200)
@given(_plain)
def test_plain_data_comes_back_identical(value):
    scanner = Scanner(write_literal((value,)), 1)
    assert alike(read_literal(scanner)) == alike((value,))
    assert scanner.end()


@given(st.data(), _shapes, _dtypes)
def test_arrays_come_back_bit_for_bit(data, shape, dtype):
    value = arrays(data.draw, shape, dtype)
    back = read_array(Scanner(write_array(value), 1), shape, dtype)
    assert back.dtype == dtype and back.shape == shape
    assert back.tobytes() == value.tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("value", [-0.0, np.inf, -np.inf, np.nan, -np.nan, 0.1, 1e-40, 6e4])
def test_special_numbers_stay_readable(value, dtype):
    array = np.full((), value, dtype)
    text = write_array(array)
    assert not text.startswith("zlib:")
    assert read_array(Scanner(text, 1), (), np.dtype(dtype)).tobytes() == array.tobytes()


def test_a_large_array_is_packed_whatever_its_layout():
    value = np.random.default_rng(0).standard_normal((60, 50)).T[::2]
    text = write_array(value)
    assert text.startswith("zlib:")
    assert read_array(Scanner(text, 1), value.shape, value.dtype).tobytes() == value.tobytes()


# What is no graph.


def mutate(text, data):
    lines = text.split("\n")
    kind = data.draw(st.sampled_from(["delete", "double", "replace", "swap", "drop", "cut"]))
    if kind in ("swap", "drop") and len(lines) > 1:
        i = data.draw(st.integers(0, len(lines) - 1))
        j = data.draw(st.integers(0, len(lines) - 1))
        if kind == "drop":
            del lines[i]
        else:
            lines[i], lines[j] = lines[j], lines[i]
        return "\n".join(lines)
    at = data.draw(st.integers(0, len(text) - 1))
    width = data.draw(st.integers(1, 3))
    if kind == "cut":
        return text[:at]
    if kind == "double":
        return text[: at + width] + text[at:]
    other = (
        "" if kind == "delete" else data.draw(st.text("()[]{}:;=,.%#@'\"\\0d19 \nN-", max_size=3))
    )
    return text[:at] + other + text[at + width :]


def assert_graph_or_designed_error(text):
    try:
        parsed = parse(text)
    except GraphError as error:
        assert str(error)
    else:
        assert to_text(parse(to_text(check(parsed)))) == to_text(parsed)


@settings(max_examples=400)
@given(st.data())
def test_a_broken_sample_is_a_graph_or_a_designed_error(data):
    text = GOLDEN
    for _ in range(data.draw(st.integers(1, 3))):
        text = mutate(text, data) or " "
    assert_graph_or_designed_error(text)


@settings(max_examples=150)
@given(graphs(), st.data())
def test_any_broken_graph_is_a_graph_or_a_designed_error(graph, data):
    assert_graph_or_designed_error(mutate(to_text(graph), data))


@given(st.text("graph f(x)->:=%d[]'\"\n{}1,", max_size=60))
def test_noise_is_a_designed_error(text):
    assert_graph_or_designed_error(text)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (("matmul(W1, x)", "matmul(W1, x"), 8, "')'"),
        (("z: f64[3]", "z: f65[3]"), 8, "a type such as f64[3,4]"),
        (("tanh(z)", "tanh(q)"), 9, "speaks of q"),
        (("W2: f64[2,3]", "W1: f64[2,3]"), 3, "declares W1 again"),
        (("axis=(0,)", "axis=__import__('os')"), 14, "a number, a text, None, a slice or a tuple"),
        (("= 0.05", "= 5"), None, None),
        (("f64[] 'lam' = 0.05", "i8[] 'lam' = 300"), 5, "values of dtype int8"),
        (("f64[] 'lam' = 0.05", "f16[] 'lam' = 1e9"), 5, "values of dtype float16"),
        (("f64[] 'lam' = 0.05", "f64[] 'lam' = zlib:eJw"), 5, "8 packed bytes"),
        (("= 0.05", "= [0.05]"), 5, "a number"),
        (("  for h", "  fro h"), 17, "the end of the line"),
        (("x=x)", "x=W2)"), 1, "names other inputs"),
        (("'W2': [W2]", "'W1': [W2]"), 1, "each key once"),
        (("{'h': d(h).2}", "{'h': d(q)}"), 1, "speaks of d(q)"),
        (("d(h).2: f64[3] =", "d(q): f64[3] ="), 17, "speaks of q"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_what_was_expected(change, line, says):
    assert change[0] in GOLDEN
    text = GOLDEN.replace(*change, 1)
    if says is None:
        parse(text)
        return
    with pytest.raises(GraphError) as caught:
        parse(text)
    message = str(caught.value)
    assert says in message
    assert line is None or f"line {line} " in message


@pytest.mark.parametrize("text", ["", "\n \n", "graph", "graph f", "graph f ->", "graph f() -> ()"])
def test_the_smallest_texts(text):
    assert_graph_or_designed_error(text)


@pytest.mark.parametrize(
    "text",
    [
        "graph f -> " + "d(" * 5000 + "x" + ")" * 5000,
        "graph f -> " + "[" * 5000 + "]" * 5000,
        "graph f -> x\n  input x: f64[]\n  y: f64[] = op(x; a=" + "(" * 5000,
        "graph f -> x\n  constant x: f64[99999999999999] = 1.0",
        "graph f -> x\n  constant x: f64[9999999999999] = [1.0]",
        "graph f -> x\n  constant x: i64[] = " + "9" * 6000,
        "graph f -> x\n  constant x: f64[] = " + "9" * 400,
        "graph f -> %1\n  input %1: f64[] {of=%2}\n  absent %2: f64[] {of=%1}",
    ],
)
def test_texts_made_to_exhaust_the_reader(text):
    with pytest.raises(GraphError):
        parse(text)


def test_an_attribute_that_is_not_plain_data_cannot_be_written():
    x = variable("x", role="input")
    operation = Operation("op", (x,), (variable("y"),), {"axis": [1]})
    with pytest.raises(GraphError, match="no text form"):
        to_text(Graph("f", (x,), (operation,), operation.outputs))


def test_ten_thousand_operations_take_seconds_at_most():
    x = variable("x", role="input")
    operations, last = [], x
    for _ in range(10_000):
        operations.append(Operation("tanh", (last,), (variable(),)))
        last = operations[-1].output
    text = to_text(Graph("f", (x,), tuple(operations), (last,)))
    assert to_text(parse(text)) == text
