"""A derivation as LaTeX."""

from __future__ import annotations

from collections.abc import Iterator

from wengert.explanation.mathematics.equation import Equations
from wengert.explanation.mathematics.lines import Derivation, Line, Note
from wengert.explanation.mathematics.style import Latex
from wengert.explanation.mathematics.text import tick

_HEAD = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\allowdisplaybreaks
\begin{document}
"""
_TITLES = ("Forward propagation", "Backpropagation", "Inside the functions")


def to_latex(derivation: Derivation, document: bool = False) -> str:
    r"""Return the derivation as ``align*`` environments, or as a whole document.

    Each line ends in a comment with its tick, its error and the user's line.

    >>> import numpy as np
    >>> from wengert.explanation.mathematics.derive import derive
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.transforms import joint
    >>> def objective(W, x):
    ...     h = W @ x
    ...     J = np.sum(h * h)
    ...     return J
    >>> latex = to_latex(derive(joint(objective, Spec((3, 4)), Spec((4,)))))
    >>> r"\mathbf{h} &= \mathbf{W} \mathbf{x}" in latex
    True
    """
    equations = Equations(derivation, Latex())
    parts = [
        _align(equations, lines, title if document else None)
        for title, lines in zip(
            _TITLES, (derivation.forward, derivation.gradients, derivation.insides), strict=True
        )
        if lines
    ]
    stated = [note_latex(equations, note) for note in derivation.notes]
    if derivation.legend:
        sizes = ", ".join(f"{letter} = {size}" for letter, size in derivation.legend.items())
        stated.append(f"Sizes: ${sizes}$.")
    if document:
        return _HEAD + "\n".join(parts) + "\n" + "\n\n".join(stated) + "\n\\end{document}\n"
    comments = "".join(f"% {line}\n" for line in stated)
    return "\n".join(parts) + "\n" + comments


def equation(derivation: Derivation, line: Line) -> str:
    """Return one line as LaTeX without alignment."""
    return Equations(derivation, Latex()).line(line)


def _align(equations: Equations, lines: tuple[Line, ...], title: str | None) -> str:
    head = f"\\section*{{{title}}}\n" if title else ""
    body = "\n".join(_rows(equations, lines))
    return f"{head}\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _rows(equations: Equations, lines: tuple[Line, ...]) -> Iterator[str]:
    for number, line in enumerate(lines):
        left, right = equations.sides(line)
        end = "" if number == len(lines) - 1 else r" \\"
        place = "" if line.location is None else f"  {line.location}"
        yield f"{left} &= {right}{end}  % {tick(line.check)}{place}"


def note_latex(equations: Equations, note: Note) -> str:
    """Return what was stated, in words."""
    tensor = f"${equations.writer.tensor(note.tensor)}$"
    match note.kind:
        case "define":
            return f"$\\mathbf{{{note.letter}}} = {equations.definition(note.tensor)}$."
        case "one-hot":
            return f"$\\mathbf{{{note.letter}}}$ is the one-hot form of {tensor}."
        case "probabilities":
            return f"{tensor} is $1$: the labels of every example sum to one (checked)."
        case _:
            return f"{tensor} is $0$: no tie in max or min on this data (checked)."
