"""Batches of matmul and einsum: one larger product, never a loop."""

from __future__ import annotations

from string import ascii_letters
from typing import Any

from wengert.base.errors import UnsupportedError
from wengert.base.shapes import Shape
from wengert.batching.use import Operand, Use, reshaped, transposed
from wengert.operators.product import split


def matmul(use: Use) -> Any:
    """``a @ b`` of each example."""
    a, b = use.operands
    if not a.is_batched and (len(a.shape), len(b.shape)) == (2, 1):
        # One matrix for all vectors: the vectors become the rows of one product.
        return use(b.value, transposed(a.value, (1, 0)))
    if not b.is_batched and len(b.shape) <= 2:
        return use(a.value, b.value)
    left = a.shape if len(a.shape) > 1 else (1, *a.shape)
    right = b.shape if len(b.shape) > 1 else (*b.shape, 1)
    rank = max(len(left), len(right))
    found = use(_matrices(a, left, rank), _matrices(b, right, rank))
    return reshaped(found, (use.count, *use.shape))


def _matrices(x: Operand, shape: Shape, rank: int) -> Any:
    if not x.is_batched:
        return reshaped(x.value, shape)
    return reshaped(x.value, (x.value.shape[0], *(1,) * (rank - len(shape)), *shape))


def einsum(use: Use) -> Any:
    """The sum of products of each example; the batch is one more letter."""
    subscripts: str = use.attributes["subscripts"]
    letter = next((each for each in ascii_letters if each not in subscripts), None)
    if letter is None:
        raise UnsupportedError(
            f'einsum "{subscripts}" uses all letters, so a batch has none',
            expected=f"at most {len(ascii_letters) - 1} letters",
            remedy="two einsums of fewer operands",
        )
    parts, out = split(subscripts)
    pairs = zip(use.operands, parts, strict=True)
    widened = (letter + part if operand.is_batched else part for operand, part in pairs)
    values = [operand.value for operand in use.operands]
    return use(*values, subscripts=f"{','.join(widened)}->{letter}{out}")
