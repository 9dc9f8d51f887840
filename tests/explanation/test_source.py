"""The NumPy text of a graph: it runs alone, gives the interpreter's bits, and reads well."""

import ast
import dataclasses
import subprocess
import sys
import warnings
from collections import namedtuple
from itertools import pairwise, permutations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from operators.checks import typed
from wengert import functions as F
from wengert.base.errors import GraphError, WengertError
from wengert.base.tree import LEAF, Structure, flatten
from wengert.explanation.source import to_source
from wengert.explanation.source.helpers import HELPERS
from wengert.explanation.source.rows import ROWS
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import parse
from wengert.graph.variable import Variable
from wengert.operators.bodies import BODIES
from wengert.operators.record import Type
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify
from wengert.tracing.trace import trace
from wengert.transforms import joint


def execute(source):
    """Return the function that a text defines, in a world without Wengert."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [getattr(node, "module", None) or "", *(a.name for a in node.names)]
            assert not any("wengert" in name for name in names)
    assert all(len(line) <= 100 for line in source.split("\n")), source
    scope = {}
    exec(compile(source, "<source>", "exec"), scope)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    return scope[functions[-1].name]


def assert_same(graph, *arguments):
    """Compare the text with the interpreter, bit for bit."""
    source = to_source(graph)
    arrays = [leaf for leaf in flatten(arguments)[0] if isinstance(leaf, np.ndarray)]
    with np.errstate(all="ignore"):
        wanted = run(graph, arrays)
        found = flatten(execute(source)(*arguments))[0]
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        one = np.asarray(one)
        assert (one.dtype, one.shape) == (other.dtype, other.shape), source
        assert one.tobytes() == other.tobytes(), source
    return source


# -- every operator -------------------------------------------------------------------------------


def use(operator, operands, attributes, before=()):
    """Return the graph of one operation, its operands seen through other operations."""
    inputs = tuple(Variable(x.shape, x.dtype, "input", f"x{k}") for k, x in enumerate(operands))
    operations, given = [], []
    for variable in inputs:
        for name, options in before:
            (variable,) = apply(operations, name, (variable,), **options(variable))
        given.append(variable)
    results = apply(operations, operator, tuple(given), **attributes)
    return Graph("f", inputs, tuple(operations), results)


def apply(operations, operator, operands, **attributes):
    types = [Type(v.shape, v.dtype) for v in operands]
    results = tuple(Variable(*each) for each in OPERATORS[operator].types(*types, **attributes))
    operations.append(Operation(operator, operands, results, attributes))
    return results


def flipped(variable):
    return {"axes": tuple(reversed(range(variable.rank)))}


def sliced(variable):
    return {"template": (slice(None, None, 2),) if variable.rank else ()}


def repeated(variable):
    return {"shape": (1, *variable.shape) if variable.rank else ()}


@pytest.mark.parametrize("name", sorted(OPERATORS))
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_every_operator_gives_the_bits_of_the_interpreter(name, dtype):
    for seed in range(3):
        for operands, attributes in OPERATORS[name].samples.draws(np.random.default_rng(seed)):
            arrays = [np.asarray(x) for x in operands]
            cast = [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]
            if dtype == "float16" and OPERATORS[name].kind == "matrix":
                continue  # LAPACK has no half precision.
            assert_same(use(name, cast, typed(attributes, dtype)), *cast)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_on_views_of_other_layouts(name):
    for operands, attributes in OPERATORS[name].samples.draws(np.random.default_rng(5)):
        operands = [np.asarray(x) for x in operands]
        stored = [np.ascontiguousarray(x.T) if x.ndim else x for x in operands]
        graph = use(name, stored, attributes, [("transpose", flipped)])
        assert_same(graph, *stored)
        wide = [np.repeat(x, 2, axis=0) if x.ndim else x for x in operands]
        graph = use(name, wide, attributes, [("index", sliced)])
        assert_same(graph, *wide)


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_on_large_arrays_of_other_layouts(name):
    rng = np.random.default_rng(2)
    large = {"x": rng.uniform(0.2, 0.9, (31, 17, 13)).astype("float32")}
    for operands, attributes in OPERATORS[name].samples.draws(rng):
        if [x.shape for x in operands] != [(2, 3, 4)] or operands[0].dtype.kind != "f":
            continue
        x = np.ascontiguousarray(large["x"].transpose(1, 2, 0))
        if "shape" in attributes or "template" in attributes:
            continue
        graph = use(name, [x], attributes, [("transpose", lambda _: {"axes": (2, 0, 1)})])
        assert_same(graph, x)


@pytest.mark.parametrize(
    "name", sorted(n for n, o in OPERATORS.items() if o.kind == "elementwise" and n != "cast")
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (5,), (40, 3)])
def test_elementwise_operators_for_special_values_and_other_dtypes(name, dtype, shape):
    rng = np.random.default_rng(1)
    special = [0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, np.nan, 1e-300, 3.0]
    count = max(len(use_operands(name)), 1)
    operands = []
    for _ in range(count):
        values = rng.choice(special if dtype[0] in "fc" else [0, 1, 2, 3], shape)
        with np.errstate(all="ignore"):
            operands.append(np.asarray(values).astype(dtype))
    if dtype == "complex128":
        operands = [np.asarray(x + 1j * rng.standard_normal(shape)) for x in operands]
    if name == "power_derivative" and dtype == "bool":
        return  # a derivative is of floats
    try:
        graph = use(name, operands, {})
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run(graph, operands)
    except (WengertError, TypeError, ValueError):
        return  # the operator has no meaning for this dtype
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_same(graph, *operands)


def use_operands(name):
    return OPERATORS[name].samples.draws(np.random.default_rng(0))[0][0]


def test_there_is_a_row_for_every_operator_and_none_for_others():
    assert set(ROWS) == set(OPERATORS) - set(BODIES)
    x = Variable((), np.dtype("float64"), "input", "x")
    y = Variable((), np.dtype("float64"), name="y")
    with pytest.raises(GraphError, match="no NumPy text for the operator 'newton'"):
        ROWS["newton"]
    with pytest.raises(GraphError):
        to_source(Graph("f", (x,), (Operation("newton", (x,), (y,)),), (y,)))


def test_a_wrong_helper_is_caught(monkeypatch):
    monkeypatch.setitem(HELPERS, "relu", ("def relu(x):\n    return np.abs(x)", ()))
    x = np.array([-1.0, 2.0])
    with pytest.raises(AssertionError):
        assert_same(use("relu", [x], {}), x)


# -- what a person would write --------------------------------------------------------------------


def phi(z):
    return np.tanh(z)


def network(parameters, x, y, lam=0.05):
    W1, W2 = parameters["W1"], parameters["W2"]
    z = W1 @ x
    h = phi(z)
    o = W2 @ h
    L = np.sum((o - y) ** 2)
    s = lam / 2 * (np.sum(W1**2) + np.sum(W2**2))
    J = L + s
    return J, {"loss": L}


def network_arguments():
    rng = np.random.default_rng(0)
    W = {"W1": rng.standard_normal((3, 4)), "W2": rng.standard_normal((2, 3))}
    return W, rng.standard_normal(4), rng.standard_normal(2)


def test_the_sample_network_reads_as_a_person_would_write_it():
    source = assert_same(joint(network, *network_arguments()), *network_arguments())
    for line in (
        "def network(parameters, x, y):",
        'W1 = parameters["W1"]',
        "lam_over_2 = 0.025  # lam / 2",
        "# forward",
        "z = W1 @ x  # test_source.py:",
        "h = np.tanh(z)",
        "s = lam_over_2 * (np.sum(W1 ** 2) + np.sum(W2 ** 2))",
        "# backward",
        "dh = W2.T @ do",
        "dz = dh * (1 - h * h)",
        'return (J, {"loss": L}), {"W1": dW1, "W2": dW2}',
    ):
        assert line in source, line
    assert source.index("# forward") < source.index("J = L + s") < source.index("# backward")


def test_it_runs_in_a_process_of_its_own_without_wengert(tmp_path):
    source = to_source(joint(network, *network_arguments()))
    file = tmp_path / "net.py"
    file.write_text(
        source + "\nrng = np.random.default_rng(0)\n"
        "W = {'W1': rng.standard_normal((3, 4)), 'W2': rng.standard_normal((2, 3))}\n"
        "(J, aux), g = network(W, rng.standard_normal(4), rng.standard_normal(2))\n"
        "import sys; assert 'wengert' not in sys.modules\nprint(J.hex(), g['W1'].shape)\n",
        encoding="utf-8",
    )
    found = subprocess.run(
        [sys.executable, "-I", str(file)], capture_output=True, text=True, check=True
    )
    weights, x, y = network_arguments()
    J = run(trace(network, weights, x, y), [*weights.values(), x, y])[0]
    assert found.stdout.split()[0] == float(J).hex()


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("y: f64[2,1,3] = index(x; template=(1:, None))", "y = x[1:, None]"),
        ("y: f64[4,3] = transpose(x; axes=(1, 0))", "y = x.T"),
        ("y: f64[12] = reshape(x; shape=(12,))", "y = x.reshape(-1)"),
        ("y: f64[3,4] = multiply(two, x)", "y = 2 * x"),
        ("%9: f64[3,4] = add(x, x)\n  y: f64[3,4] = multiply(%9, x)", "y = (x + x) * x"),
        ("%9: f64[3,4] = subtract(x, x)\n  y: f64[3,4] = subtract(x, %9)", "y = x - (x - x)"),
        ("%9: f64[3,4] = subtract(x, x)\n  y: f64[3,4] = subtract(%9, x)", "y = x - x - x"),
        ("%9: f64[3,4] = negative(x)\n  y: f64[3,4] = power(%9, three)", "y = (-x) ** 3"),
        ("%9: f64[3,4] = power(x, three)\n  y: f64[3,4] = negative(%9)", "y = -x ** 3"),
        ("%9: bool[3,4] = less(x, two)\n  y: bool[3,4] = equal(%9, %9)", "y = t1 == t1"),
        ("y: f64[4] = sum(x; axis=(0,), keepdims=False)", "y = np.sum(x, axis=0)"),
        ("y: f64[1,1] = mean(x; axis=(0, 1), keepdims=True)", "y = np.mean(x, keepdims=True)"),
        ("y: f64[3,4] = power(x, two)", "y = np.power(x, 2)"),
        ("y: f64[3,4] = maximum(x, inf)", "y = np.maximum(x, np.inf)"),
        ("y: f64[3,4] = add(x, minus)", "y = x + -0.0"),
    ],
)
def test_single_lines(lines, wanted):
    graph = parse(
        "graph f(x=x) -> y\n  input x: f64[3,4]\n  constant %1: f64[] = 2.0\n"
        "  constant %2: f64[] = 3.0\n  constant %3: f64[] = inf\n  constant %4: f64[] = -0.0\n  "
        + lines.replace("two", "%1").replace("three", "%2").replace("inf", "%3")
        .replace("minus", "%4")
    )  # fmt: skip
    source = assert_same(graph, np.random.default_rng(0).standard_normal((3, 4)))
    assert f"    {wanted}\n" in source


def test_formulas_of_a_number_that_has_a_line():
    def decay(w, lam=0.05):
        return np.sum(w * lam) + np.sum(w * (lam / 2)) + np.sum(w * (2 * lam))

    w = np.arange(3.0)
    source = assert_same(trace(decay, w), w)
    assert "lam = 0.05\n" in source
    assert "lam / 2" in source and "2 * lam" in source and "0.025" not in source


def test_names_never_clash():
    def odd(np_, t1):
        lambda_ = np_ + 1.0
        sum = np.tanh(lambda_)
        relu = F.relu(sum * t1)
        dx = relu * relu
        odd = dx * np_
        return odd

    arguments = np.arange(3.0), np.arange(3.0)
    source = assert_same(trace(odd, *arguments), *arguments)
    assert "sum_ = np.tanh(lambda_)" in source
    assert "relu = relu_(sum_ * t1)" in source


@pytest.mark.parametrize("name", ["class", "np", "sum", "1st", "t 1", "Ψ", "complex", "softmax"])
def test_any_name_becomes_an_identifier(name):
    f64 = np.dtype("float64")
    x, h = Variable((3,), f64, "input", name), Variable((3,), f64, name=name, version=2)
    y = Variable((3,), f64, name=f"{name}_2")
    operations = (
        Operation("softmax", (x,), (h,), {"axis": 0}),
        Operation("add", (h, x), (y,)),
    )
    structure = Structure("tuple", (0,), (LEAF,))
    graph = Graph(name, (x,), operations, (y,), {}, (name,), structure)
    assert_same(graph, np.arange(3.0))


# -- constants ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (40, 50), (0, 2)])
@pytest.mark.parametrize("fill", [None, 0, 1, 7])
def test_constants_keep_their_bits(dtype, shape, fill):
    rng = np.random.default_rng(0)
    value = rng.standard_normal(shape) * 40 if fill is None else np.full(shape, fill)
    value = np.asarray(value).astype(np.int64 if dtype in ("uint8", "bool") else dtype)
    value = value.astype(dtype)
    x = Variable((), value.dtype, "input", "x")
    c = Variable(shape, value.dtype, "constant", "c" if fill else None)
    y = Variable(shape, value.dtype)
    graph = Graph("f", (x,), (Operation("maximum", (c, x), (y,)),), (y, c), {c: value})
    assert_same(graph, np.zeros((), dtype))


@pytest.mark.parametrize(
    "text", ["nan", "-nan", "inf", "-inf", "-0.0", "zlib:eJxjYIAC5f8AAP8BQQ=="]
)
def test_special_constants_keep_their_bits(text):
    value = {"nan": np.nan, "-nan": -np.nan}.get(text)
    if value is None:
        payload = np.frombuffer(b"\x01\x00\x00\x00\x00\x00\xf8\x7f")[0]
        value = payload if text.startswith("zlib") else float(text)
    f64 = np.dtype("float64")
    c, x = Variable((), f64, "constant"), Variable((), f64, "input", "x")
    y = Variable((), f64)
    graph = Graph("f", (x,), (Operation("where", (x, c, x), (y,)),), (y, c), {c: np.array(value)})
    assert_same(graph, np.array(1.0))


def test_a_number_meets_arrays_of_another_dtype():
    def f(x):
        return x * np.float64(0.1), x * 0.1, np.sqrt(x) + np.arange(3), x > 1

    x = np.arange(3, dtype=np.float32)
    assert_same(trace(f, x), x)


def test_arguments_that_the_trace_fixed_are_guarded():
    def f(x, n, mode):
        return np.sum(x) * n if mode == "sum" else x

    graph = trace(f, np.ones(3), 2.5, "sum")
    function = execute(to_source(graph))
    assert function(np.ones(3), 2.5, "sum") == 7.5
    with pytest.raises(ValueError, match=r"n = 2\.5"):
        function(np.ones(3), 3.5, "sum")


# -- containers -----------------------------------------------------------------------------------

Layer = namedtuple("Layer", ["W", "b"])


@dataclasses.dataclass
class Net:
    first: object
    last: object


def test_containers_are_taken_apart_and_put_together():
    def step(net, batch):
        (x, y), extra = batch
        h = net.first.W * x + net.first.b
        out = h * net.last[0] + y
        return Net(Layer(h, out), [extra["k"], None]), {1: out}

    net = Net(Layer(np.ones(3), np.arange(3.0)), [np.full(3, 2.0)])
    batch = ((np.arange(3.0), np.ones(3)), {"k": np.zeros(2)})
    graph = trace(step, net, batch)
    function = execute(to_source(graph))
    found, extra = function(net, batch)
    assert found.first.W.tolist() == [0.0, 2.0, 4.0]
    assert found.last[1] is None
    assert extra[1].tolist() == [1.0, 5.0, 9.0]


# -- whole graphs ---------------------------------------------------------------------------------


def batched(parameters, x, labels, lam=1e-3):
    h = x
    for layer in parameters[:-1]:
        h = F.relu(h @ layer["W"] + layer["b"])
    o = h @ parameters[-1]["W"] + parameters[-1]["b"]
    return F.softmax_cross_entropy(o, labels) + F.l2(parameters, lam)


def zoo(p, x):
    centred = (x - np.mean(x, axis=0)) / np.sqrt(np.var(x, axis=0) + 1e-5)
    a = F.gelu(centred @ p["W"]) * F.sigmoid(p["s"])
    b = np.concatenate([a[:, ::2], np.exp(-np.abs(a[:, 1::2]))], axis=1)
    c = np.einsum("ij,kj->ik", b, b) ** 1.5
    d = np.where(c > 0.5, np.log1p(c), c / (1 + c))
    picked = d[np.array([0, 2, 2]), 1:]
    return np.sum(np.max(picked.T, axis=0)) + np.prod(p["s"]) + np.std(d) + F.logsumexp(d)


def test_a_deep_batched_network_both_ways():
    rng = np.random.default_rng(3)
    sizes = (5, 7, 6, 3)
    p = [
        {"W": rng.standard_normal((a, b)), "b": rng.standard_normal(b)} for a, b in pairwise(sizes)
    ]
    x, labels = rng.standard_normal((8, 5)), rng.integers(0, 3, 8)
    graph = joint(batched, p, x, labels)
    source = assert_same(graph, p, x, labels)
    assert "dW_2" in source
    assert_same(simplify(graph), p, x, labels)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_zoo_of_operators_to_second_order(dtype):
    rng = np.random.default_rng(4)
    p = {"W": rng.standard_normal((4, 6)), "s": rng.uniform(0.5, 1, 6)}
    p = {key: value.astype(dtype) for key, value in p.items()}
    x = rng.standard_normal((5, 4)).astype(dtype)
    graph = joint(zoo, p, x)
    assert_same(graph, p, x)
    assert_same(simplify(graph), p, x)


def test_large_intermediates_keep_their_bits():
    def f(W, x):
        z = x @ W
        return np.sum((z.T * 2.0 + 1.0) * z.T) + np.sum(np.tanh(W.T - 0.5) * W.T, axis=0).sum()

    rng = np.random.default_rng(6)
    W, x = rng.standard_normal((200, 300)), rng.standard_normal((400, 200))
    assert_same(joint(f, W, x), W, x)


@pytest.mark.parametrize(
    "subscripts",
    "ij,jk->ik ij,jk->ki ij->ji ij,ij->ji bij,jk->bik bij,jk->kbi bij->ji bij->ij bij->b ij,kj->ik "
    "ik,ij->kj ij,ji->ij ji,ij->ij bij,bkj->bik i,j->ji ii->i bij,bij-> ij,j,jk->ik".split(),
)
@pytest.mark.parametrize("views", [False, True])
def test_what_einsum_makes_lies_as_in_the_interpreter(subscripts, views):
    sizes = {"b": 7, "i": 31, "j": 31, "k": 23}
    rng = np.random.default_rng(7)
    letters = subscripts.partition("->")[0].split(",")
    shapes = [tuple(sizes[c] for c in part) for part in letters]
    given = [rng.standard_normal(shape[::-1] if views else shape) for shape in shapes]
    inputs = tuple(Variable(x.shape, x.dtype, "input", f"x{k}") for k, x in enumerate(given))
    operations, operands = [], inputs
    if views:
        operands = [apply(operations, "transpose", (v,), **flipped(v))[0] for v in inputs]
    (y,) = apply(operations, "einsum", tuple(operands), subscripts=subscripts)
    totals = [
        apply(operations, "sum", (y,), axis=axes, keepdims=False)[0]
        for axes in (tuple(range(y.rank)), tuple(range(y.rank))[:1])
    ]
    assert_same(Graph("f", inputs, tuple(operations), (y, *totals)), *given)


@pytest.mark.parametrize("rank", [2, 3, 4])
def test_what_matmul_makes_lies_as_in_the_interpreter(rank):
    rng = np.random.default_rng(8)
    for axes in permutations(range(rank)):
        inputs = tuple(
            Variable((23,) * rank, np.dtype("float32"), "input", name) for name in ("a", "b")
        )
        operations = []
        views = [apply(operations, "transpose", (v,), axes=axes)[0] for v in inputs]
        (y,) = apply(operations, "matmul", tuple(views))
        (total,) = apply(operations, "sum", (y,), axis=tuple(range(rank)), keepdims=False)
        given = [rng.standard_normal((23,) * rank).astype("float32") for _ in inputs]
        assert_same(Graph("f", inputs, tuple(operations), (y, total)), *given)


_UNARY = ("negative", "tanh", "square", "absolute", "relu", "sigmoid", "identity")
_BINARY = ("add", "subtract", "multiply", "divide", "maximum", "less", "power")


@st.composite
def graphs(draw):
    """Draw graphs of few shapes, named and unnamed, with numbers among the operands."""
    f64 = np.dtype("float64")
    inputs = (Variable((3, 3), f64, "input", "x"), Variable((3,), f64, "input", "b"))
    constants = {
        Variable((), f64, "constant"): np.array(-2.0),
        Variable((), f64, "constant", formula="lam / 2"): np.array(0.025),
        Variable((), f64, "constant", "lam", formula="lam"): np.array(0.05),
        Variable((3,), f64, "constant"): np.array([1.0, -0.0, 0.1]),
    }
    known = [*inputs, *constants]
    operations = []
    for number in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["unary", "binary", "binary", "sum", "transpose"]))
        x = draw(st.sampled_from(known))
        operands, attributes = (x,), {}
        operator = draw(st.sampled_from(_UNARY))
        if kind == "binary":
            operator = draw(st.sampled_from(_BINARY))
            operands = (x, draw(st.sampled_from(known)))
        elif kind == "sum" and x.rank:
            operator, attributes = "sum", {"axis": (x.rank - 1,), "keepdims": draw(st.booleans())}
        elif kind == "transpose":
            operator, attributes = "transpose", {"axes": tuple(reversed(range(x.rank)))}
        try:
            found = OPERATORS[operator].result(
                *(Type(v.shape, v.dtype) for v in operands), **attributes
            )
        except WengertError:
            continue
        if found.dtype != f64 and operator != "less":
            continue
        name = draw(st.sampled_from([None, None, f"v{number}", f"sum{number}"]))
        result = Variable(*found, name=name)
        operations.append(Operation(operator, operands, (result,), attributes))
        if found.dtype == f64:
            known.append(result)
    outputs = tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=3)))
    return Graph("f", inputs, tuple(operations), outputs, constants)


@settings(max_examples=150)
@given(graphs(), st.integers(0, 100))
def test_any_graph_gives_the_bits_of_the_interpreter(graph, seed):
    rng = np.random.default_rng(seed)
    x, b = (rng.standard_normal(v.shape) for v in graph.inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_same(graph, x, b)
