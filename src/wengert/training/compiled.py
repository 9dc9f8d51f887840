"""The engine that runs steps as machine code, whole stretches of them in one native call."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from wengert.base.errors import BudgetError, DataError, UnsupportedError, WengertWarning
from wengert.base.tree import Structure, flatten, map_tree, unflatten
from wengert.data.batches import Batches
from wengert.graph.graph import Array, Graph
from wengert.native.prediction import program_need, step_plan
from wengert.native.program import compile_graph
from wengert.native.stepper import Memory, Stepper, rows_of
from wengert.planning.budget import Need
from wengert.rewriting.roll import prepared
from wengert.tracing.spec import Spec
from wengert.training.engine import Interpreter, Metrics, Stretch, Taken
from wengert.training.ledger import Ledger
from wengert.training.state import TrainingState
from wengert.training.step import as_arguments


class CompiledEngine:
    """Takes steps natively over a state that stays in the program's memory.

    What a compiled step refuses is repeated by the interpreter, which tells where it began. A
    step or a measurement that cannot be compiled is left to the interpreter, and said once.

    Args:
        plain: the interpreter, with the functions to compile.
        threads: how many run a program together; None for the cores that are free.
        ledger: bounds the programs, and is told what they hold.
    """

    def __init__(
        self, plain: Interpreter, threads: int | None = None, ledger: Ledger | None = None
    ) -> None:
        self._plain, self._threads = plain, threads
        self._ledger = Ledger() if ledger is None else ledger
        self._memory: Memory | None = None
        self._structure: Structure | None = None
        self._steppers: dict[int, tuple[Stepper, tuple[str, ...]]] = {}
        self._programs: dict[Graph, Callable[..., list[Array]]] = {}
        self._data: tuple[Batches, list[Array]] | None = None
        self._order: tuple[int, Array] | None = None
        self._seen: TrainingState | None = None
        self._steps = 0
        self._compiles = True

    # -- The state -------------------------------------------------------------------------------

    def begin(self, state: TrainingState) -> None:
        """Take over a state."""
        leaves, self._structure = flatten(state)
        if self._memory is None:
            self._memory = Memory(leaves)
        else:
            self._memory.write(leaves)
        self._seen, self._steps = state, int(state.step)

    @property
    def state(self) -> TrainingState:
        """The state of training: new arrays, read when they are asked for."""
        if self._seen is None:
            assert self._memory is not None and self._structure is not None
            self._seen = cast(TrainingState, unflatten(self._structure, self._memory.read()))
        return self._seen

    @property
    def steps(self) -> int:
        """How many steps the state has seen."""
        return self._steps

    # -- Steps -----------------------------------------------------------------------------------

    def advance(self, stretch: Stretch) -> Taken:
        """Take steps until the stretch ends, the last whole batch, or the clock strikes."""
        try:
            stepper, names = self._stepper(stretch)
        except UnsupportedError as error:
            self._give_up(error)
        if not self._compiles:
            return self._interpreted(stretch)
        batches = stretch.batches
        whole = batches.example_count // batches.batch_size
        # The last batch of an epoch is a stretch of its own where it is smaller.
        end = min(stretch.end, whole) if stretch.begin < whole else stretch.end
        rows = slice(stretch.begin * batches.batch_size, end * batches.batch_size)
        taken = stepper.run(
            self._sources(batches), self._rows(batches, stretch.epoch)[rows], lambda _: True
        )
        if not taken.steps:
            return self._interpreted(stretch)
        self._seen, self._steps = None, self._steps + taken.steps
        counts = np.full(taken.steps, stepper.batch)
        return Taken(dict(zip(names, taken.metrics, strict=True)), counts)

    def _interpreted(self, stretch: Stretch) -> Taken:
        """Let the interpreter take a step that a program refused, or tell why it cannot."""
        self._plain.begin(self.state)
        taken = self._plain.advance(stretch)
        self.begin(self._plain.state)
        return taken

    def _stepper(self, stretch: Stretch) -> tuple[Stepper, tuple[str, ...]]:
        """Return the program for the next batch's size, and the names of its metrics."""
        batches = stretch.batches
        left = batches.example_count - stretch.begin * batches.batch_size
        # All share one block, so the program for whole batches comes first.
        for size in (min(batches.batch_size, batches.example_count), min(batches.batch_size, left)):
            if size not in self._steppers:
                self._steppers[size] = self._made(stretch, size)
        return self._steppers[size]

    def _made(self, stretch: Stretch, size: int) -> tuple[Stepper, tuple[str, ...]]:
        assert self._memory is not None
        graph = self._traced(stretch, size)
        names = tuple(unflatten(graph.output_structure, list(graph.outputs))[1])
        try:
            bounded = self._ledger.programmed(prepared(graph), self._need)
        except BudgetError as error:
            error.remedy = self._smaller(stretch, size, error.remedy)
            raise
        made = Stepper(bounded, self._memory, self._threads)
        allocated = self._memory.arena_bytes
        self._ledger.took(made.arena_bytes, made.used_bytes, allocated, made.beside())
        return made, names

    def _traced(self, stretch: Stretch, size: int) -> Graph:
        """Return the graph of a step on so many examples."""
        batch = map_tree(lambda x: Spec((size, *x.shape[1:]), x.dtype), stretch.batches.arrays)
        return self._plain.step_runner.graph(self.state, as_arguments(batch))

    def _need(self, graph: Graph) -> Need:
        return step_plan(graph, len(flatten(self.state)[0])).need

    def _smaller(self, stretch: Stretch, size: int, otherwise: str | None) -> str | None:
        """Return which batch would fit instead."""
        low, high = 0, size
        while high - low > 1:
            middle = (low + high) // 2
            try:
                self._ledger.programmed(prepared(self._traced(stretch, middle)), self._need)
                low = middle
            except BudgetError:
                high = middle
        return otherwise if not low else f"batch_size={low}, which fits; or {otherwise}"

    def _sources(self, batches: Batches) -> list[Array]:
        if self._data is None or self._data[0] is not batches:
            self._data = batches, [rows_of(leaf) for leaf in flatten(batches.arrays)[0]]
        return self._data[1]

    def _rows(self, batches: Batches, epoch: int) -> Array:
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, batches.order(epoch)
        return self._order[1]

    def _give_up(self, error: UnsupportedError) -> None:
        self._compiles = False
        warnings.warn(
            f"this training step runs in the interpreter, more slowly: {error}",
            WengertWarning,
            stacklevel=2,
        )

    # -- Measuring -------------------------------------------------------------------------------

    def evaluate(self, batch: tuple[Any, ...]) -> Metrics:
        """Return the metrics of a batch; no parameter moves."""
        arguments = (self.state.parameters, *batch)
        graph = self._plain.evaluate_runner.graph(*arguments)
        try:
            results = self._program(graph)(*flatten(arguments)[0])
        except (DataError, UnsupportedError):
            self._plain.begin(self.state)
            return self._plain.evaluate(batch)
        return unflatten(graph.output_structure, results)

    def _program(self, graph: Graph) -> Callable[..., list[Array]]:
        if graph not in self._programs:
            assert self._memory is not None
            bounded = self._ledger.programmed(prepared(graph), program_need)
            made = compile_graph(bounded, self._threads, self._memory.arena)
            self._ledger.took(made.arena_bytes, made.used_bytes, self._memory.arena_bytes)
            self._programs[graph] = made
        return self._programs[graph]
