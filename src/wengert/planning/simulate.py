"""An independent check of a plan: play it as an executor would and count what is held.

This file shares no code with the planner. It knows lifetimes only as instructions ("make
these bytes now, free those after this operation") and the graph only as reads and writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from wengert.base.errors import GraphError
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.planning.lifetime import Lifetime


def simulate(
    graph: Graph,
    operations: Sequence[Operation],
    state: Sequence[Lifetime],
    intermediates: Sequence[Lifetime],
    workspace: Sequence[int],
) -> list[int]:
    """Return the bytes held while each operation runs.

    Raises:
        GraphError: an operation reads or makes a variable whose bytes are not held then, or
            what is held at the end is not the outputs.
    """
    given = {member for each in state for member in each.members}
    home = {member: each for each in intermediates for member in each.members}
    made, freed = _instructions(intermediates)
    held: set[Lifetime] = set()
    curve: list[int] = []
    total = 0
    for at, operation in enumerate(operations):
        for each in made.get(at, ()):
            held.add(each)
            total += each.base.nbytes
        for variable in (*operation.inputs, *operation.outputs):
            if variable not in given and home.get(variable) not in held:
                _fail(graph, operation, variable)
        curve.append(total + workspace[at])
        for each in freed.get(at + 1, ()):
            held.remove(each)
            total -= each.base.nbytes
    _expect_only_outputs(graph, home, held)
    return curve


Instructions = dict[int, list[Lifetime]]


def _instructions(intermediates: Sequence[Lifetime]) -> tuple[Instructions, Instructions]:
    made: Instructions = {}
    freed: Instructions = {}
    for each in intermediates:
        made.setdefault(each.birth, []).append(each)
        freed.setdefault(each.death, []).append(each)
    return made, freed


def _expect_only_outputs(graph: Graph, home: dict[Variable, Lifetime], held: set[Lifetime]) -> None:
    odd = {home[variable] for variable in graph.outputs if variable in home} ^ held
    if odd:
        names = ", ".join(each.base.label or "an unnamed variable" for each in odd)
        raise GraphError(f"the plan of {graph.name} ends with other bytes than outputs: {names}")


def _fail(graph: Graph, operation: Operation, variable: Variable) -> NoReturn:
    raise GraphError(
        f"the plan of {graph.name} does not hold {variable.label or 'a variable'} when needed",
        got=f"{operation!r} needs its bytes",
        where=operation.location,
    )
