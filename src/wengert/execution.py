"""Functions as programs: traced once a signature, compiled, and run at machine speed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, update_wrapper
from importlib.util import find_spec
from inspect import unwrap
from typing import Any, Protocol

import numpy as np

from wengert.base.errors import DataError, WengertWarning
from wengert.base.guards import is_ndarray
from wengert.base.tree import unflatten
from wengert.compilation import plan
from wengert.compilation.programs import fitting_under
from wengert.graph.graph import Array, Graph
from wengert.planning.budget import checked_budget
from wengert.planning.plan import plan_graph
from wengert.planning.refining import within
from wengert.planning.solver import checked_seconds
from wengert.reference.interpreter import run
from wengert.rewriting.roll import prepared
from wengert.tracing.bare import bare
from wengert.tracing.freshness import Fresh, signature
from wengert.tracing.trace import is_array_like, trace_with_changes
from wengert.tracing.tracer import Tracer


class Runs(Protocol):
    """What carries out a graph: a compiled program, or the interpreter in its place."""

    def __call__(self, *leaves: Array) -> list[Array]:
        """Return the outputs for these inputs, leaf by leaf."""
        ...


@dataclass(frozen=True)
class Made:
    """One signature of a compiled function.

    Attributes:
        graph: what was traced, by the user's names and lines.
        program: what carries it out; it gives what is returned, then what has changed.
        changed: the arrays, leaf by leaf, that the function writes into.
    """

    graph: Graph
    program: Runs
    changed: tuple[int, ...] = ()


class Compiled:
    """A function that runs as machine code; made by :func:`compile`.

    Attributes:
        threads: how many run a program together; None for the cores that are free.
        memory: bytes that bound what each program allocates; None for no bound.
        solve: seconds in which a solver looks for less to make again; None for greedy plans.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        threads: int | None = None,
        memory: int | None = None,
        solve: float | None = None,
    ) -> None:
        self._function = function
        self.threads, self.memory, self.solve = threads, memory, solve
        # A transformed function reads what the function inside it reads.
        self._made = Fresh[Made](unwrap(function))
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any) -> Any:
        """Return what the function returns, as new arrays."""
        key, leaves = signature(args, is_array_like)
        if any([isinstance(leaf, Tracer) for leaf in leaves]):
            return self._function(*args)
        made = self._made.get(key) or self._make(key, args)
        if made.changed:
            leaves = list(map(bare, leaves))
            _check_changed(leaves, made)
        results = made.program(*leaves)
        returned, changed = unflatten(
            made.graph.output_structure, [r if r.ndim else r[()] for r in results]
        )
        for place, value in zip(made.changed, changed, strict=True):
            leaves[place][...] = value
        return returned

    def made(self, *args: Any) -> Made:
        """Return graph and program for arguments like these, made when they come first."""
        key, _ = signature(args, is_array_like)
        return self._made.get(key) or self._make(key, args)

    def _make(self, key: Any, args: tuple[Any, ...]) -> Made:
        traced = trace_with_changes(self._function, *args)
        if self.memory is None:
            graph, carries = traced.graph, program(traced.graph, self.threads)
        else:
            graph, carries = self._bounded(traced.graph, args, self.memory)
        made = Made(graph, carries, traced.changed)
        self._made.put(key, made)
        return made

    def _bounded(self, graph: Graph, args: tuple[Any, ...], allowed: int) -> tuple[Graph, Runs]:
        """Return the graph, with as much made again as the budget asks for, and its program."""
        fitting = fitting_under(plan_graph(graph))
        found = within(fitting, allowed, self.solve)
        if found is None:
            # A plan of the function knows the batch that would fit.
            plan(self._function, *args, backward=False).bounded(allowed)
            raise fitting.refusal(allowed)
        return found.graph, program(found.graph, self.threads, ready=True)

    def listing(self, *args: Any) -> str:
        """Return the kernels for arguments like these: shapes, flops, bytes, source lines."""
        made = self.made(*args).program
        return made.listing() if hasattr(made, "listing") else "interpreted: llvmlite is absent"  # type: ignore[attr-defined]


def _check_changed(given: list[Any], made: Made) -> None:
    """Raise where NumPy could not write, or where a write would show in another argument.

    Raises:
        DataError: an argument that is changed is read-only, or overlaps another one.
    """
    names = [variable.label or "an argument" for variable in made.graph.inputs]
    for place in made.changed:
        array = given[place]
        if not is_ndarray(array) or not array.flags.writeable:
            raise DataError(
                f"{made.graph.name} writes into {names[place]}",
                expected="an array that can be written into",
                got="a read-only array" if is_ndarray(array) else "a scalar",
                remedy="pass a copy: np.array(…)",
            )
        for other, each in enumerate(given):
            if other != place and np.may_share_memory(array, each):
                raise DataError(
                    f"{made.graph.name} writes into {names[place]}",
                    expected="arguments that share no memory",
                    got=f"{names[place]} and {names[other]} overlap",
                    remedy="pass a copy of one of them",
                )


def compile(
    function: Callable[..., Any],
    threads: int | None = None,
    memory: str | int | None = None,
    solve: float | None = None,
) -> Compiled:
    """Return the function as a program that is compiled once for each combination of types.

    The function is traced, its graph simplified and fused into kernels, and these run over one
    arena by persistent threads. Results have the same bits for any number of threads. Gradients
    are functions too: ``wg.compile(wg.value_and_grad(objective))``; so are training steps.

    Args:
        function: plain NumPy code; arrays in nested containers go in and come out, and arguments
            that it writes into are changed as by NumPy. Numbers and texts among the arguments
            stay fixed, and another value compiles again; so does a default, closure or global
            that the code reads and that has changed.
        threads: how many run it together; None for the cores that are free.
        memory: bytes, or text such as ``"200MB"``, that bound what the program allocates for
            intermediates, as ``wg.plan`` tells it. Forward variables are made again before
            backward where that is needed; results have the same bits.
        solve: seconds in which OR-Tools looks for less to make again, as in ``wg.plan``.

    Raises:
        OptionError: threads, a budget or seconds that make no sense.
        BudgetError: nothing fits the budget; the message states the least that does, what binds
            it, and the largest batch that would fit.
        TraceError, UnsupportedError, ShapeError, DtypeError: as for ``wg.trace``.

    >>> fast = compile(lambda x: np.sum(np.tanh(x) ** 2))
    >>> bool(abs(fast(np.ones(3)) - 3 * np.tanh(1.0) ** 2) < 1e-15)
    True
    """
    allowed = None if memory is None else checked_budget(memory, "compile: memory")
    return Compiled(function, threads, allowed, checked_seconds(solve, "compile: solve"))


def program(graph: Graph, threads: int | None = None, ready: bool = False) -> Runs:
    """Return a compiled program for a graph; the interpreter where llvmlite is absent.

    Long loops that Python unrolled are rolled again. A graph that is ``ready`` is compiled as it
    is: what it makes again stays apart.
    """
    if not has_compiler():
        return Interpreted(graph)
    from wengert.native.program import compile_graph  # noqa: PLC0415 - llvmlite may be absent

    return compile_graph(graph if ready else prepared(graph), threads)


@cache
def has_compiler() -> bool:
    """Return whether llvmlite is there; where it is not, say so once."""
    if find_spec("llvmlite") is not None:
        return True
    warnings.warn(
        "llvmlite is not installed: graphs run in the interpreter, with NumPy, more slowly. "
        "Instead: pip install llvmlite",
        WengertWarning,
        stacklevel=3,
    )
    return False


@dataclass(frozen=True)
class Interpreted:
    """A graph that the reference interpreter carries out."""

    graph: Graph

    def __call__(self, *leaves: Array) -> list[Array]:
        """Return the outputs for these inputs, leaf by leaf."""
        with np.errstate(all="ignore"):
            return run(self.graph, leaves)
