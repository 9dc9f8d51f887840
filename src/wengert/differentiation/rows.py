"""What the backward pass of an iteration reads of its forward pass, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors, descendants
from wengert.operators.registry import OPERATORS


@dataclass(frozen=True)
class Rows:
    """How the body of a backward scan gets what it reads.

    Attributes:
        kept: forward variables that the forward scan has to stack.
        stacked: numbers of the inputs that are rows of operands anyway.
        shared: numbers of the inputs that are the same in all iterations.
        again: forward operations that the backward iteration carries out again.
        backward: the operations of the backward pass itself.
    """

    kept: tuple[Variable, ...]
    stacked: tuple[int, ...]
    shared: tuple[int, ...]
    again: tuple[Operation, ...]
    backward: tuple[Operation, ...]


def read_by(joint: Graph, body: Graph, carries: int, stacked: int) -> Rows:
    """Return what the backward pass of a joint body reads.

    Args:
        joint: the body's operations, then those of its backward pass; likewise its outputs.
        body: the forward pass alone.
        carries, stacked: how many of the inputs are carried, and rows of operands.
    """
    forward, inputs = len(body.operations), len(body.inputs)
    ahead, behind = joint.operations[:forward], joint.operations[forward:]
    made = {output: each for each in ahead for output in each.outputs}
    results = joint.outputs[len(body.outputs) :]
    needed = ancestors(behind, results)
    backward = tuple(each for each in behind if needed.intersection(each.outputs))
    held = {*joint.inputs[:inputs], *made}
    mine = {output for each in backward for output in each.outputs}
    reads = [v for each in backward for v in each.inputs]
    reads += [v for v in results if v not in mine]
    carried = descendants(ahead, joint.inputs[:carries])
    from_rows = descendants(ahead, joint.inputs[:inputs][carries : carries + stacked])
    again: set[Operation] = set()
    kept: dict[Variable, None] = {}
    given: set[Variable] = set()
    waiting = list(dict.fromkeys(v for v in reads if v in held))
    while waiting:
        variable = waiting.pop(0)
        maker = made.get(variable)
        if maker is None:
            if variable in joint.inputs[:carries]:
                kept[variable] = None
            given.add(variable)
        elif _is_made_again(maker, variable in carried, variable in from_rows):
            if maker not in again:
                again.add(maker)
                waiting += [v for v in maker.inputs if v in held]
        else:
            kept[variable] = None
    numbers = [i for i, v in enumerate(joint.inputs[:inputs]) if i >= carries and v in given]
    return Rows(
        tuple(kept),
        tuple(i for i in numbers if i < carries + stacked),
        tuple(i for i in numbers if i >= carries + stacked),
        tuple(each for each in ahead if each in again),
        backward,
    )


def _is_made_again(maker: Operation, is_carried: bool, is_of_rows: bool) -> bool:
    """Return whether making a value again is better than a stack of it."""
    if not is_carried and not is_of_rows:
        return True
    record = OPERATORS[maker.operator]
    if record.aliases == "view":
        # A view of all numbers is free; a few of many are better kept than all of them.
        (output,) = maker.outputs
        return not is_carried or output.size >= maker.inputs[0].size
    cheap = record.kind == "elementwise" and record.cost.transcendental == 0
    return cheap and not is_carried
