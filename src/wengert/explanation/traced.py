"""The graph as users hold it: it runs, prints, parses and shows itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from wengert.base.errors import GraphError
from wengert.base.tree import Structure, flatten, unflatten
from wengert.explanation.audit import Audit, audit
from wengert.explanation.drawing.forward import forward_svg
from wengert.explanation.drawing.scene import Opened
from wengert.explanation.source import to_source
from wengert.graph import graph as data
from wengert.graph import text
from wengert.operators.check import check_types
from wengert.reference.interpreter import run
from wengert.tracing import trace as tracing
from wengert.tracing.trace import is_array_like


@dataclass(frozen=True, eq=False)
class Graph(data.Graph):
    """What a function computes, in order, by the user's own names and lines.

    ``graph(*arrays)`` runs it in the reference interpreter; ``str(graph)`` is its text form and
    ``Graph.parse(text)`` the inverse; ``graph.source()`` is runnable NumPy; two graphs are equal
    when their texts are.

    >>> import numpy as np
    >>> graph = trace(lambda x: np.sum(x * x), np.ones(3))
    >>> float(graph(np.arange(3.0)))
    5.0
    >>> Graph.parse(str(graph)) == graph
    True
    """

    @classmethod
    def of(cls, graph: data.Graph) -> Graph:
        """Return the same graph with a user's face."""
        return cls(**{field.name: getattr(graph, field.name) for field in fields(data.Graph)})

    @classmethod
    def parse(cls, text_form: str) -> Graph:
        """Return the graph that a text describes; no code in it is run.

        Raises:
            GraphError: the text is malformed, or a type is not the operator's.
        """
        return cls.of(check_types(text.parse(text_form)))

    def __call__(self, *arguments: Any) -> Any:
        """Run the graph in the reference interpreter.

        Raises:
            GraphError: the arguments are not those it was traced for.
        """
        leaves, structure = flatten(arguments, is_leaf=is_array_like)
        self._check_arguments(leaves, structure)
        arrays = [leaf for leaf in leaves if is_array_like(leaf)]
        results = run(self, arrays)
        return unflatten(self.output_structure, [r[()] if r.ndim == 0 else r for r in results])

    def _check_arguments(self, leaves: list[Any], structure: Structure) -> None:
        fixed = iter(leaves)
        given = _with_statics(structure, fixed)
        if given != self.input_structure:
            raise GraphError(
                f"{self.name} is run",
                expected=_structure_text(self.input_structure, self.arguments),
                got=_structure_text(given, self.arguments),
                remedy="pass what it was traced with, or trace it again",
            )

    def source(self) -> str:
        """Return runnable NumPy text of the graph, in the user's names, without Wengert."""
        return to_source(self)

    def svg(self, open: Opened = ()) -> str:
        """Return the drawing of the graph; ``open`` names functions to look inside."""
        return forward_svg(self, open)

    def audit(self) -> Audit:
        """Return the inputs that no gradient reaches, with where their paths are cut, and the
        arrays and named numbers that the function closes over, with size and line.
        """
        return audit(self)

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return text.to_text(self)

    def __repr__(self) -> str:
        return (
            f"<Graph {self.name}: {len(self.inputs)} inputs, {len(self.operations)} operations, "
            f"{len(self.outputs)} outputs>"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, data.Graph) and text.equal(self, other)

    def __hash__(self) -> int:
        return hash(text.to_text(self))


def trace(function: Callable[..., Any], *examples: Any) -> Graph:
    """Return the graph of a plain NumPy function for arguments like ``examples``.

    Args:
        function: code written with ``import numpy as np``.
        examples: arrays or :class:`~wengert.Spec` in nested containers; numbers, texts and other
            values stay as they are.

    Raises:
        TraceError: a traced value leaves the graph (``if``, ``float()``, item assignment …).
        UnsupportedError: a NumPy function outside the supported surface.
        ShapeError, DtypeError: operands that do not fit, with the user's names and line.

    >>> import numpy as np
    >>> print(trace(lambda W, x: W @ x, np.ones((2, 3)), np.ones(3)).outputs[0].shape)
    (2,)
    """
    return Graph.of(tracing.trace(function, *examples))


def _with_statics(structure: Structure, leaves: Any) -> Structure:
    if structure.kind == "leaf":
        leaf = next(leaves)
        return structure if is_array_like(leaf) else Structure("static", (leaf,))
    children = tuple(_with_statics(child, leaves) for child in structure.children)
    return Structure(structure.kind, structure.keys, children, structure.type)


def _structure_text(structure: Structure, arguments: tuple[str, ...]) -> str:
    names = arguments if len(arguments) == len(structure.children) else structure.keys
    parts = (
        f"{name}={_part(child)}" for name, child in zip(names, structure.children, strict=True)
    )
    return ", ".join(parts)


def _part(structure: Structure) -> str:
    if structure.kind == "leaf":
        return "an array"
    if structure.kind in ("static", "none"):
        return repr(structure.keys[0]) if structure.keys else "None"
    inside = ", ".join(
        f"{key!r}: {_part(child)}"
        for key, child in zip(structure.keys, structure.children, strict=True)
    )
    return f"{structure.kind} {{{inside}}}"
