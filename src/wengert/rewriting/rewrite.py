"""All rewrites together, until nothing changes."""

from __future__ import annotations

from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.rewriting.fold import fold
from wengert.rewriting.prune import prune
from wengert.rewriting.share import share
from wengert.rewriting.simplify import apply_identities

_PASSES = (apply_identities, fold, share)
_ROUNDS = 50


def simplify(graph: Graph) -> Graph:
    """Return a graph that computes the same bits with fewer operations.

    Names stay: no two variables that the user named become one, and gradients stay the
    gradients of what they are of. The graph is checked after each pass.

    >>> from wengert.graph.text import parse
    >>> graph = parse('''graph f -> y
    ...   input x: f64[3]
    ...   constant %1: f64[] = 1.0
    ...   %2: f64[3] = tanh(x)
    ...   %3: f64[3] = multiply(%2, %1)
    ...   y: f64[3] = exp(%3)''')
    >>> [operation.operator for operation in simplify(graph).operations]
    ['tanh', 'exp']
    """
    graph = check(prune(graph))
    for _ in range(_ROUNDS):
        before = graph
        for rewrite in _PASSES:
            found = rewrite(graph)
            if found is not graph:
                graph = check(prune(found))
        if graph is before:
            break
    return graph
