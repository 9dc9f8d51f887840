"""The sample network's joint graph, written operation by operation."""

import numpy as np

from wengert.base.errors import Location
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

F4 = np.dtype("float32")
BATCH, INPUTS, HIDDEN, CLASSES = 8, 5, 4, 3


def variable(shape, name=None, role="intermediate", of=None) -> Variable:
    return Variable(shape, F4, role, name=name, of=of)


class Tape:
    """Appends operations; enough to write a graph in a test."""

    def __init__(self) -> None:
        self.operations = []

    def __call__(self, operator, *inputs, out, line=0, origin=None, **attributes):
        where = Location("net.py", line) if line else None
        self.operations.append(Operation(operator, inputs, (out,), attributes, where, None, origin))
        return out


def two_layers(batch: int = BATCH) -> Graph:
    """Return h = tanh(X W1ᵀ), o = h W2ᵀ, J = ½ Σ o² with both gradients."""
    tape = Tape()
    W1 = variable((HIDDEN, INPUTS), "W1", "parameter")
    W2 = variable((CLASSES, HIDDEN), "W2", "parameter")
    X = variable((batch, INPUTS), "X", "input")
    W1t = tape("transpose", W1, out=variable((INPUTS, HIDDEN)), line=1, axes=(1, 0))
    z = tape("matmul", X, W1t, out=variable((batch, HIDDEN), "z"), line=1)
    h = tape("tanh", z, out=variable((batch, HIDDEN), "h"), line=2)
    W2t = tape("transpose", W2, out=variable((HIDDEN, CLASSES)), line=3, axes=(1, 0))
    o = tape("matmul", h, W2t, out=variable((batch, CLASSES), "o"), line=3)
    sq = tape("square", o, out=variable((batch, CLASSES)), line=4)
    J = tape("sum", sq, out=variable((), "J"), line=4, axis=(0, 1), keepdims=False)

    def gradient(shape, of=None):
        return variable(shape, role="gradient", of=of)

    one = Variable((), F4, "constant", of=J)
    g = tape("broadcast_to", one, out=gradient((batch, CLASSES), sq), origin=J, line=4,
             shape=(batch, CLASSES))  # fmt: skip
    p = tape("multiply", g, o, out=gradient((batch, CLASSES)), origin=sq, line=4)
    do = tape("add", p, p, out=gradient((batch, CLASSES), o), origin=sq, line=4)
    dot = tape("transpose", do, out=gradient((CLASSES, batch)), origin=o, line=3, axes=(1, 0))
    dW2 = tape("matmul", dot, h, out=gradient((CLASSES, HIDDEN), W2), origin=o, line=3)
    dh = tape("matmul", do, W2, out=gradient((batch, HIDDEN), h), origin=o, line=3)
    hh = tape("square", h, out=gradient((batch, HIDDEN)), origin=h, line=2)
    d = tape("multiply", dh, hh, out=gradient((batch, HIDDEN)), origin=h, line=2)
    dz = tape("subtract", dh, d, out=gradient((batch, HIDDEN), z), origin=h, line=2)
    dzt = tape("transpose", dz, out=gradient((HIDDEN, batch)), origin=z, line=1, axes=(1, 0))
    dW1 = tape("matmul", dzt, X, out=gradient((HIDDEN, INPUTS), W1), origin=z, line=1)
    graph = Graph(
        "objective", (W1, W2, X), tuple(tape.operations), (J, dW1, dW2),
        {one: np.ones((), F4)}, ("W", "X"),
    )  # fmt: skip
    return check(graph)
