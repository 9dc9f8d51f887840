"""The text form of a graph: print and parse are exact inverses.

A text is a header and one line for each input, constant and operation::

    graph objective(parameters={'W1': W1}, x=x) -> J
      parameter W1: f64[3,4]
      input x: f64[4]
      constant lam: f64[] 'lam' = 0.05
      z: f64[3] = matmul(W1, x)  @ net.py:12 forward
      h: f64[3] = tanh(z)  in phi#1  @ net.py:7 phi
      %1: f64[] = sum(h; axis=(0,), keepdims=False)  @ net.py:13 forward
      J: f64[] = multiply(%1, lam)  @ net.py:14 forward

``h.2`` is the second version of ``h``, ``d(h)`` the gradient of ``h``, ``%1`` has no name. A text
after the type is a formula; a word before a name is its role, where the name does not say it.
``for h`` marks a backward operation of the rule of ``h``. ``absent`` lines declare variables that
gradients speak of though the graph does not hold them.
"""

from __future__ import annotations

from functools import lru_cache

from wengert.graph.graph import Graph
from wengert.graph.parser import parse
from wengert.graph.printer import to_text

__all__ = ["equal", "held", "parse", "to_text"]


@lru_cache(maxsize=512)
def held(text: str) -> Graph:
    """Return the graph that an attribute holds as text; the same object for the same text.

    >>> text = "graph f(x=x) -> x" + chr(10) + "input x: f64[3]"
    >>> held(text) is held(text)
    True
    """
    return parse(text)


def equal(left: Graph, right: Graph) -> bool:
    """Return whether two graphs are the same in everything, though not the same objects.

    >>> import numpy as np
    >>> from wengert.graph.variable import Variable
    >>> x = Variable((3,), np.dtype("float64"), "input", "x")
    >>> graph = Graph("f", (x,), (), (x,))
    >>> equal(graph, parse(to_text(graph)))
    True
    """
    return left is right or to_text(left) == to_text(right)
