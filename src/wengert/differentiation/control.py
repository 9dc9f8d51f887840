"""The backward pass through loops and branches: loops and branches again.

A scan's is a scan in the other direction. Its body is the backward pass of one iteration; what
that reads of the forward iteration is stacked by the forward scan, but for what every iteration
shares, what lies in stacked operands anyway, and what is cheaper made again than kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from wengert.base.dtypes import is_differentiable
from wengert.differentiation.rows import Rows, read_by
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.text import held, to_text
from wengert.graph.variable import Variable
from wengert.graph.walk import ancestors, descendants
from wengert.operators.bodies import BODIES, with_distinct_outputs
from wengert.operators.control import refuse_while_pullback
from wengert.rewriting.prune import narrowed, prune
from wengert.tracing.names import Names, finished_graph
from wengert.tracing.recorder import Recorder
from wengert.tracing.tracer import Tracer

OPERATORS = frozenset(BODIES)
Parts = list[Variable | None]


class Pull(Protocol):
    """How the backward pass of a body is made: ``reverse.pullback``'s graph."""

    def __call__(
        self, graph: Graph, wrt: Sequence[Variable], seeds: Mapping[Variable, Variable]
    ) -> Graph:
        """Return the graph, its backward pass appended."""
        ...


def has_rule(operation: Operation, index: int) -> bool:
    """Return whether an operation of this room has a derivative by one of its operands."""
    if operation.operator == "cond":
        return index > 0
    if operation.operator == "while_pullback":
        # By the operands of the loop it would be a second backward pass through it.
        return index >= len(held(operation.attributes["body"]).inputs)
    return True


def pulled_back(
    recorder: Recorder,
    operation: Operation,
    incoming: Parts,
    wanted: Sequence[bool],
    pull: Pull,
) -> Parts:
    """Record the backward pass of an operation; return the gradient of each operand, or None."""
    work = {"scan": _scan, "cond": _cond, "while_loop": _while, "while_pullback": _tangent}
    return work[operation.operator](recorder, operation, incoming, wanted, pull)


def _inputs_like(variables: Sequence[Variable], name: str) -> list[Variable]:
    return [
        Variable(v.shape, v.dtype, "input", f"{name}_{v.name or i}")
        for i, v in enumerate(variables)
    ]


def _body_of(graph: Graph) -> Graph:
    """Return a graph as a body: checked, without containers, its outputs apart."""
    plain = Graph(graph.name, graph.inputs, graph.operations, graph.outputs, graph.constants)
    return check(_named_apart(prune(with_distinct_outputs(plain))))


def _zeros(recorder: Recorder, like: Variable) -> Variable:
    zero = recorder.constant(np.zeros((), like.dtype))
    return recorder.record("broadcast_to", [zero], {"shape": like.shape})


# -- scan ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Paths:
    """Which operands and results of a scan the gradient runs through.

    Attributes:
        active: numbers of the carried values that have a gradient in every iteration.
        rows: numbers of the stacked results that a gradient comes in by.
        wrt: numbers of the operands, beyond the carry, whose gradients are wanted.
    """

    active: list[int]
    rows: list[int]
    wrt: list[int]


def _paths(body: Graph, carries: int, incoming: Parts, wanted: Sequence[bool]) -> _Paths:
    varied = {v for v, is_wanted in zip(body.inputs, wanted, strict=True) if is_wanted}
    useful = {v for v, u in zip(body.outputs, incoming, strict=True) if u is not None}
    pairs = [
        (before, after)
        for before, after in zip(body.inputs[:carries], body.outputs, strict=False)
        if is_differentiable(before.dtype)
    ]
    while True:
        reached, towards = descendants(body.operations, varied), ancestors(body.operations, useful)
        more = {a for a, b in pairs if b in reached} - varied
        also = {b for a, b in pairs if a in towards} - useful
        if not more and not also:
            break
        varied, useful = varied | more, useful | also
    active = [i for i in range(carries)
              if body.inputs[i] in varied and body.outputs[i] in useful
              and is_differentiable(body.inputs[i].dtype)]  # fmt: skip
    rows = [j for j in range(carries, len(body.outputs))
            if incoming[j] is not None and body.outputs[j] in reached]  # fmt: skip
    wrt = [i for i in range(carries, len(body.inputs))
           if wanted[i] and body.inputs[i] in towards]  # fmt: skip
    return _Paths(active, rows, wrt)


def _scan(
    recorder: Recorder, operation: Operation, incoming: Parts, wanted: Sequence[bool], pull: Pull
) -> Parts:
    how = operation.attributes
    body, carries, stacked = held(how["body"]), int(how["carries"]), int(how["stacked"])
    ways = _paths(body, carries, incoming, wanted)
    seeded = [*ways.active, *ways.rows]
    if not seeded or not (ways.active or ways.wrt):
        return [None] * len(operation.inputs)
    us = _inputs_like([body.outputs[i] for i in seeded], "u")
    wrt = [body.inputs[i] for i in (*ways.active, *ways.wrt)]
    seeds = dict(zip([body.outputs[i] for i in seeded], us, strict=True))
    joint = pull(replace(body, inputs=(*body.inputs, *us)), wrt, seeds)
    rows = read_by(joint, body, carries, stacked)
    kept = _keep(recorder, operation, joint, rows)
    found = _back(operation, joint, ways, rows)
    acc = [body.inputs[i] for i in ways.wrt if i >= carries + stacked]
    with recorder.standing_for(operation.location, operation.call, operation.outputs[0]):
        starts = [incoming[i] or _zeros(recorder, body.inputs[i]) for i in ways.active]
        sums = [_zeros(recorder, each) for each in acc]
        by_row = [incoming[i] for i in ways.rows]
        operands = [*starts, *sums, *by_row, *kept, *(operation.inputs[i] for i in rows.stacked),
                    *(operation.inputs[i] for i in rows.shared)]  # fmt: skip
        results = recorder.record_all("scan", [each for each in operands if each is not None], {
            "body": to_text(found), "carries": len(starts) + len(sums),
            "stacked": len(by_row) + len(kept) + len(rows.stacked),
            "length": how["length"], "reverse": not how["reverse"],
        })  # fmt: skip
    parts: Parts = [None] * len(operation.inputs)
    order = [*ways.active, *(i for i in ways.wrt if i >= carries + stacked),
             *(i for i in ways.wrt if i < carries + stacked)]  # fmt: skip
    for place, result in zip(order, results, strict=True):
        parts[place] = result
    return parts


def _keep(recorder: Recorder, operation: Operation, joint: Graph, rows: Rows) -> list[Variable]:
    """Let the forward scan stack what the backward one reads; return these stacks."""
    how = operation.attributes
    body = held(how["body"])
    outputs = list(joint.outputs[: len(body.outputs)])
    at = next(i for i, each in enumerate(recorder.operations) if each.outputs[:1] ==
              operation.outputs[:1])  # fmt: skip
    present = recorder.operations[at]
    results, kept = list(present.outputs), list[Variable]()
    for row in rows.kept:
        if row in outputs[int(how["carries"]) :]:
            kept.append(results[outputs.index(row, int(how["carries"]))])
            continue
        stack = Variable((int(how["length"]), *row.shape), row.dtype)
        recorder.names.suggest(stack, None if row.name is None else f"{row.name}_all")
        outputs.append(row)
        results.append(stack)
        kept.append(stack)
    if len(results) > len(present.outputs):
        forward = joint.operations[: len(body.operations)]
        whole = Graph(body.name, joint.inputs[: len(body.inputs)], forward, tuple(outputs),
                      joint.constants)  # fmt: skip
        recorder.operations[at] = replace(
            present,
            outputs=tuple(results),
            attributes={**how, "body": to_text(_body_of(whole))},
        )
    return kept


def _back(operation: Operation, joint: Graph, ways: _Paths, rows: Rows) -> Graph:
    """Return the body of the backward scan."""
    how = operation.attributes
    body, carries, stacked = held(how["body"]), int(how["carries"]), int(how["stacked"])
    us = joint.inputs[len(body.inputs) :]
    gradients = joint.outputs[len(body.outputs) :]
    first, rest = gradients[: len(ways.active)], gradients[len(ways.active) :]
    sums: list[Variable] = []
    operations: list[Operation] = []
    totals: list[Variable] = []
    by_row: list[Variable] = []
    for i, gradient in zip(ways.wrt, rest, strict=True):
        if i < carries + stacked:
            by_row.append(gradient)
            continue
        name = None if body.inputs[i].name is None else f"sum_{body.inputs[i].name}"
        before = Variable(gradient.shape, gradient.dtype, "input", name)
        after = Variable(gradient.shape, gradient.dtype, "gradient")
        operations.append(Operation("add", (before, gradient), (after,)))
        sums.append(before)
        totals.append(after)
    given = (joint.inputs[i] for i in (*rows.stacked, *rows.shared))
    inputs = (*us[: len(first)], *sums, *us[len(first) :], *rows.kept, *given)
    whole = Graph(
        f"{body.name}_backward",
        inputs,
        (*rows.again, *rows.backward, *operations),
        (*first, *totals, *by_row),
        joint.constants,
    )
    return _body_of(whole)


# -- cond ------------------------------------------------------------------------------------------


def _cond(
    recorder: Recorder, operation: Operation, incoming: Parts, wanted: Sequence[bool], pull: Pull
) -> Parts:
    seeded = [i for i, u in enumerate(incoming) if u is not None]
    wrt = [i for i, is_wanted in enumerate(wanted) if is_wanted]
    texts: dict[str, str] = {}
    for name in ("true", "false"):
        branch = held(operation.attributes[name])
        us = _inputs_like([branch.outputs[i] for i in seeded], "u")
        seeds = dict(zip([branch.outputs[i] for i in seeded], us, strict=True))
        given = replace(branch, inputs=(*branch.inputs, *us))
        joint = pull(given, [branch.inputs[i - 1] for i in wrt], seeds)
        gradients = joint.outputs[len(branch.outputs) :]
        texts[name] = to_text(_body_of(replace(joint, outputs=gradients)))
    outputs = tuple(
        Variable(operation.inputs[i].shape, operation.inputs[i].dtype, "gradient") for i in wrt
    )
    us_given = tuple(u for u in incoming if u is not None)
    whole = Operation(
        "cond", (*operation.inputs, *us_given), outputs, texts,
        operation.location, operation.call, operation.outputs[0],
    )  # fmt: skip
    recorder.operations.append(narrowed(whole, [True] * len(outputs)))
    parts: Parts = [None] * len(operation.inputs)
    for place, result in zip(wrt, outputs, strict=True):
        parts[place] = result
    return parts


# -- while -----------------------------------------------------------------------------------------


def _while(
    recorder: Recorder, operation: Operation, incoming: Parts, wanted: Sequence[bool], pull: Pull
) -> Parts:
    how = operation.attributes
    body, carries = held(how["body"]), int(how["carries"])
    ways = _paths(body, carries, incoming, wanted)
    if not ways.active:
        return [None] * len(operation.inputs)
    us = _inputs_like([body.outputs[i] for i in ways.active], "u")
    wrt = [body.inputs[i] for i in (*ways.active, *ways.wrt)]
    seeds = dict(zip([body.outputs[i] for i in ways.active], us, strict=True))
    joint = pull(replace(body, inputs=(*body.inputs, *us)), wrt, seeds)
    gradients = _body_of(replace(joint, outputs=joint.outputs[len(body.outputs) :]))
    with recorder.standing_for(operation.location, operation.call, operation.outputs[0]):
        given = [incoming[i] or _zeros(recorder, body.outputs[i]) for i in ways.active]
        results = recorder.record_all("while_pullback", [*operation.inputs, *given], {
            **how, "pull": to_text(gradients), "active": tuple(ways.active),
        })  # fmt: skip
    parts: Parts = [None] * len(operation.inputs)
    for place, result in zip((*ways.active, *ways.wrt), results, strict=True):
        parts[place] = result
    return parts


def _tangent(
    recorder: Recorder, operation: Operation, incoming: Parts, wanted: Sequence[bool], pull: Pull
) -> Parts:
    """The transpose of u ↦ Jᵀu: v ↦ J v, the loop that carries a tangent beside each value."""
    how = operation.attributes
    body, back = held(how["body"]), held(how["pull"])
    carries, active, count = int(how["carries"]), len(how["active"]), len(body.inputs)
    vs = _inputs_like(back.outputs, "v")
    seeds = dict(zip(back.outputs, vs, strict=True))
    joint = pull(replace(back, inputs=(*back.inputs, *vs)), back.inputs[count:], seeds)
    slopes = replace(joint, outputs=joint.outputs[len(back.outputs) :])
    step = _side_by_side(body, slopes, vs, carries, active)
    moving, fixed = vs[:active], vs[active:]
    test = held(how["test"])
    holds = replace(test, inputs=(*test.inputs[:carries], *_inputs_like(moving, "v"),
                                  *test.inputs[carries:], *_inputs_like(fixed, "w")))  # fmt: skip
    with recorder.standing_for(operation.location, operation.call, operation.outputs[0]):
        tangents = [
            _zeros(recorder, like) if v is None else v
            for v, like in zip(incoming, operation.outputs, strict=True)
        ]
        own = operation.inputs[:count]
        results = recorder.record_all(
            "while_loop",
            [*own[:carries], *tangents[:active], *own[carries:], *tangents[active:]],
            {"test": to_text(_named_apart(holds)), "body": to_text(step),
             "carries": carries + active},
        )  # fmt: skip
    parts: Parts = [None] * len(operation.inputs)
    parts[count:] = results[carries:]
    return parts


def _side_by_side(
    body: Graph, slopes: Graph, vs: Sequence[Variable], carries: int, active: int
) -> Graph:
    """Return (values, tangents, shared, their tangents) ↦ (values, tangents), one iteration."""
    recorder = Recorder(Tracer)
    inputs = [*body.inputs[:carries], *vs[:active], *body.inputs[carries:], *vs[active:]]
    known = {v: Variable(v.shape, v.dtype, "input") for v in inputs}
    own, moving = [known[v] for v in body.inputs], [known[v] for v in vs]
    after = recorder.replay(body, own)
    # J v does not depend on the u that Jᵀu was taken of.
    us = slopes.inputs[len(own) : len(slopes.inputs) - len(moving)]
    with recorder.standing_for(None, None, None):
        nothing = [_zeros(recorder, u) for u in us]
    tangents = recorder.replay(slopes, [*own, *nothing, *moving])
    found = Graph(body.name, tuple(known.values()), tuple(recorder.operations),
                  (*after, *tangents), recorder.constants)  # fmt: skip
    return _body_of(finished_graph(found, recorder.names))


def _named_apart(graph: Graph) -> Graph:
    names = Names()
    names.keep(graph)
    return finished_graph(graph, names)


def refuse_open_loops(graph: Graph) -> Graph:
    """Return the graph when no backward pass in it goes through a loop of unknown length.

    Raises:
        DifferentiationError: one does; with the line of the loop.
    """
    for operation in graph.operations:
        if operation.operator == "while_pullback":
            raise refuse_while_pullback(operation.location)
    return graph
