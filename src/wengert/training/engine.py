"""What takes steps and measures: one joint graph a batch shape, run by the interpreter here."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from wengert.base.errors import DataError
from wengert.base.tree import flatten, unflatten
from wengert.data.batches import Batches
from wengert.graph.graph import Array, Graph
from wengert.reference.interpreter import is_finite, run
from wengert.tracing.trace import is_array_like, trace
from wengert.training.checkpoint import digest
from wengert.training.failure import non_finite_error
from wengert.training.ledger import Ledger
from wengert.training.state import TrainingState
from wengert.training.step import Step, as_arguments, metrics_of

Metrics = dict[str, Any]


@dataclass(frozen=True)
class Taken:
    """Steps that were taken together.

    Attributes:
        metrics: for each metric its value in each of them, J first, measured before the update.
        examples: the number of examples in each.
    """

    metrics: Mapping[str, Array]
    examples: Array


@dataclass(frozen=True)
class Stretch:
    """Steps that may be taken together.

    Attributes:
        batches: where the minibatches come from.
        epoch: the epoch, counted from 0.
        begin, end: the minibatches of the epoch, from ``begin`` up to before ``end``.
        place: tells people where a minibatch is.
        remedy: what to do about a number that is not finite.
    """

    batches: Batches
    epoch: int
    begin: int
    end: int
    place: Callable[[int], str]
    remedy: str


class Engine(Protocol):
    """Holds the state, takes steps, and measures without taking one."""

    @property
    def state(self) -> TrainingState:
        """The state of training, to be read."""
        ...

    @property
    def steps(self) -> int:
        """How many steps the state has seen."""
        ...

    def begin(self, state: TrainingState) -> None:
        """Take over a state."""
        ...

    def advance(self, stretch: Stretch) -> Taken:
        """Take some steps of a stretch, at least one, in order.

        Raises:
            NonFiniteError: J, a gradient or a new value of the state is NaN or infinite.
            DataError: the batch holds what an operator refuses, such as a label out of range.
        """
        ...

    def evaluate(self, batch: tuple[Any, ...]) -> Metrics:
        """Return the metrics of a batch; no parameter moves."""
        ...


class Runner:
    """A function that is traced once for each combination of shapes and dtypes.

    Args:
        function: what is traced.
        ledger: plans the graphs, and counts what they hold; None counts nothing.
    """

    def __init__(self, function: Callable[..., Any], ledger: Ledger | None = None) -> None:
        self._function, self._ledger = function, ledger
        self._graphs: dict[tuple[Any, ...], Graph] = {}

    def graph(self, *args: Any) -> Graph:
        """Return the graph for arguments like these."""
        leaves = flatten(args, is_leaf=is_array_like)[0]
        key = tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        graph = self._graphs.get(key)
        if graph is None:
            graph = trace(self._function, *args)
            graph = graph if self._ledger is None else self._ledger.bounded(graph)
            self._graphs[key] = graph
        return graph

    def __call__(self, *args: Any) -> tuple[Any, Graph, list[Array]]:
        """Return the result, the graph that was run, and the leaves of the result."""
        graph = self.graph(*args)
        # What is not finite is looked for after the run, and told with its reason.
        with np.errstate(all="ignore"):
            carry_out = run if self._ledger is None else self._ledger.run
            results = carry_out(graph, flatten(args)[0])
        return unflatten(graph.output_structure, results), graph, results


class Interpreter:
    """The engine that runs graphs in the reference interpreter: the meaning of a step."""

    def __init__(
        self, objective: Callable[..., Any], step: Step, ledger: Ledger | None = None
    ) -> None:
        def evaluate(parameters: Any, *batch: Any) -> Metrics:
            return metrics_of(objective, objective(parameters, *batch))

        self.step_runner = Runner(step, ledger)
        self.evaluate_runner = Runner(evaluate, ledger)
        self._feed: Iterator[Any] = iter(())
        self._fed: tuple[int, int] | None = None

    # -- The state -------------------------------------------------------------------------------

    def begin(self, state: TrainingState) -> None:
        """Take over a state."""
        self._state = state

    @property
    def state(self) -> TrainingState:
        """The state of training."""
        return self._state

    @property
    def steps(self) -> int:
        """How many steps the state has seen."""
        return int(self._state.step)

    # -- Steps -----------------------------------------------------------------------------------

    def advance(self, stretch: Stretch) -> Taken:
        """Take the first step of a stretch."""
        batch = self.batch(stretch)
        self._state, metrics = self.step(
            self._state, batch, stretch.place(stretch.begin), stretch.remedy
        )
        count = len(flatten(batch)[0][0])
        taken = {name: np.asarray(value).reshape(1) for name, value in metrics.items()}
        return Taken(taken, np.array([count]))

    def batch(self, stretch: Stretch) -> tuple[Any, ...]:
        """Return the first minibatch of a stretch as arguments of the objective."""
        if self._fed != (stretch.epoch, stretch.begin):
            self._feed = stretch.batches.epoch(stretch.epoch, stretch.begin)
        self._fed = stretch.epoch, stretch.begin + 1
        return as_arguments(next(self._feed))

    def step(
        self, state: TrainingState, batch: tuple[Any, ...], when: str, remedy: str
    ) -> tuple[TrainingState, Metrics]:
        """Return the next state and the metrics of the batch, measured before the update.

        Raises:
            NonFiniteError: J, a gradient or a new value of the state is NaN or infinite.
            DataError: the batch holds what an operator refuses, such as a label out of range.
        """
        try:
            (state_after, metrics), graph, results = self.step_runner(state, batch)
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

    def evaluate(self, batch: tuple[Any, ...]) -> Metrics:
        """Return the metrics of a batch; no parameter moves."""
        return self.evaluate_runner(self._state.parameters, *batch)[0]


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
