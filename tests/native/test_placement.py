"""The arena of a program is what its plan said, and in place changes no bit."""

import numpy as np
import pytest

from planning.networks import NETWORKS, data
from wengert.base.errors import GraphError
from wengert.base.tree import flatten
from wengert.native.fusion import fuse
from wengert.native.kernels.loops import Loops
from wengert.native.placement import check_used, overwrites
from wengert.native.program import Program, compile_graph
from wengert.operators.registry import OPERATORS
from wengert.planning import layout
from wengert.rewriting.decompose import decompose
from wengert.rewriting.rewrite import simplify
from wengert.tracing.apply import apply
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import joint


def graph_of(network):
    function, *specs = NETWORKS[network]
    return simplify(joint(function, *specs))


@pytest.mark.parametrize("network", NETWORKS)
def test_in_place_saves_bytes_and_keeps_the_bits(network, monkeypatch):
    graph, leaves = graph_of(network), flatten(data(network))[0]
    ours = compile_graph(graph)
    found = [each.copy() for each in ours(*leaves)]
    assert ours.arena_bytes == ours.placed.layout.nbytes == len(ours._arena)
    monkeypatch.setattr(layout, "_taken_over", lambda graph, deaths: {})
    apart = compile_graph(graph)
    assert apart.arena_bytes == ours.placed.layout.apart_bytes >= ours.arena_bytes
    for one, other in zip(found, apart(*leaves), strict=True):
        assert one.tobytes() == other.tobytes()


def test_a_chain_of_products_and_functions_writes_over_itself():
    def objective(W, X):
        for _ in range(4):
            X = np.tanh(X @ W)
        return np.sum(X)

    graph = simplify(trace(objective, Spec((64, 64)), Spec((128, 64))))
    program = compile_graph(graph)
    # Operand and result of a product, and nothing beside them but the sum.
    assert program.placed.layout.load == 2 * 128 * 64 * 8
    assert program.placed.layout.over


def graph_of_operator(name, dtypes, attributes):
    return trace(lambda *xs: apply(name, *xs, **attributes), *(Spec((5, 3), d) for d in dtypes))


def test_where_a_record_allows_in_place_its_kernel_does():
    """The operator's record and the loop nest are two statements of the same thing."""
    seen = 0
    for name, record in OPERATORS.items():
        if record.scalar is None or not record.inplace:
            continue
        case = record.samples.draws(np.random.default_rng(0))[0]
        graph = simplify(graph_of_operator(name, [np.asarray(x).dtype for x in case[0]], case[1]))
        (kernel,) = fuse(decompose(graph)).kernels
        if not isinstance(kernel.body, Loops):
            # Complex numbers have no loops of ours.
            continue
        for number in record.inplace:
            operand = graph.inputs[number]
            if operand.dtype.itemsize == graph.outputs[0].dtype.itemsize:
                assert overwrites(kernel, operand, kernel.writes[-1]), name
                seen += 1
    assert seen > 20


def test_other_bytes_than_planned_are_seen():
    program = compile_graph(graph_of("deep"))
    operands = [operand for kernel in program.kernels for operand in kernel.operands]
    base = program._arena.ctypes.data
    pointers = list(zip(operands, program._pointers.tolist(), strict=False))
    check_used(program.placed, pointers, base)
    less = [(o, p) for o, p in pointers if p - base < program.arena_bytes // 2]
    with pytest.raises(GraphError, match="other bytes than were planned"):
        check_used(program.placed, less, base)
    assert isinstance(program, Program)
