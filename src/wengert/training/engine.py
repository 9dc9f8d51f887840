"""Runs a step and a validation in the reference interpreter: one joint graph a batch shape."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import DataError
from wengert.base.tree import flatten, unflatten
from wengert.graph.graph import Array, Graph
from wengert.reference.interpreter import is_finite, run
from wengert.tracing.trace import trace
from wengert.training.checkpoint import digest
from wengert.training.failure import non_finite_error
from wengert.training.state import TrainingState
from wengert.training.step import Step, metrics_of

Metrics = dict[str, Any]


class Runner:
    """A function that is traced once for each combination of shapes and dtypes."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._graphs: dict[tuple[Any, ...], Graph] = {}

    def __call__(self, *args: Any) -> tuple[Any, Graph, list[Array]]:
        """Return the result, the graph that was run, and the leaves of the result."""
        leaves = flatten(args)[0]
        key = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        graph = self._graphs.get(key)
        if graph is None:
            graph = self._graphs[key] = trace(self._function, *args)
        # What is not finite is looked for after the run, and told with its reason.
        with np.errstate(all="ignore"):
            results = run(graph, leaves)
        return unflatten(graph.output_structure, results), graph, results


class Engine:
    """Takes steps, and measures without taking one."""

    def __init__(self, objective: Callable[..., Any], step: Step) -> None:
        def evaluate(parameters: Any, *batch: Any) -> Metrics:
            return metrics_of(objective, objective(parameters, *batch))

        self._step = Runner(step)
        self._evaluate = Runner(evaluate)

    def step(
        self, state: TrainingState, batch: tuple[Any, ...], when: str, remedy: str
    ) -> tuple[TrainingState, Metrics]:
        """Return the next state and the metrics of the batch, measured before the update.

        Raises:
            NonFiniteError: J, a gradient or a new value of the state is NaN or infinite.
            DataError: the batch holds what an operator refuses, such as a label out of range.
        """
        try:
            (state_after, metrics), graph, results = self._step(state, batch)
        except DataError as error:
            error.asked += f", in {when}"
            raise
        count = len(flatten(state_after)[0])
        # J comes first of the metrics; what the others say is no reason to stop.
        looked_at = [count, *range(count)]
        wrong = [at for at in looked_at if not is_finite(results[at])]
        if wrong:
            leaves = flatten((state, batch))[0]
            raise non_finite_error(graph, leaves, wrong, when, remedy)
        return state_after, metrics

    def evaluate(self, parameters: Any, batch: tuple[Any, ...]) -> Metrics:
        """Return the metrics of a batch; no parameter moves."""
        return self._evaluate(parameters, *batch)[0]


def fingerprint(objective: Callable[..., Any], parameters: Any, batch: tuple[Any, ...]) -> str:
    """Return a fingerprint of what an objective computes; comments and lines do not count."""
    graph = trace(objective, parameters, *batch)
    number = {variable: at for at, variable in enumerate(graph.variables)}
    rows = [
        (
            operation.operator,
            [number[each] for each in operation.inputs],
            [number[each] for each in operation.outputs],
            sorted((name, repr(value)) for name, value in operation.attributes.items()),
        )
        for operation in graph.operations
    ]
    kinds = [(variable.shape, variable.dtype.str) for variable in graph.variables]
    text = repr((kinds, rows, [number[each] for each in graph.outputs]))
    whole = text + digest(graph.constants.values())
    return hashlib.blake2b(whole.encode(), digest_size=8).hexdigest()
