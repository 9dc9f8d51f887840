"""The plan against the bytes that the reference interpreter really holds.

Two measures, both by tracemalloc: the arrays alone, exactly, after every operation; and the true
peak of everything, workspace inside operations included, which also holds Python's own objects.
"""

import gc
import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest

from planning.networks import NETWORKS, data
from wengert.base.tree import flatten
from wengert.planning.plan import plan_graph
from wengert.reference import interpreter
from wengert.tracing.trace import trace
from wengert.transforms import joint

# Dictionaries, views and 0-d arrays of the interpreter: a few hundred bytes an operation.
OBJECTS = 40_000
ARRAYS = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)


@contextmanager
def tracing():
    """Trace allocations with NumPy's iterator buffers at their smallest.

    A ufunc over operands that do not lie alike copies 8,192 elements at a time through buffers
    of its own, at most 64 kB an operand whatever the arrays are: no array, and not planned.
    """
    size = np.setbufsize(16)
    gc.collect()
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()
        np.setbufsize(size)


def array_bytes() -> int:
    traces = tracemalloc.take_snapshot().filter_traces([ARRAYS]).traces
    return sum(each.size for each in traces)


def measured_peak(graph, leaves, run=interpreter.run) -> int:
    run(graph, leaves)
    with tracing():
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        outputs = run(graph, leaves)
        _, peak = tracemalloc.get_traced_memory()
    assert len(outputs) >= len(graph.outputs)
    return peak - before


def graphs(network):
    function, *specs = NETWORKS[network]
    return joint(function, *specs), trace(function, *specs)


@pytest.mark.parametrize("network", NETWORKS)
def test_after_every_operation_the_arrays_are_the_plans_to_the_byte(network, monkeypatch):
    found = []
    carry_out = interpreter._carry_out

    def watched(operation, values):
        carry_out(operation, values)
        found.append(array_bytes())

    graph, _ = graphs(network)
    leaves = flatten(data(network))[0]
    monkeypatch.setattr(interpreter, "_carry_out", watched)
    with tracing():
        interpreter.run(graph, leaves)
    plan = plan_graph(graph)
    said = [live - work for live, work in zip(plan.live, plan.workspace, strict=True)]
    assert found == said


@pytest.mark.parametrize("network", NETWORKS)
def test_the_true_peak_is_the_plans(network):
    leaves = flatten(data(network))[0]
    for graph in graphs(network):
        said = plan_graph(graph).peak_bytes
        assert said > 10 * OBJECTS
        assert 0 <= measured_peak(graph, leaves) - said < OBJECTS


def test_freeing_nothing_is_seen():
    graph, _ = graphs("deep")
    leaves = flatten(data("deep"))[0]
    said = plan_graph(graph).peak_bytes
    assert measured_peak(graph, leaves, interpreter.run_all) > 2 * said
