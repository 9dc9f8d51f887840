"""A derivation as Unicode text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wengert.explanation.mathematics.equation import Equations
from wengert.explanation.mathematics.lines import Derivation, Line, Note
from wengert.explanation.mathematics.style import Unicode
from wengert.explanation.mathematics.verify import Check

_WIDEST = 78


def to_text(derivation: Derivation) -> str:
    """Return the derivation as text: each line with its tick, its error and its place.

    >>> import numpy as np
    >>> from wengert.explanation.mathematics.derive import derive
    >>> from wengert.tracing.spec import Spec
    >>> from wengert.transforms import joint
    >>> def objective(W, x):
    ...     h = W @ x
    ...     J = np.sum(h * h)
    ...     return J
    >>> print(to_text(derive(joint(objective, Spec((3, 4)), Spec((4,))))))
    objective ...
    """
    equations = Equations(derivation, Unicode())
    sections = (
        ("Forward", derivation.forward),
        ("Backward", derivation.gradients),
        ("Inside", derivation.insides),
    )
    rows: list[str] = [_head(derivation)]
    for title, lines in sections:
        if lines:
            rows += ["", title, *_section(equations, lines)]
    stated = [note_text(equations, note) for note in derivation.notes]
    if stated:
        rows += ["", "Stated", *(f"  {text}" for text in stated)]
    return "\n".join(rows)


def _head(derivation: Derivation) -> str:
    legend = ", ".join(
        f"{Unicode().space([letter]).removeprefix('∈ R^').strip('{}')} = {size}"
        for letter, size in derivation.legend.items()
    )
    return f"{derivation.name}   {legend}".rstrip()


def _section(equations: Equations, lines: Sequence[Line]) -> Iterator[str]:
    texts = [equations.line(line) for line in lines]
    width = min(_WIDEST, max(len(text) for text in texts))
    for line, text in zip(lines, texts, strict=True):
        place = "" if line.location is None else f"   {line.location.file}:{line.location.line}"
        yield f"  {text:<{width}}   {tick(line.check)}{_short(place)}"


def _short(place: str) -> str:
    return "   " + place.strip().replace("\\", "/").rpartition("/")[2] if place else ""


def tick(check: Check) -> str:
    """Return ✓ or ✗ with the error.

    >>> tick(Check(2e-16, 3e-11)), tick(Check(0.5, None))
    ('✓ 3e-11', '✗ 5e-01')
    """
    return f"{'✓' if check.passed else '✗'} {check.error:.0e}"


def note_text(equations: Equations, note: Note) -> str:
    """Return what was stated, in words; ✓ since it was checked on the data."""
    tensor = equations.writer.tensor(note.tensor)
    match note.kind:
        case "define":
            return f"{note.letter} = {equations.definition(note.tensor)}"
        case "one-hot":
            return f"{note.letter} is the one-hot form of {tensor}"
        case "probabilities":
            return f"✓ {tensor} = 1: the labels of every example sum to one"
        case _:
            return f"✓ {tensor} = 0: no tie in max or min on this data"
