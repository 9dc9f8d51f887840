"""Loops and branches on a batch: their bodies are batched, and what they carry is a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wengert.batching.use import Operand, Use, moved, reshaped
from wengert.graph.graph import Graph
from wengert.graph.text import held, to_text
from wengert.graph.variable import Variable
from wengert.operators.bodies import with_distinct_outputs
from wengert.tracing.names import finished_graph
from wengert.tracing.recorder import Recorder
from wengert.tracing.tracer import Tracer, apply

Axis = int | None


class Batch(Protocol):
    """``batch.batch``."""

    def __call__(
        self, graph: Graph, axes: Sequence[Axis], count: int, out_axes: Sequence[Axis], /
    ) -> Graph:
        """Return the graph for ``count`` examples."""
        ...


class Outputs(Protocol):
    """``batch.batched_outputs``."""

    def __call__(self, graph: Graph, axes: Sequence[Axis], /) -> tuple[bool, ...]:
        """Return which outputs differ between examples."""
        ...


def scan(batch: Batch, differs: Outputs, use: Use) -> tuple[Any, ...]:
    """A scan of batches: the examples lie along the second axis of what is stacked."""
    how = use.attributes
    body, carries, stacked = held(how["body"]), int(how["carries"]), int(how["stacked"])
    axes = _carried(differs, body, use.operands, carries)
    out = [*axes[:carries], *(0 for _ in body.outputs[carries:])]
    many = _text(batch(body, axes, use.count, out))
    values = [
        _stack(each) if carries <= i < carries + stacked and each.is_batched
        else each.repeated(use.count) if axes[i] == 0 and i < carries else each.value
        for i, each in enumerate(use.operands)
    ]  # fmt: skip
    found = use(*values, body=many)
    last = _all_examples(use, found[:carries], axes)
    return (*last, *(moved(y, 1, 0) for y in found[carries:]))


def _stack(operand: Operand) -> Any:
    return moved(operand.value, 0, 1)


def _carried(
    differs: Outputs, body: Graph, operands: Sequence[Operand], carries: int
) -> list[Axis]:
    """Return the axis of each input of a body: what is carried may become a batch on the way."""
    axes: list[Axis] = [0 if each.is_batched else None for each in operands]
    while True:
        found = differs(body, axes)[:carries]
        after = [0 if is_batch else axis for is_batch, axis in zip(found, axes, strict=False)]
        if after == axes[:carries]:
            return axes
        axes[:carries] = after


def _all_examples(use: Use, values: Sequence[Any], axes: Sequence[Axis]) -> list[Any]:
    return [
        value if axis == 0 else Operand(value, value.shape, False).repeated(use.count)
        for value, axis in zip(values, axes, strict=False)
    ]


def _text(graph: Graph) -> str:
    plain = Graph(graph.name, graph.inputs, graph.operations, graph.outputs, graph.constants)
    return to_text(with_distinct_outputs(plain))


def cond(batch: Batch, use: Use) -> tuple[Any, ...]:
    """A branch for all examples, or both branches and a choice for each."""
    test, *operands = use.operands
    axes: list[Axis] = [0 if each.is_batched else None for each in operands]
    branches = [held(use.attributes[name]) for name in ("true", "false")]
    yes, no = (batch(each, axes, use.count, [0] * len(each.outputs)) for each in branches)
    values = [each.value for each in operands]
    if not test.is_batched:
        return tuple(use(test.value, *values, true=_text(yes), false=_text(no)))
    recorder = test.value.recorder
    given = [each.variable for each in values]
    pairs = zip(recorder.replay(yes, given), recorder.replay(no, given), strict=True)
    return tuple(_chosen(recorder, test.value.variable, a, b) for a, b in pairs)


def _chosen(recorder: Recorder, test: Variable, a: Variable, b: Variable) -> Any:
    """Return ``np.where`` for a condition of one boolean an example."""
    mask = reshaped(Tracer(recorder, test), (*test.shape, *(1,) * (a.rank - 1)))
    return apply("where", mask, Tracer(recorder, a), Tracer(recorder, b))


def while_loop(batch: Batch, differs: Outputs, use: Use) -> tuple[Any, ...]:
    """A loop until no example goes on; an example that has ended stays as it is."""
    how = use.attributes
    test, body, carries = held(how["test"]), held(how["body"]), int(how["carries"])
    axes = _carried(differs, body, use.operands, carries)
    one_by_one = differs(test, axes)[0]
    if one_by_one:
        axes[:carries] = [0] * carries
    step = batch(body, axes, use.count, axes[:carries])
    holds = batch(test, axes, use.count, [0 if one_by_one else None])
    values = [
        each.repeated(use.count) if axes[i] == 0 and i < carries else each.value
        for i, each in enumerate(use.operands)
    ]
    if one_by_one:
        step, holds = _where_it_goes_on(step, holds, carries), _any(holds)
    found = use(*values, test=_text(holds), body=_text(step))
    return tuple(_all_examples(use, found, axes))


def _where_it_goes_on(step: Graph, holds: Graph, carries: int) -> Graph:
    recorder = Recorder(Tracer)
    given = [Variable(v.shape, v.dtype, "input") for v in step.inputs]
    (test,) = recorder.replay(holds, given)
    after = recorder.replay(step, given)
    with recorder.standing_for(None, None, None):
        kept = [
            _chosen(recorder, test, new, old).variable
            for new, old in zip(after, given[:carries], strict=True)
        ]
    return _made(recorder, step.name, given, kept)


def _any(holds: Graph) -> Graph:
    recorder = Recorder(Tracer)
    given = [Variable(v.shape, v.dtype, "input") for v in holds.inputs]
    (test,) = recorder.replay(holds, given)
    with recorder.standing_for(None, None, None):
        found = recorder.record("any", [test], {"axis": (0,), "keepdims": False})
    return _made(recorder, holds.name, given, [found])


def _made(recorder: Recorder, name: str, inputs: list[Variable], outputs: list[Variable]) -> Graph:
    found = Graph(name, tuple(inputs), tuple(recorder.operations), tuple(outputs),
                  recorder.constants)  # fmt: skip
    return finished_graph(found, recorder.names)
