"""The plan of a graph: what is alive when, in bytes. Pure data, known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate

from wengert.base.errors import GraphError
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held
from wengert.graph.variable import Variable
from wengert.operators.bodies import BODIES
from wengert.operators.registry import OPERATORS
from wengert.operators.storage import Storage, is_dense, layouts
from wengert.planning.cost import Work, price, work
from wengert.planning.labels import labels, write
from wengert.planning.lifetime import Lifetime, Pass, lifetimes, passes
from wengert.planning.simulate import simulate

Formulas = Mapping[Variable, tuple[tuple[Variable, str], ...]]
NO_FORMULAS: Formulas = {}


@dataclass(frozen=True, eq=False)
class Plan:
    """Order, lifetimes and bytes of everything that a graph holds while it runs.

    Attributes:
        graph: what is run.
        schedule: positions in ``graph.operations``, in the order in which they run.
        passes: for each position of the schedule the pass that it belongs to.
        intermediates: the storages that the run makes, by birth.
        state: the storages that are given (parameters, batch, constants), a ledger of
            their own: they live throughout and are not part of ``peak_bytes``.
        workspace: bytes that each operation holds beside operands and results while it runs.
        work: arithmetic of each operation.
        live: bytes of intermediates and workspace while each operation runs.
        names: a text for every variable: its label, or ``%3`` for the unnamed result of
            operation 3.
        formulas: for a variable the backward terms that read it, each with the variable
            whose gradient the term belongs to; empty until explanation fills it.
    """

    graph: Graph
    schedule: tuple[int, ...]
    passes: tuple[Pass, ...]
    intermediates: tuple[Lifetime, ...]
    state: tuple[Lifetime, ...]
    workspace: tuple[int, ...]
    work: tuple[Work, ...]
    live: tuple[int, ...]
    names: Mapping[Variable, str]
    formulas: Formulas = field(default_factory=lambda: NO_FORMULAS)

    @property
    def peak_bytes(self) -> int:
        """The most bytes of intermediates that are ever alive together."""
        return max(self.live, default=0)

    @property
    def peak_at(self) -> int:
        """Position of the first operation at which the peak stands."""
        return self.live.index(self.peak_bytes) if self.live else 0

    @property
    def loss_at(self) -> int:
        """Position at which forward has ended; the number of operations without backward."""
        return next(
            (at for at, made in enumerate(self.passes) if made != "forward"), len(self.live)
        )

    @property
    def retained_bytes(self) -> int:
        """Bytes that wait for the backward pass when the forward pass ends."""
        last = self.loss_at - 1
        waiting = (each for each in self.intermediates if each.retained and each.alive(last))
        return sum(each.nbytes for each in waiting if each.death > self.loss_at)

    @property
    def state_bytes(self) -> int:
        """Bytes of what is given: parameters, batch and constants."""
        return sum(each.nbytes for each in self.state)

    @property
    def floor_bytes(self) -> int:
        """Bytes of the largest single operation: no recomputation can do with less."""
        return max((self.step_bytes(at) for at in range(len(self.schedule))), default=0)

    @property
    def recomputed_part(self) -> float:
        """What is made again costs this part of everything else."""
        costs = [price(self.operation(at)) for at in range(len(self.schedule))]
        again = sum(c for c, made in zip(costs, self.passes, strict=True) if made == "recompute")
        return again / max(1, sum(costs) - again)

    def operation(self, position: int) -> Operation:
        """Return the operation at a position of the schedule."""
        return self.graph.operations[self.schedule[position]]

    def written(self, position: int) -> str:
        """Return the operation at a position as ``operator(operands)``."""
        return write(self.graph, self.names, self.operation(position))

    def step_bytes(self, position: int) -> int:
        """Bytes of the intermediates that one operation touches, and its workspace."""
        operation = self.operation(position)
        touched = {self.lifetime_of[v] for v in (*operation.inputs, *operation.outputs)}
        held = sum(each.nbytes for each in touched if each.made != "given")
        return held + self.workspace[position]

    @cached_property
    def lifetime_of(self) -> Mapping[Variable, Lifetime]:
        """The lifetime of the storage that each variable lies in."""
        every = (*self.state, *self.intermediates)
        return {member: each for each in every for member in each.members}

    @cached_property
    def storage_of(self) -> Mapping[Variable, Variable]:
        """The variable that owns the bytes of each variable."""
        return {variable: each.base for variable, each in self.lifetime_of.items()}

    def __str__(self) -> str:
        return f"Plan({self.graph.name}: peak {self.peak_bytes:,} bytes)"


def plan_graph(graph: Graph, formulas: Formulas = NO_FORMULAS) -> Plan:
    """Return the plan of a graph run in its own order, each storage freed after its last use.

    Raises:
        GraphError: the plan disagrees with its independent simulation.
    """
    pass_of = passes(graph)
    lies = layouts(graph)
    found = lifetimes(graph, {variable: each.base for variable, each in lies.items()}, pass_of)
    made = tuple(each for each in found if each.made != "given")
    workspace = tuple(_workspace(operation, lies) for operation in graph.operations)
    plan = Plan(
        graph,
        tuple(range(len(graph.operations))),
        pass_of,
        made,
        tuple(each for each in found if each.made == "given"),
        workspace,
        tuple(work(operation) for operation in graph.operations),
        live_curve([(each.birth, each.death, each.nbytes) for each in made], workspace),
        labels(graph),
        formulas,
    )
    return checked(plan)


def checked(plan: Plan) -> Plan:
    """Return the plan when its simulation, written independently, gives the same curve."""
    operations = [plan.operation(at) for at in range(len(plan.schedule))]
    measured = simulate(plan.graph, operations, plan.state, plan.intermediates, plan.workspace)
    for at, (said, found) in enumerate(zip(plan.live, measured, strict=True)):
        if said != found:
            raise GraphError(
                f"the plan of {plan.graph.name} disagrees with its simulation at operation {at}",
                expected=f"{found:,} bytes",
                got=f"{said:,} bytes",
                where=operations[at].location,
            )
    return plan


def live_curve(
    intervals: Sequence[tuple[int, int, int]], workspace: Sequence[int]
) -> tuple[int, ...]:
    """Return the bytes alive at each position, from (birth, death, bytes) and workspace."""
    change = [0] * (len(workspace) + 1)
    for birth, death, nbytes in intervals:
        change[birth] += nbytes
        change[min(death, len(workspace))] -= nbytes
    return tuple(held + extra for held, extra in zip(accumulate(change), workspace, strict=False))


@lru_cache(maxsize=512)
def _held_inside(text: str) -> int:
    return plan_graph(held(text)).peak_bytes


def _workspace(operation: Operation, lies: Mapping[Variable, Storage]) -> int:
    if operation.operator in BODIES:
        # One body at a time; what it carries stands in the place of the result. It reads its
        # operands in C order: those that lie otherwise are copied.
        copies = sum(
            each.nbytes
            for each in operation.inputs
            if not is_dense(each.shape, lies[each].strides, each.dtype.itemsize)
        )
        texts = (operation.attributes[each] for each in BODIES[operation.operator])
        inside = max(map(_held_inside, texts))
        if operation.operator == "cond":
            # A branch is left, and its copies with it, before the result is made.
            copies = max(0, copies - sum(each.nbytes for each in operation.outputs))
        return copies + inside
    rule = OPERATORS[operation.operator].workspace
    if rule is None:
        return 0
    return int(rule(*operation.inputs, **operation.attributes))
