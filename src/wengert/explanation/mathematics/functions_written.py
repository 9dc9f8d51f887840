"""How functions of tensors are written: exp(Z), max(Z, 0), 1[Z > 0], rowmax(X), X[1:]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wengert.explanation.mathematics.notation import Notation
from wengert.explanation.mathematics.style import ATOM, RELATIONS, Piece, Style
from wengert.explanation.mathematics.terms import Apply, Sum, same_sums
from wengert.graph.text import held
from wengert.operators.bodies import BODIES
from wengert.operators.registry import OPERATORS

_WORDS = {
    "maximum": "max", "minimum": "min", "relu": "ReLU", "leaky_relu": "LeakyReLU",
    "gelu": "GELU", "sigmoid": "sigmoid", "arctan2": "atan2", "absolute": "abs",
    "stop_gradient": "stop", "binary_cross_entropy": "bce", "logical_not": "not",
}  # fmt: skip
_REDUCTIONS = {"max", "min", "prod", "var", "std", "argmax", "argmin", "any", "all", "logsumexp"}
# What puts numbers at places that a template tells, by its number of operands.
_PLACING = {("index_add", 1): "scatter", ("index_update", 2): "update", ("add_at", 2): "add"}
_ROW, _COLUMN = "row", "col"


class Pen(Protocol):
    """What a writer offers."""

    style: Style
    notation: Notation

    def argument(self, tensor: Sum) -> str:
        """Return what stands between brackets."""
        ...

    def atom(self, atom: Any) -> Piece:
        """Return an atom without indices."""
        ...


def write_apply(pen: Pen, atom: Apply, texts: Sequence[str] | None = None) -> Piece:
    """Return an operator applied to its arguments (``texts``, when they are written already)."""
    style, name = pen.style, atom.operator
    inner = [pen.argument(each) for each in atom.arguments] if texts is None else list(texts)
    attributes = dict(atom.attributes)
    if name in RELATIONS:
        return Piece(style.indicator(f" {style.relation(name)} ".join(inner)))
    if name == "where" and texts is None:
        inner[0] = _condition(pen, atom.arguments[0]) or inner[0]
    if name == "absolute":
        return Piece(style.absolute(inner[0]))
    if name == "sqrt":
        return Piece(style.root(inner[0]))
    if name == "power":
        return Piece(style.brackets(inner[0]), style.raised(inner[1]))
    if name == "log_softmax":
        return _log_softmax(pen, atom, inner[0])
    if name == "index" and len(inner) == 1:
        base = _picked_from(pen, atom, inner[0])
        return Piece(style.picked(base, _template(attributes["template"])))
    if (name, len(inner)) in _PLACING:
        word = style.word(_PLACING[name, len(inner)])
        word = style.picked(word, _template(attributes["template"]))
        return Piece(style.call(word, inner))
    if name == "reshape":
        return Piece(style.call(style.word(_reshaped(atom)), inner))
    is_part = atom.part is not None or name in BODIES
    word = _part(name, atom) if is_part else _WORDS.get(name, name)
    if name in _REDUCTIONS:
        word = _prefix(atom, attributes.get("axis")) + word
    return Piece(style.call(style.word(word), inner))


def _part(name: str, atom: Apply) -> str:
    """Return what one of several results is called: of a loop its body's name and a number."""
    part, attributes = atom.part or 0, dict(atom.attributes)
    if name in BODIES:
        body = held(attributes[BODIES[name][-1]]).name
        return body if atom.part is None else f"{body} {part + 1}"
    return OPERATORS[name].parts[part]


def _condition(pen: Pen, tensor: Sum) -> str | None:
    """Return Z > 0 for 1[Z > 0], where a condition stands by itself."""
    factors = [factor for term in tensor.terms for factor in term.factors]
    if len(tensor.terms) != 1 or len(factors) != 1 or factors[0].power != 1:
        return None
    atom = factors[0].atom
    if not isinstance(atom, Apply) or atom.operator not in RELATIONS:
        return None
    if tensor.terms[0].coefficient != 1 or pen.notation.letter(atom) is not None:
        return None
    return f" {pen.style.relation(atom.operator)} ".join(map(pen.argument, atom.arguments))


def _picked_from(pen: Pen, atom: Apply, text: str) -> str:
    (argument,) = atom.arguments
    alone = len(argument.terms) == 1 and len(argument.terms[0].factors) == 1
    single = argument.terms[0] if alone else None
    if single is not None and single.coefficient == 1 and single.factors[0].power == 1:
        if pen.atom(single.factors[0].atom).level == ATOM:
            return text
    return pen.style.brackets(text)


def _log_softmax(pen: Pen, atom: Apply, inner: str) -> Piece:
    rank = len(atom.arguments[0].outputs)
    axis = dict(atom.attributes)["axis"] % rank
    softmax = next(
        (letter for known, letter in pen.notation.short
         if isinstance(known, Apply) and known.operator == "softmax"
         and dict(known.attributes)["axis"] % rank == axis
         and same_sums(known.arguments[0], atom.arguments[0])),
        None,
    )  # fmt: skip
    style = pen.style
    if softmax is not None:
        known = next(a for a, letter in pen.notation.short if letter == softmax)
        return Piece(f"{style.word('log')} {style.finish(pen.atom(known))}")
    return Piece(f"{style.word('log')} {style.call(style.word('softmax'), [inner])}", "", ATOM)


def _prefix(atom: Apply, axis: Any) -> str:
    """Return row or col for a reduction of a matrix along one axis."""
    rank = len(atom.arguments[0].outputs)
    axes = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if rank != 2 or len(axes) != 1:
        return ""
    return _ROW if axes[0] % rank == 1 else _COLUMN


def _reshaped(atom: Apply) -> str:
    return "vec" if len(dict(atom.attributes)["shape"]) == 1 else "reshape"


def _template(entries: Sequence[Any]) -> str:
    return ", ".join(_entry(entry) for entry in entries)


def _entry(entry: Any) -> str:
    if entry is None:
        return "new"
    return slice_text(entry) if isinstance(entry, slice) else str(entry)


def slice_text(part: Any) -> str:
    """Return a slice as it stands between square brackets.

    >>> slice_text(slice(1, None)), slice_text(slice(0, 6, 2))
    ('1:', '0:6:2')
    """
    ends = ["" if end is None else str(end) for end in (part.start, part.stop)]
    return ":".join(ends) + ("" if part.step is None else f":{part.step}")
