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

from wengert.base.errors import WengertWarning
from wengert.base.tree import unflatten
from wengert.graph.graph import Array, Graph
from wengert.reference.interpreter import run
from wengert.rewriting.rewrite import simplify
from wengert.tracing.freshness import Fresh, signature
from wengert.tracing.trace import is_array_like, trace
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
        program: what carries it out.
    """

    graph: Graph
    program: Runs


class Compiled:
    """A function that runs as machine code; made by :func:`compile`.

    Attributes:
        threads: how many run a program together; None for the cores that are free.
    """

    def __init__(self, function: Callable[..., Any], threads: int | None = None) -> None:
        self._function = function
        self.threads = threads
        # A transformed function reads what the function inside it reads.
        self._made = Fresh[Made](unwrap(function))
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any) -> Any:
        """Return what the function returns, as new arrays."""
        key, leaves = signature(args, is_array_like)
        if any(isinstance(leaf, Tracer) for leaf in leaves):
            return self._function(*args)
        made = self._made.get(key) or self._make(key, args)
        results = made.program(*leaves)
        return unflatten(made.graph.output_structure, [r if r.ndim else r[()] for r in results])

    def made(self, *args: Any) -> Made:
        """Return graph and program for arguments like these, made when they come first."""
        key, _ = signature(args, is_array_like)
        return self._made.get(key) or self._make(key, args)

    def _make(self, key: Any, args: tuple[Any, ...]) -> Made:
        graph = trace(self._function, *args)
        made = Made(graph, program(graph, self.threads))
        self._made.put(key, made)
        return made

    def listing(self, *args: Any) -> str:
        """Return the kernels for arguments like these: shapes, flops, bytes, source lines."""
        made = self.made(*args).program
        return made.listing() if hasattr(made, "listing") else "interpreted: llvmlite is absent"  # type: ignore[attr-defined]


def compile(function: Callable[..., Any], threads: int | None = None) -> Compiled:
    """Return the function as a program that is compiled once for each combination of types.

    The function is traced, its graph simplified and fused into kernels, and these run over one
    arena by persistent threads. Results have the same bits for any number of threads. Gradients
    are functions too: ``wg.compile(wg.value_and_grad(objective))``; so are training steps.

    Args:
        function: plain NumPy code; arrays in nested containers go in and come out. Numbers and
            texts among the arguments stay fixed, and another value compiles again; so does a
            default, closure or global that the code reads and that has changed.
        threads: how many run it together; None for the cores that are free.

    Raises:
        OptionError: a number of threads that makes no sense.
        TraceError, UnsupportedError, ShapeError, DtypeError: as for ``wg.trace``.

    >>> fast = compile(lambda x: np.sum(np.tanh(x) ** 2))
    >>> bool(abs(fast(np.ones(3)) - 3 * np.tanh(1.0) ** 2) < 1e-15)
    True
    """
    return Compiled(function, threads)


def program(graph: Graph, threads: int | None = None) -> Runs:
    """Return a compiled program for a graph; the interpreter where llvmlite is absent."""
    if not has_compiler():
        return Interpreted(graph)
    from wengert.native.program import compile_graph  # noqa: PLC0415 - llvmlite may be absent

    return compile_graph(simplify(graph), threads)


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
