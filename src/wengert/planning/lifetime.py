"""Lifetimes: which storage is alive at which operation, and who made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import forward_operations, last_uses, made_again

Pass = Literal["given", "forward", "recompute", "backward", "update"]


@dataclass(frozen=True, eq=False, slots=True)
class Lifetime:
    """The bytes of one storage and the operations between which they are held.

    A view shares the storage of its base, so a storage ends with the last use over all of
    its members. Positions count operations in schedule order; the interval is half-open.

    Attributes:
        base: the variable whose array owns the bytes.
        views: the variables that look into the same bytes, in order.
        birth: position of the operation that makes it; 0 for what is given.
        death: one past the position of the last operation that reads it; one past the
            number of operations for an output, which outlives them all.
        made: "given" for parameters, inputs and constants, otherwise the pass that makes it.
        retained: whether the forward pass makes it, or it is given, and backward, or what is
            made again for it, reads it.
    """

    base: Variable
    views: tuple[Variable, ...]
    birth: int
    death: int
    made: Pass
    retained: bool

    @property
    def nbytes(self) -> int:
        """Bytes of the storage."""
        return self.base.nbytes

    @property
    def members(self) -> tuple[Variable, ...]:
        """The base and its views."""
        return (self.base, *self.views)

    @property
    def held(self) -> int:
        """Number of operations during which it is alive."""
        return self.death - self.birth

    def alive(self, position: int) -> bool:
        """Return whether it is held while the operation at ``position`` runs."""
        return self.birth <= position < self.death


def passes(graph: Graph) -> tuple[Pass, ...]:
    """Return for each operation the pass that it belongs to.

    What carries out the rule of a forward result is backward; what reads a gradient without
    carrying out a rule moves the parameters; what makes a forward variable again recomputes.
    """
    forward = set(forward_operations(graph))
    again = made_again(graph)

    def pass_of(operation: Operation) -> Pass:
        if operation in forward:
            return "forward"
        if all(out in again for out in operation.outputs):
            return "recompute"
        return "update" if operation.origin is None else "backward"

    return tuple(pass_of(operation) for operation in graph.operations)


def lifetimes(
    graph: Graph, storage_of: Mapping[Variable, Variable], pass_of: tuple[Pass, ...]
) -> tuple[Lifetime, ...]:
    """Return the lifetime of every storage: what is given first, then by birth.

    Args:
        graph: the order is that of its operations.
        storage_of: for each variable the one that owns its bytes (itself unless a view).
        pass_of: the pass of each operation.
    """
    members: dict[Variable, list[Variable]] = {}
    for variable in graph.variables:
        members.setdefault(storage_of[variable], []).append(variable)
    birth = {out: at for at, op in enumerate(graph.operations) for out in op.outputs}
    end = last_uses(graph)
    read = {storage_of[v] for v in _read_backward(graph, storage_of, pass_of)}
    whole = len(graph.operations) + 1
    found: list[Lifetime] = []
    for base, group in members.items():
        given = base not in birth
        born = 0 if given else birth[base]
        made: Pass = "given" if given else pass_of[born]
        retained = made in ("given", "forward") and base in read
        death = whole if given else 1 + max(end[member] for member in group)
        views = tuple(member for member in group if member is not base)
        found.append(Lifetime(base, views, born, death, made, retained))
    return tuple(sorted(found, key=lambda each: (each.made != "given", each.birth)))


def reads_bytes(
    graph: Graph, storage_of: Mapping[Variable, Variable], operation: Operation, variable: Variable
) -> bool:
    """Return whether an operation uses the numbers of an operand.

    Making a view reads none of them; but a view that the graph returns hands them out.
    """
    outs = operation.outputs
    is_view = all(storage_of[out] is storage_of[variable] for out in outs)
    return not is_view or any(out in graph.outputs for out in outs)


def _read_backward(
    graph: Graph, storage_of: Mapping[Variable, Variable], pass_of: tuple[Pass, ...]
) -> set[Variable]:
    return {
        variable
        for operation, made in zip(graph.operations, pass_of, strict=True)
        if made in ("backward", "recompute")
        for variable in operation.inputs
        if reads_bytes(graph, storage_of, operation, variable)
    }
