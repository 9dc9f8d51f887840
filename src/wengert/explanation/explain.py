"""One object that shows an objective: its mathematics, its source and its drawings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wengert.base.errors import OptionError
from wengert.base.files import write_atomically
from wengert.base.guards import is_numpy
from wengert.base.tree import flatten
from wengert.explanation.bodies import body_texts
from wengert.explanation.drawing.forward import forward_svg
from wengert.explanation.drawing.ladder import ladder_svg
from wengert.explanation.drawing.scene import Opened
from wengert.explanation.mathematics.derive import derive
from wengert.explanation.mathematics.latex import to_latex
from wengert.explanation.mathematics.lines import Derivation
from wengert.explanation.mathematics.text import to_text
from wengert.explanation.traced import Graph
from wengert.graph.graph import Array
from wengert.tracing.trace import is_array_like, trace
from wengert.transforms import Wrt, joint

Drawing = Literal["ladder", "forward"]
Letters = Mapping[str, Sequence[str]]


def explain(
    objective: Callable[..., Any], *examples: Any, wrt: Wrt = 0, axes: Letters | None = None
) -> Explanation:
    """Return the explanation of an objective: formulas, source text, drawings.

    Args:
        objective: plain NumPy code that returns a scalar J, or (J, auxiliary values).
        examples: arrays, or :class:`~wengert.Spec` where there is no data yet; the lines are
            then checked on drawn numbers.
        wrt: the argument, or arguments, that J is differentiated by.
        axes: letters for the axes of variables, such as ``{"W1": ("h", "d")}``; chosen where
            nothing is said.

    Raises:
        DifferentiationError: the objective is not a scalar.

    >>> def objective(W, x):
    ...     z = W @ x
    ...     return np.sum(z * z)
    >>> "prod" in explain(objective, np.ones((3, 4)), np.ones(4)).latex()
    True
    """
    both = Graph.of(joint(objective, *examples, wrt=wrt))
    forward = Graph.of(trace(objective, *examples, parameters=wrt))
    return Explanation(forward, both, _numbers(examples), axes)


def _numbers(examples: tuple[Any, ...]) -> tuple[Array, ...] | None:
    leaves = [leaf for leaf in flatten(examples, is_leaf=is_array_like)[0] if is_array_like(leaf)]
    if all(is_numpy(leaf) for leaf in leaves):
        return tuple(np.asarray(leaf) for leaf in leaves)
    return None


@dataclass(frozen=True, eq=False)
class Explanation:
    """An objective, shown.

    Attributes:
        forward: the graph of the forward pass alone.
        graph: forward and backward pass in one graph.
        examples: the arrays that every printed line was checked on; None for drawn ones.
        axes: letters that the user chose for axes.
    """

    forward: Graph
    graph: Graph
    examples: tuple[Array, ...] | None
    axes: Letters | None

    @cached_property
    def derivation(self) -> Derivation:
        """The lines as data; each was executed and checked before it is shown."""
        return derive(self.graph, self.examples, self.axes)

    def text(self) -> str:
        """Return the derivation in Unicode for a terminal, each line with its tick.

        What stands inside a loop or a branch follows, derived once, with its gradient.
        """
        return "\n\n".join([to_text(self.derivation), *body_texts(self.forward)])

    def latex(self, document: bool = False) -> str:
        """Return the derivation in LaTeX: an ``align*`` body, or a whole document."""
        return to_latex(self.derivation, document)

    def source(self) -> str:
        """Return forward and backward pass as runnable NumPy without Wengert."""
        return self.graph.source()

    def svg(self, drawing: Drawing = "ladder", open: Opened = ()) -> str:
        """Return the drawing: the ladder with the backward pass, or the forward graph alone.

        ``open`` names functions of the user's to look inside; True opens all.
        """
        if drawing == "forward":
            return forward_svg(self.forward, open)
        if drawing == "ladder":
            return ladder_svg(self.graph, open)
        raise OptionError("a drawing", expected="'ladder' or 'forward'", got=repr(drawing))

    def html(self) -> str:
        """Return one offline page: both drawings, the derivation and the source."""
        title = escape(self.graph.name)
        parts = (
            f"<h1>{title}</h1>",
            f"<h2>Forward</h2>{self.svg('forward')}",
            f"<h2>Forward and backward</h2>{self.svg()}",
            f"<h2>Derivation</h2><pre>{escape(self.text())}</pre>",
            f"<h2>Source</h2><pre>{escape(self.source())}</pre>",
        )
        style = "body{font:16px/1.5 Georgia,serif;margin:2rem;color:#1f2937;background:#fff}"
        style += "pre{font:14px/1.45 monospace;overflow:auto}svg{max-width:100%;height:auto}"
        head = f'<meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        body = "".join(parts)
        return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write what the file's ending asks for: .svg, .html, .tex, .txt or .py.

        The file appears whole or not at all.
        """
        target = Path(path)
        makers: dict[str, Callable[[], str]] = {
            ".svg": self.svg,
            ".html": self.html,
            ".tex": lambda: self.latex(document=True),
            ".txt": self.text,
            ".py": self.source,
        }
        if target.suffix not in makers:
            raise OptionError(
                f"the explanation is saved as {target.name}",
                expected=f"a name ending in {', '.join(makers)}",
                got=repr(target.suffix),
            )
        write_atomically(target, makers[target.suffix]())
        return target

    def _repr_html_(self) -> str:
        return f"{self.svg()}<pre>{escape(self.text())}</pre>"

    def __str__(self) -> str:
        return self.text()
