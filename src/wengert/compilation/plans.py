"""Plan: what a function would hold, in the compiled program and in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.base.dtypes import is_differentiable
from wengert.base.tree import flatten, unflatten
from wengert.compilation.memory import MemoryPlan
from wengert.compilation.source import Source
from wengert.graph.graph import Graph
from wengert.planning.budget import checked_budget
from wengert.planning.solver import checked_seconds
from wengert.tracing.spec import Spec
from wengert.tracing.trace import is_array_like, trace


def plan(
    function: Callable[..., Any],
    *examples: Any,
    backward: bool | None = None,
    memory: str | int | None = None,
    solve: float | None = None,
    resident: int | None = None,
) -> MemoryPlan:
    """Return what a function holds in memory while it runs: exact, before anything runs.

    An objective (a function that returns a scalar J, or J and more) is planned with its backward
    pass: J and the gradients with respect to its first argument. Any other function, such as
    a training step, is planned as it is.

    Args:
        function: plain NumPy code.
        examples: its arguments: arrays or ``Spec``; no data is needed and none is read.
        backward: True or False to plan with or without the backward pass whatever the
            function returns; False shows what prediction alone would hold.
        memory: a budget, bytes or text such as ``"200MB"``, that bounds ``peak_bytes``: the
            operations are put in the order that holds least, and forward variables are made
            again before backward where that is needed, with the same results to the bit.
        solve: seconds in which OR-Tools (the extra ``solve``) looks for less recomputation within
            ``memory`` than the greedy plan, which stands where nothing better is found in time,
            or OR-Tools is absent. What is found is played anew before it is believed.
        resident: for a training step the number of leaves of its state, which then stays in memory
            of its own from step to step, and is no result: the program is the one that ``wg.fit``
            runs. None for the program that ``wg.compile`` makes.

    Returns:
        A :class:`MemoryPlan`.

    Raises:
        WengertError: the function cannot be traced or differentiated.
        BudgetError: nothing fits the budget; the message states the least that does, what
            binds it, and the largest batch that would fit.
        OptionError: the budget is no number of bytes, or ``solve`` no number of seconds.

    >>> import numpy as np
    >>> def objective(W, x):
    ...     h = np.tanh(x @ W)
    ...     return np.sum(h * h)
    >>> p = plan(objective, Spec((3, 4), "float64"), Spec((8, 3), "float64"))
    >>> p.interpreter_bytes == max(moment.live for moment in p.timeline())
    True
    >>> p.program is None or p.peak_bytes == p.program.peak_bytes
    True
    """
    allowed = None if memory is None else checked_budget(memory)
    seconds = checked_seconds(solve)
    leaves, structure = flatten(examples, is_leaf=lambda node: isinstance(node, Spec))
    specs = tuple(Spec(e.shape, e.dtype) if is_array_like(e) else e for e in leaves)
    if backward is None:
        backward = _is_objective(trace(function, *unflatten(structure, list(specs))))
    source = Source(function, backward, specs, structure)
    found = MemoryPlan(source.plan(specs, structure), source, resident=resident)
    return found if allowed is None else found.bounded(allowed, seconds)


def _is_objective(graph: Graph) -> bool:
    """Return whether the result is a real scalar, or a pair that begins with one."""
    result = graph.output_structure
    is_pair = result.kind == "tuple" and len(result.children) == 2
    first = result.children[0] if is_pair else result
    if first.kind != "leaf" or not graph.outputs:
        return False
    output = graph.outputs[0]
    return output.shape == () and is_differentiable(output.dtype)
