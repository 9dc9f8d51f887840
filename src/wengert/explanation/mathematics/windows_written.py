"""How convolution and pooling are written: X ⋆ W, K(W)ᵀ ∂J/∂Y, maxpool₂(H), each with its options.

K(W) is the matrix of X ↦ X ⋆ W, and maxpool′(X) the matrix that picks the maxima of X. In
∂J/∂W = X ⋆ ∂J/∂Y stride and dilation change places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from wengert.explanation.mathematics.formula import Formula
from wengert.explanation.mathematics.matrix import matrix_form
from wengert.explanation.mathematics.style import FRACTION, PRODUCT, Piece, Style
from wengert.explanation.mathematics.terms import Apply, Sum

_STAR = {True: "\\star", False: "⋆"}


class Pen(Protocol):
    """What a writer offers."""

    style: Style

    def formula(self, formula: Formula) -> Piece:
        """Return a formula as a piece."""
        ...

    def argument(self, tensor: Sum) -> str:
        """Return what stands between brackets."""
        ...


def write_window(pen: Pen, atom: Apply) -> Piece | None:
    """Return a convolution or a pooling, None for any other operator."""
    written = _WRITTEN.get(atom.operator)
    return None if written is None else written(pen, atom, dict(atom.attributes))


def _factor(pen: Pen, tensor: Sum, *, last: bool) -> str:
    piece = pen.formula(matrix_form(tensor))
    text = pen.style.finish(piece)
    loose = piece.level == FRACTION and not last and not pen.style.fraction_is_closed
    return pen.style.brackets(text) if loose or piece.level <= PRODUCT else text


def _marked(pen: Pen, text: str, marks: list[str]) -> str:
    return pen.style.lowered(text, ", ".join(marks)) if marks else text


def _number(pair: Any) -> str:
    return str(pair[0]) if pair[0] == pair[1] else str(pair)


def _conv_marks(given: Mapping[str, Any], stride: str, dilation: str) -> list[str]:
    options = {"s": _number(given[stride]), "p": _number(given["padding"]),
               "d": _number(given[dilation]), "g": str(given["groups"])}  # fmt: skip
    usual = {"s": "1", "p": "0", "d": "1", "g": "1"}
    return [f"{name}={value}" for name, value in options.items() if value != usual[name]]


def _star(stride: str, dilation: str) -> Callable[[Pen, Apply, Mapping[str, Any]], Piece]:
    def written(pen: Pen, atom: Apply, given: Mapping[str, Any]) -> Piece:
        left, right = atom.arguments
        star = _STAR[pen.style.fraction_is_closed]
        star = _marked(pen, star, _conv_marks(given, stride, dilation))
        texts = _factor(pen, left, last=False), _factor(pen, right, last=True)
        return Piece(f"{texts[0]} {star} {texts[1]}", "", PRODUCT)

    return written


def _back(pen: Pen, atom: Apply, given: Mapping[str, Any]) -> Piece:
    g, w = atom.arguments
    name = _marked(pen, pen.style.word("K"), _conv_marks(given, "stride", "dilation"))
    matrix = Piece(pen.style.call(name, [pen.argument(w)]), pen.style.transpose)
    return Piece(f"{pen.style.finish(matrix)} {_factor(pen, g, last=True)}", "", PRODUCT)


def _pool(pen: Pen, word: str, given: Mapping[str, Any]) -> str:
    marks = [_number(given["window"])]
    if given["stride"] != given["window"]:
        marks.append(f"s={_number(given['stride'])}")
    if given["padding"] != (0, 0):
        marks.append(f"p={_number(given['padding'])}")
        if not given.get("count_include_pad", True):
            marks.append("n")
    return _marked(pen, pen.style.word(word), marks)


def _pooled(word: str) -> Callable[[Pen, Apply, Mapping[str, Any]], Piece]:
    def written(pen: Pen, atom: Apply, given: Mapping[str, Any]) -> Piece:
        (x,) = atom.arguments
        return Piece(pen.style.call(_pool(pen, word, given), [pen.argument(x)]))

    return written


def _mean_back(pen: Pen, atom: Apply, given: Mapping[str, Any]) -> Piece:
    (g,) = atom.arguments
    name = pen.style.finish(Piece(_pool(pen, "avgpool", given), pen.style.transpose))
    return Piece(pen.style.call(name, [pen.argument(g)]))


def _maxima(transposed: bool) -> Callable[[Pen, Apply, Mapping[str, Any]], Piece]:
    def written(pen: Pen, atom: Apply, given: Mapping[str, Any]) -> Piece:
        v, x = atom.arguments
        name = _pool(pen, "maxpool", given)
        matrix = pen.style.call(name, [pen.argument(x)], pen.style.prime)
        head = pen.style.finish(Piece(matrix, pen.style.transpose if transposed else ""))
        return Piece(f"{head} {_factor(pen, v, last=True)}", "", PRODUCT)

    return written


_WRITTEN: dict[str, Callable[[Pen, Apply, Mapping[str, Any]], Piece]] = {
    "conv2d": _star("stride", "dilation"),
    "conv2d_weight": _star("dilation", "stride"),
    "conv2d_input": _back,
    "avg_pool2d": _pooled("avgpool"),
    "max_pool2d": _pooled("maxpool"),
    "avg_pool2d_input": _mean_back,
    "max_pool2d_input": _maxima(transposed=True),
    "max_pool2d_pick": _maxima(transposed=False),
}
