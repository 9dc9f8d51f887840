"""NumPy's products on tracers: dot, inner, outer, tensordot, einsum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError
from wengert.base.shapes import size
from wengert.tracing import frames, reductions
from wengert.tracing.apply import apply
from wengert.tracing.value import described
from wengert.tracing.views import Link


def dot(a: Any, b: Any, out: None = None) -> Any:
    """np.dot"""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    return tensordot(a, b, ((np.ndim(a) - 1,), (np.ndim(b) - 2,)))


def inner(a: Any, b: Any, /) -> Any:
    """np.inner"""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return tensordot(a, b, ((np.ndim(a) - 1,), (np.ndim(b) - 1,)))


def outer(a: Any, b: Any, out: None = None) -> Any:
    """np.outer"""
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


def vdot(a: Any, b: Any, /) -> Any:
    """np.vdot"""
    return np.matmul(np.conj(np.ravel(a)), np.ravel(b))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """np.tensordot"""
    left, right = _paired_axes(a, b, axes)
    letters = iter(ascii_letters)
    names_a = [next(letters) for _ in range(np.ndim(a))]
    names_b = [next(letters) for _ in range(np.ndim(b))]
    for axis_a, axis_b in zip(left, right, strict=True):
        names_b[axis_b] = names_a[axis_a]
    rest = [n for i, n in enumerate(names_a) if i not in {axis % np.ndim(a) for axis in left}]
    rest += [n for i, n in enumerate(names_b) if i not in {axis % np.ndim(b) for axis in right}]
    return einsum(f"{''.join(names_a)},{''.join(names_b)}->{''.join(rest)}", a, b)


def _paired_axes(a: Any, b: Any, axes: Any) -> tuple[list[int], list[int]]:
    if isinstance(axes, int):
        return list(range(np.ndim(a) - axes, np.ndim(a))), list(range(axes))
    left, right = (([each] if isinstance(each, int) else list(each)) for each in axes)
    return left, right


def einsum(
    *operands: Any, out: None = None, optimize: Any = False, dtype: Any = None,
    order: str = "K", casting: str = "safe",
) -> Any:  # fmt: skip
    """np.einsum"""
    subscripts, arrays = _text_form(operands)
    if dtype is not None:
        arrays = [reductions.cast(array, dtype) for array in arrays]
    text = _explicit(subscripts, arrays)
    # `optimize` may be False, True, a strategy, or a path that the user found.
    if optimize is not False and len(arrays) > 2:
        return _pairwise(text, arrays, optimize)
    found = apply("einsum", *arrays, subscripts=text)
    left, right = text.split("->")
    if len(arrays) == 1 and set(left) == set(right):
        # NumPy gives a view where nothing is summed.
        places = np.einsum(text, _numbered(arrays[0].shape))
        found.link = Link(arrays[0], "index", places=places)
    return found


def _pairwise(text: str, arrays: list[Any], optimize: Any) -> Any:
    """Carry out products of many in the order that NumPy would, or that the user gives."""
    left, out = text.split("->")
    parts, items = left.split(","), list(arrays)
    shapes = [np.broadcast_to(np.empty(()), np.shape(array)) for array in arrays]
    path: Any = np.einsum_path(text, *shapes, optimize=optimize)[0]
    for number, places in enumerate(path[1:]):
        order = sorted(places, reverse=True)
        taken = [(parts.pop(place), items.pop(place)) for place in order]
        rest = "".join(parts) + out
        letters = "".join(dict.fromkeys("".join(part for part, _ in taken)))
        kept = out if number == len(path) - 2 else "".join(x for x in letters if x in rest)
        recipe = f"{','.join(part for part, _ in taken)}->{kept}"
        parts.append(kept)
        items.append(apply("einsum", *(item for _, item in taken), subscripts=recipe))
    return items[0]


def _numbered(shape: tuple[int, ...]) -> Any:
    return np.arange(size(shape)).reshape(shape)


def _text_form(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    # The other form: array, list of axis numbers, …, optional list of output axes.
    pairs = list(zip(operands[0::2], operands[1::2], strict=False))
    text = ",".join(_letters(axes) for _, axes in pairs)
    if len(operands) % 2:
        text += "->" + _letters(operands[-1])
    return text, [array for array, _ in pairs]


def _letters(axes: Sequence[Any]) -> str:
    return "".join("..." if axis is Ellipsis else ascii_letters[axis] for axis in axes)


def _explicit(subscripts: str, arrays: list[Any]) -> str:
    """Write subscripts with an output and without an ellipsis.

    >>> _explicit("ij,jk", [np.ones((2, 3)), np.ones((3, 4))])
    'ij,jk->ik'
    >>> _explicit("...i,i", [np.ones((2, 3)), np.ones(3)])
    'ai,i->a'
    """
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise ShapeError(
            f"np.einsum({subscripts!r})",
            expected=f"{len(terms)} operands",
            got="; ".join(described(array) for array in arrays),
            where=frames.caller(),
        )
    spare = iter([letter for letter in ascii_letters if letter not in subscripts])
    widest = max(_hidden(term, array) for term, array in zip(terms, arrays, strict=True))
    batch = "".join(_take(spare, widest))
    filled = [
        term.replace("...", batch[len(batch) - _hidden(term, array) :])
        for term, array in zip(terms, arrays, strict=True)
    ]
    if not arrow:
        once = sorted({each for each in left if each.isalpha() and left.count(each) == 1})
        right = ("..." if "..." in left else "") + "".join(once)
    return ",".join(filled) + "->" + right.replace("...", batch)


def _take(letters: Iterator[str], count: int) -> list[str]:
    return [next(letters) for _ in range(count)]


def _hidden(term: str, array: Any) -> int:
    return max(0, np.ndim(array) - len(term.replace("...", ""))) if "..." in term else 0
