"""One run of equal windows as a scan: what each window reads, and who reads what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.text import to_text
from wengert.graph.variable import Variable
from wengert.operators.bodies import with_distinct_outputs
from wengert.operators.registry import OPERATORS
from wengert.rewriting.prune import prune
from wengert.rewriting.rows import Row, advancing, row_of, step_of
from wengert.rewriting.runs import Run, look
from wengert.rewriting.stacks import Stacks

# How far back a window may read, and how many bytes of separate arrays may be stacked for it.
_BACK, _STACKED = 4, 1 << 22

Slot = tuple[int, int]


class NotALoop(Exception):
    """The windows of a run read in ways that no scan can express."""


@dataclass
class _Loop:
    """The scan that a run becomes, while its operands are being found."""

    graph: Graph
    run: Run
    stacks: Stacks
    windows: list[tuple[Operation, ...]]
    made: dict[Variable, tuple[int, int, int]]
    joins: bool
    before: list[Operation] = field(default_factory=list[Operation])
    needed: list[Variable] = field(default_factory=list[Variable])
    pulled: list[Operation] = field(default_factory=list[Operation])
    brought: dict[Variable, None] = field(default_factory=dict[Variable, None])
    shared: dict[Variable, Variable] = field(default_factory=dict[Variable, Variable])
    rows: dict[Variable, Variable] = field(default_factory=dict[Variable, Variable])
    # the input of the body that carries a value, what begins it, and what follows it
    carried: dict[Variable, tuple[Variable, Variable]] = field(
        default_factory=dict[Variable, tuple[Variable, Variable]]
    )
    chains: dict[Any, Variable] = field(default_factory=dict[Any, Variable])


def rolled(graph: Graph, run: Run, stacks: Stacks, joins: bool = False) -> list[Operation]:
    """Return a scan in the place of a run, with what brings its operands into form.

    ``joins`` allows it to copy separate arrays together, so that they are rows.

    Raises:
        NotALoop: the windows are alike, but what they read is not.
    """
    end = range(run.start, run.end, run.period)
    windows = [graph.operations[at : at + run.period] for at in end]
    made = {
        v: (t, k, o)
        for t, window in enumerate(windows)
        for k, each in enumerate(window)
        for o, v in enumerate(each.outputs)
    }
    loop = _Loop(graph, run, stacks, windows, made, joins)
    if all(OPERATORS[each.operator].aliases == "view" for each in windows[0]):
        raise NotALoop
    columns = ([window[k] for window in windows] for k in range(run.period))
    body = [each for k, column in enumerate(columns) for each in _column(loop, column, k)]
    return _scan(loop, [*loop.pulled, *body])


# -- What a window reads ---------------------------------------------------------------------------


def _column(loop: _Loop, column: Sequence[Operation], k: int) -> list[Operation]:
    """Return what stands in the body for one operation of each window."""
    first = column[0]
    if _differs(column):
        return _indexing(loop, column, k)
    inputs = _operands(loop, column, k)
    return [Operation(first.operator, inputs, first.outputs, first.attributes, first.location)]


def _operands(loop: _Loop, column: Sequence[Operation], k: int) -> tuple[Variable, ...]:
    count = len(column[0].inputs)
    return tuple(_operand(loop, [each.inputs[s] for each in column], k) for s in range(count))


def _differs(column: Sequence[Operation]) -> bool:
    first = column[0].attributes.get("template")
    return first is not None and any(each.attributes["template"] != first for each in column)


def _operand(loop: _Loop, column: Sequence[Variable], k: int) -> Variable:
    """Return what stands in the body for an operand of the windows."""
    last = loop.made.get(column[-1])
    if last is not None:
        return _from_window(loop, column, k, last)
    if any(v in loop.made for v in column):
        raise NotALoop
    if all(v is column[0] for v in column):
        return _shared(loop, column[0])
    pulled = _pulled(loop, column)
    if pulled is not None:
        return pulled
    return _row(loop, _stack(loop, column), column[0])


def _pulled(loop: _Loop, column: Sequence[Variable]) -> Variable | None:
    """Views that were taken before the loop, one for each window: they are taken inside it."""
    producer = loop.graph.producer
    makers = [producer[v] for v in column if v in producer]
    if len(makers) != len(column) or any(v in loop.stacks.row for v in column):
        return None
    first = makers[0]
    same = all(look(each) == look(first) for each in makers)
    if not same or OPERATORS[first.operator].aliases != "view":
        return None
    if first.output not in loop.brought:
        loop.brought[first.output] = None
        loop.pulled += _column(loop, makers, -1)
    return first.output


def _from_window(
    loop: _Loop, column: Sequence[Variable], k: int, last: tuple[int, int, int]
) -> Variable:
    """An operand that this window made, or one before it."""
    back = loop.run.count - 1 - last[0]
    place = last[1:]
    if back > _BACK or (back == 0 and place[0] >= k):
        raise NotALoop
    for t, variable in enumerate(column):
        wanted = None if t < back else (t - back, *place)
        if loop.made.get(variable) != wanted:
            raise NotALoop
    made = loop.windows[0][place[0]].outputs[place[1]]
    return made if back == 0 else _chain(loop, made, tuple(column[:back]))


def _chain(loop: _Loop, made: Variable, starts: tuple[Variable, ...]) -> Variable:
    """Return the input that carries what was made ``len(starts)`` windows ago."""
    key = made, starts
    if key not in loop.chains:
        # What the window before made is carried in; the longer way back goes through more.
        source = made if len(starts) == 1 else _chain(loop, made, starts[1:])
        here = Variable(made.shape, made.dtype, "input")
        loop.carried[here] = (starts[0], source)
        loop.chains[key] = here
    return loop.chains[key]


def _shared(loop: _Loop, variable: Variable) -> Variable:
    value = loop.graph.constants.get(variable, loop.stacks.constants.get(variable))
    if value is not None and not value.ndim:
        return variable
    if variable not in loop.shared:
        loop.shared[variable] = Variable(variable.shape, variable.dtype, "input")
    return loop.shared[variable]


def _row(loop: _Loop, stack: Variable, like: Variable) -> Variable:
    if stack not in loop.rows:
        loop.rows[stack] = Variable(like.shape, like.dtype, "input")
    return loop.rows[stack]


def _stack(loop: _Loop, column: Sequence[Variable]) -> Variable:
    """Return a variable whose rows are these, window by window."""
    constants, stacks = loop.graph.constants, loop.stacks
    if all(v in constants for v in column):
        return _constant(loop, np.stack([constants[v] for v in column]))
    if all(v in stacks.row for v in column):
        source = {stacks.row[v][0] for v in column}
        step = step_of([stacks.row[v][1] for v in column])
        if len(source) == 1 and step is not None:
            return _moved(loop, Row(source.pop(), 0, *step))
    if not loop.joins or sum(v.nbytes for v in column) > _STACKED:
        raise NotALoop
    return _joined(loop, column)


def _constant(loop: _Loop, value: Array) -> Variable:
    for variable, held in loop.stacks.constants.items():
        same = (held.shape, held.dtype) == (value.shape, value.dtype)
        if same and held.tobytes() == value.tobytes():
            return variable
    variable = Variable(value.shape, value.dtype, "constant")
    loop.stacks.constants[variable] = value
    return variable


def _joined(loop: _Loop, column: Sequence[Variable]) -> Variable:
    """Return separate arrays of one type as one, copied."""
    loop.needed += column
    shape = (1, *column[0].shape)
    parts = [Variable(shape, v.dtype) for v in column]
    whole = Variable((len(column), *column[0].shape), column[0].dtype)
    loop.before += [Operation("reshape", (v,), (part,), {"shape": shape})
                    for v, part in zip(column, parts, strict=True)]  # fmt: skip
    loop.before.append(Operation("concatenate", tuple(parts), (whole,), {"axis": 0}))
    return whole


def _moved(loop: _Loop, row: Row) -> Variable:
    """Return a view of an array whose rows are those that the windows read."""
    for operation in row.views(loop.run.count):
        loop.before.append(operation)
    return loop.before[-1].output if row.views(loop.run.count) else row.source


# -- Places that advance ---------------------------------------------------------------------------


def _indexing(loop: _Loop, column: Sequence[Operation], k: int) -> list[Operation]:
    """An index whose numbers differ from window to window."""
    first = column[0]
    templates = [each.attributes["template"] for each in column]
    at = advancing(templates)
    if at is None:
        raise NotALoop
    source = first.inputs[0]
    fixed = all(each.inputs[0] is source for each in column) and source not in loop.made
    if first.operator == "index" and len(first.inputs) == 1 and fixed:
        row = row_of(source, templates, at)
        if row is not None:
            loop.needed.append(source)
            stack = _moved(loop, row)
            here = _row(loop, stack, Variable(stack.shape[1:], stack.dtype))
            template = {"template": row.inside(templates[0], at)}
            return [Operation("index", (here,), first.outputs, template, first.location)]
    if any(isinstance(part, str) for part in templates[0]) or not isinstance(templates[0][at], int):
        raise NotALoop
    numbers = _constant(loop, np.array([each[at] for each in templates], np.int64))
    place = _row(loop, numbers, Variable((), np.dtype(np.int64)))
    inputs = _operands(loop, column, k)
    if first.operator == "index_add":
        return _spread(loop, first, inputs[0], (place, templates[0], at))
    if first.operator not in ("index", "index_update"):
        raise NotALoop
    template = (*templates[0][:at], "#0", *templates[0][at + 1 :])
    attributes = {**first.attributes, "template": template}
    return [Operation(first.operator, (*inputs, place), first.outputs, attributes, first.location)]


def _spread(
    loop: _Loop, first: Operation, g: Variable, where: tuple[Variable, Any, int]
) -> list[Operation]:
    """Values in one place of zeros, at a number that is known when the loop runs."""
    place, template, at = where
    shape: tuple[int, ...] = first.attributes["shape"]
    axis = sum(part is not None for part in template[:at])
    if template[at] < 0:
        raise NotALoop
    rest = (*template[:at], *template[at + 1 :])
    inner = (*shape[:axis], *shape[axis + 1 :])
    found: list[Operation] = []

    def record(
        operator: str, inputs: tuple[Variable, ...], like: Variable, **attributes: Any
    ) -> Variable:
        found.append(Operation(operator, inputs, (like,), attributes, first.location))
        return like

    if rest and rest != (slice(None),) * len(rest):
        g = record("index_add", (g,), Variable(inner, g.dtype), template=rest, shape=inner)
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    value = record("reshape", (g,), Variable(one, g.dtype), shape=one)
    sizes = tuple(n if k == axis else 1 for k, n in enumerate(shape))
    count = _shared(loop, _constant(loop, np.arange(shape[axis]).reshape(sizes)))
    mask = record("equal", (count, place), Variable(sizes, np.dtype(bool)))
    zero = _constant(loop, np.zeros((), g.dtype))
    record("where", (mask, value, zero), first.output)
    return found


# -- Who reads what a window makes -----------------------------------------------------------------


def _scan(loop: _Loop, body: list[Operation]) -> list[Operation]:
    count = loop.run.count
    stacked, last = _wanted(loop)
    finals = _finals(loop, last)
    starts = [start for start, _ in loop.carried.values()]
    inputs = (*loop.carried, *loop.rows.values(), *loop.shared.values())
    outputs = [after for _, after in loop.carried.values()] + stacked
    graph = Graph("loop", inputs, tuple(body), tuple(outputs), _scalars(loop, body))
    text = to_text(unnamed(prune(with_distinct_outputs(graph))))
    stacks = [Variable((count, *v.shape), v.dtype, v.role) for v in stacked]
    for stack, variable in zip(stacks, stacked, strict=True):
        _, k, o = loop.made[variable]
        for t, window in enumerate(loop.windows):
            loop.stacks.row[window[k].outputs[o]] = (stack, t)
    # Only now is it sure that the run is a loop: what fetches rows is made here.
    fetched = loop.stacks.rows_of((*loop.needed, *starts, *loop.shared))
    loop.stacks.shown.update(finals)
    head = loop.windows[0][0]
    scan = Operation(
        "scan", (*starts, *loop.rows, *loop.shared), (*finals, *stacks),
        {"body": text, "carries": len(starts), "stacked": len(loop.rows), "length": count,
         "reverse": False},
        head.location, None, head.origin,
    )  # fmt: skip
    return [*fetched, *loop.before, scan]


def _wanted(loop: _Loop) -> tuple[list[Variable], list[Variable]]:
    """Return what is read window by window from outside, and what only of the last one is."""
    stacked: dict[Variable, None] = {}
    last: dict[Variable, None] = {}
    outputs = set(loop.graph.outputs)
    inside = {each for window in loop.windows for each in window}
    for variable, (t, k, o) in loop.made.items():
        readers = loop.graph.consumers[variable]
        if variable in outputs or any(each not in inside for each in readers):
            same = loop.windows[0][k].outputs[o]
            (last if t == loop.run.count - 1 else stacked)[same] = None
    return list(stacked), [v for v in last if v not in stacked]


def _finals(loop: _Loop, last: Sequence[Variable]) -> list[Variable]:
    """Return the variables that the carried values are in the end."""
    kept = {source: here for here, (_, source) in reversed(loop.carried.items())}
    for variable in last:
        if variable not in kept:
            here = Variable(variable.shape, variable.dtype, "input")
            loop.carried[here] = (_nothing(loop, variable), variable)
            kept[variable] = here
    finals: list[Variable] = []
    for here, (_, source) in loop.carried.items():
        found = loop.made.get(source)
        is_its = found is not None and kept.get(source) is here
        finals.append(
            loop.windows[-1][found[1]].outputs[found[2]] if found is not None and is_its
            else Variable(source.shape, source.dtype)
        )  # fmt: skip
    return finals


def _nothing(loop: _Loop, like: Variable) -> Variable:
    """Return what begins a carry of which only the end is read."""
    zero = _constant(loop, np.zeros((), like.dtype))
    start = Variable(like.shape, like.dtype)
    loop.before.append(Operation("broadcast_to", (zero,), (start,), {"shape": like.shape}))
    return start


def _scalars(loop: _Loop, body: Sequence[Operation]) -> Mapping[Variable, Array]:
    constants = {**loop.graph.constants, **loop.stacks.constants}
    return {v: constants[v] for each in body for v in each.inputs if v in constants}


def unnamed(graph: Graph) -> Graph:
    """Return the graph without names: bodies of equal loops then have equal texts."""
    found = {v: Variable(v.shape, v.dtype, v.role if v.role != "gradient" else "intermediate")
             for v in graph.variables}  # fmt: skip
    operations = tuple(
        Operation(each.operator, tuple(found[v] for v in each.inputs),
                  tuple(found[v] for v in each.outputs), each.attributes, each.location)
        for each in graph.operations
    )  # fmt: skip
    return Graph(
        graph.name, tuple(found[v] for v in graph.inputs), operations,
        tuple(found[v] for v in graph.outputs),
        {found[v]: value for v, value in graph.constants.items()},
    )  # fmt: skip
