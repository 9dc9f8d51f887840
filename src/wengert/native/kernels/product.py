"""Products: by tiles where they pay, else as loop nests that multiply and sum."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from wengert.native.kernel import Kernel, Operand
from wengert.native.kernels.compact import compact
from wengert.native.kernels.contraction import Axis
from wengert.native.kernels.loops import Loops
from wengert.native.kernels.nest import Compute, Load, Nest, Reduce, Store, Strides, Value
from wengert.native.kernels.tiled import tiled
from wengert.native.steps import Step
from wengert.operators.product import split


@dataclass(frozen=True, slots=True)
class Product:
    """A product with a letter an axis, as einsum writes it.

    Attributes:
        sizes: length of each letter, those of the result first.
        kept: how many letters the result has.
        operands: for each operand its step in memory along each letter (0 where it repeats).
        target: the same for the result.
    """

    sizes: tuple[int, ...]
    kept: int
    operands: tuple[Strides, ...]
    target: Strides


def product_of(step: Step) -> Product:
    """Return a matmul or an einsum as a product of letters."""
    if step.operator == "einsum":
        letters, out = split(step.attributes["subscripts"])
    else:
        ranks = [len(view.shape) for view in step.operands]
        letters, out = _matmul_letters(*ranks)
    sizes: dict[str, int] = {letter: 1 for letter in out}
    for word, view in zip(letters, step.operands, strict=True):
        for letter, n in zip(word, view.shape, strict=True):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    order = "".join(sizes)
    operands = tuple(
        _along(order, word, view.strides, view.shape)
        for word, view in zip(letters, step.operands, strict=True)
    )
    target = _along(order, out, step.target.strides, step.target.shape)
    return Product(tuple(sizes[each] for each in order), len(out), operands, target)


def _matmul_letters(left: int, right: int) -> tuple[list[str], str]:
    """Return letters for ranks: batches from the back, rows i, sum k, columns j."""
    batch = "abcdefgh"[: max(left - 2, right - 2, 0)]
    rows, columns = "i" * (left > 1), "j" * (right > 1)
    first = batch[len(batch) - max(left - 2, 0) :] + rows + "k"
    second = batch[len(batch) - max(right - 2, 0) :] + "k" + columns
    return [first, second], batch + rows + columns


def _along(order: str, word: str, strides: Strides, shape: tuple[int, ...]) -> Strides:
    found = [0] * len(order)
    for letter, stride, n in zip(word, strides, shape, strict=True):
        if n != 1:
            found[order.index(letter)] += stride
    return tuple(found)


def product_kernel(step: Step) -> Kernel:
    """Return the kernel of a matmul or an einsum, whatever its ranks and layouts."""
    product = product_of(step)
    return _by_tiles(step, product) or _by_loops(step, product)


def _by_tiles(step: Step, product: Product) -> Kernel | None:
    dtype = step.target.variable.dtype
    if len(step.operands) != 2 or any(view.variable.dtype != dtype for view in step.operands):
        return None
    strides = zip(product.sizes, *product.operands, product.target, strict=True)
    body = tiled(dtype, [Axis(*each) for each in strides])
    if body is None:
        return None
    flops = 2 * prod(product.sizes)
    operands = tuple(_pointers(step))
    return Kernel(step.operator, body, operands, (step.operation,), flops, product.sizes)


def _by_loops(step: Step, product: Product) -> Kernel:
    order = _order(product)
    sizes = tuple(product.sizes[k] for k in order)
    dtype = step.target.variable.dtype
    values: list[Value] = []
    factors: list[int] = []
    for number, (view, strides) in enumerate(zip(step.operands, product.operands, strict=True)):
        own = view.variable.dtype.name
        values.append(Load(number, own, tuple(strides[k] for k in order)))
        if own != dtype.name:
            values.append(Compute("copy", (len(values) - 1,), (), dtype.name))
        factors.append(len(values) - 1)
    multiply = "logical_and" if dtype.kind == "b" else "multiply"
    result = factors[0]
    for factor in factors[1:]:
        values.append(Compute(multiply, (result, factor), (), dtype.name))
        result = len(values) - 1
    inner = tuple(k >= product.kept for k in order)
    if any(inner):
        values.append(Reduce("any" if dtype.kind == "b" else "sum", result, dtype.name))
        result = len(values) - 1
    store = Store(result, len(step.operands), tuple(product.target[k] for k in order))
    pointers = _pointers(step)
    nest, operands = compact(Nest(sizes, inner, tuple(values), (store,)), pointers)
    flops = 2 * prod(product.sizes)
    return Kernel(
        step.operator, Loops(nest), operands, (step.operation,), flops, tuple(product.sizes)
    )


def _pointers(step: Step) -> list[Operand]:
    views = (*step.operands, step.target)
    last = len(views) - 1
    return [
        Operand(view.variable, view.offset * view.variable.dtype.itemsize, number == last)
        for number, view in enumerate(views)
    ]


def _order(product: Product) -> list[int]:
    """Return the letters longer than 1, the one of neighbours in memory last."""
    wide = [k for k, n in enumerate(product.sizes) if n != 1]
    kept = [k for k in wide if k < product.kept]
    summed = [k for k in wide if k >= product.kept]
    if not summed or not kept:
        return kept + summed
    along_sum = all(strides[summed[-1]] == 1 for strides in product.operands)
    return kept + summed if along_sum else summed + kept
