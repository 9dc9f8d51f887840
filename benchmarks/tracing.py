"""What tracing, differentiating and interpreting cost an operation.

Run: ``python benchmarks/tracing.py [--operations 10000]``. Processor time, the least of several
repeats; the interpreter beside the same function called with plain arrays.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert.differentiation.reverse import pullback
from wengert.graph.graph import Graph
from wengert.reference.interpreter import run
from wengert.tracing.trace import trace


def chain(operations: int, w: Any, x: Any) -> Any:
    """Carry out a loop of so many operations."""
    h = x
    for _ in range(operations // 4):
        h = np.tanh(h * w)
        h = h + x
        h = h * 0.5
    return np.sum(h)


def least(work: Callable[[], Any], repeats: int = 5) -> float:
    """Return the least processor time of several repeats, in seconds."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def measured(operations: int) -> dict[str, float]:
    """Return seconds of tracing and differentiating, and µs an operation of running."""
    f, w, x = partial(chain, operations), np.full(4, 0.5), np.ones(4)
    graph: Graph = trace(f, w, x)
    count = len(graph.operations)
    return {
        "trace, s": least(lambda: trace(f, w, x)),
        "differentiate, s": least(lambda: pullback(graph, graph.inputs[:1])),
        "NumPy, µs an operation": least(lambda: f(w, x)) / count * 1e6,
        "interpreter, µs an operation": least(lambda: run(graph, [w, x])) / count * 1e6,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=10_000)
    for what, value in measured(parser.parse_args().operations).items():
        print(f"{what:<32}{value:10.3f}")
