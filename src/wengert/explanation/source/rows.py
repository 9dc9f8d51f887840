"""How each operator is written in NumPy: one row an operator, and a missing row raises.

The interpreter keeps every new array in C order. NumPy's own operators keep the order of their
operands, so where an operand may lie in another order (a transposed view), the row says ``C``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import GraphError
from wengert.explanation.source.expression import (
    ATOM,
    COMPARE,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Expression,
    Row,
    Use,
    given,
    in_order,
)
from wengert.explanation.source.matrices import CALLED, HELPED, library
from wengert.explanation.source.numbers import dtype_text
from wengert.explanation.source.ordering import ORDERED
from wengert.explanation.source.windows import WINDOWED
from wengert.graph.operation import Operation
from wengert.operators.registry import OPERATORS


def _all_ordered(use: Use) -> bool:
    return all(use.is_ordered(place) for place in range(len(use.operation.inputs)))


def _arguments(use: Use) -> list[str]:
    return [use.weak(place) for place in range(len(use.operation.inputs))]


def call(name: str) -> Row:
    """Write an elementwise operator as a call."""

    def row(use: Use) -> Expression:
        order = [] if _all_ordered(use) else ['order="C"']
        return Expression(f"np.{name}({', '.join([*_arguments(use), *order])})")

    return row


def infix(sign: str, name: str, level: int) -> Row:
    """Write an elementwise operator between its operands."""

    def row(use: Use) -> Expression:
        # Complex scalars are multiplied by other code than complex arrays.
        scalar = use.operation.output.dtype.kind == "c" and not use.operation.output.shape
        if scalar or not _all_ordered(use):
            return call(name)(use)
        left = use.weak(0, level + (level == COMPARE))
        return Expression(f"{left} {sign} {use.weak(1, level + 1)}", level)

    return row


def _negative(use: Use) -> Expression:
    if not _all_ordered(use):
        return call("negative")(use)
    return Expression(f"-{use.operand(0, SIGN)}", SIGN)


def _square(use: Use) -> Expression:
    # For arrays of floats ** 2 is np.square; for anything else it need not be.
    x = use.operation.inputs[0]
    if not x.shape or x.dtype.kind not in "fc" or not _all_ordered(use):
        return call("square")(use)
    return Expression(f"{use.operand(0, ATOM)} ** 2", POWER)


_FAST_POWERS = ("-1", "0", "1", "2", "0.5")


def _power(use: Use) -> Expression:
    # ** takes shortcuts for some exponents, and other code for scalars.
    x = use.operation.inputs[0]
    exponent = use.weak(1, POWER)
    plain = use.is_bare(1) and exponent not in _FAST_POWERS and not exponent.startswith("np.")
    if not plain or not x.shape or not _all_ordered(use):
        return call("power")(use)
    return Expression(f"{use.operand(0, ATOM)} ** {exponent}", POWER)


# -- Reductions -----------------------------------------------------------------------------------


def reduction(name: str) -> Row:
    """Write a reduction over axes."""

    def row(use: Use) -> Expression:
        operation = use.operation
        parts = [use.operand(0), *_axis(operation), *_keepdims(operation)]
        if operation.attributes.get("ddof"):
            parts.append(f"ddof={operation.attributes['ddof']}")
        half = name == "mean" and operation.output.dtype.name == "float16"
        if half or (operation.output.rank > 1 and not use.is_ordered(0)):
            parts.append(_out(operation))
        return Expression(f"np.{name}({', '.join(parts)})")

    return row


def _axis(operation: Operation) -> list[str]:
    axes: tuple[int, ...] = operation.attributes["axis"]
    if len(axes) == operation.inputs[0].rank:
        return []
    return [f"axis={axes[0] if len(axes) == 1 else axes}"]


def _keepdims(operation: Operation) -> list[str]:
    return ["keepdims=True"] if operation.attributes["keepdims"] else []


def _out(operation: Operation) -> str:
    output = operation.output
    dtype = "" if output.dtype.name == "float64" else f", {dtype_text(output.dtype)}"
    return f"out=np.empty({output.shape}{dtype})"


def place_of(name: str) -> Row:
    """Write argmax or argmin."""

    def row(use: Use) -> Expression:
        operation = use.operation
        axis = operation.attributes["axis"]
        parts = [use.operand(0), *([] if axis is None else [f"axis={axis}"])]
        text = f"np.{name}({', '.join([*parts, *_keepdims(operation)])})"
        return in_order(use, text, use.is_ordered(0))

    return row


# -- Movement and choice --------------------------------------------------------------------------


def _reshape(use: Use) -> Expression:
    shape: tuple[int, ...] = use.operation.attributes["shape"]
    sizes = "-1" if len(shape) == 1 else ", ".join(map(str, shape)) if shape else "()"
    return Expression(f"{use.operand(0, ATOM)}.reshape({sizes})")


def _transpose(use: Use) -> Expression:
    axes: tuple[int, ...] = use.operation.attributes["axes"]
    if axes == tuple(reversed(range(len(axes)))):
        return Expression(f"{use.operand(0, ATOM)}.T")
    return Expression(f"{use.operand(0, ATOM)}.transpose({', '.join(map(str, axes))})")


def _broadcast_to(use: Use) -> Expression:
    return Expression(f"np.broadcast_to({use.operand(0)}, {use.operation.attributes['shape']})")


def _concatenate(use: Use) -> Expression:
    operands = [use.operand(place) for place in range(len(use.operation.inputs))]
    axis = use.operation.attributes["axis"]
    tail = f", axis={axis}" if axis else ""
    return in_order(use, f"np.concatenate([{', '.join(operands)}]{tail})", _all_ordered(use))


def _cast(use: Use) -> Expression:
    order = "" if use.is_ordered(0) else ', order="C"'
    dtype = dtype_text(use.operation.output.dtype)
    return Expression(f"{use.operand(0, ATOM)}.astype({dtype}{order})")


def _where(use: Use) -> Expression:
    text = f"np.where({use.operand(0)}, {use.weak(1)}, {use.weak(2)})"
    return in_order(use, text, _all_ordered(use))


# -- Places ---------------------------------------------------------------------------------------


def index_text(template: Sequence[Any], arrays: Sequence[str]) -> str:
    """Return an index as it stands between brackets.

    >>> index_text((slice(1, None), None, "#0"), ["rows"])
    '1:, None, rows'
    """
    parts = [_part(part, arrays) for part in template]
    return ", ".join(parts) if parts else "()"


def _part(part: Any, arrays: Sequence[str]) -> str:
    if isinstance(part, str):
        return arrays[int(part[1:])]
    if not isinstance(part, slice):
        return str(part)
    start, stop, step = (part.start, part.stop, part.step)  # pyright: ignore
    texts = ["" if each is None else str(each) for each in (start, stop, step)]  # pyright: ignore
    return ":".join(texts if texts[2] else texts[:2])


def _key(use: Use, first: int) -> str:
    arrays = [use.operand(place) for place in range(first, len(use.operation.inputs))]
    return index_text(use.operation.attributes["template"], arrays)


def _index(use: Use) -> Expression:
    text = f"{use.operand(0, ATOM)}[{_key(use, 1)}]"
    basic = len(use.operation.inputs) == 1
    # Rows picked by one array come in C order; NumPy promises none for anything else.
    template = use.operation.attributes["template"]
    rows = template == ("#0",) and use.is_exact(0) and use.is_exact(1)
    return in_order(use, text, basic or rows)


def _index_add(use: Use) -> Expression:
    basic = len(use.operation.inputs) == 1
    name = use.helper("place" if basic else "add_at")
    shape = use.operation.attributes["shape"]
    return Expression(f"{name}({use.operand(0)}, np.s_[{_key(use, 1)}], {shape})")


def _written(name: str) -> Row:
    def row(use: Use) -> Expression:
        key = f"np.s_[{_key(use, 2)}]"
        return Expression(f"{use.helper(name)}({use.operand(0)}, {key}, {use.operand(1)})")

    return row


def _take_along_axis(use: Use) -> Expression:
    axis = use.operation.attributes["axis"]
    text = f"np.take_along_axis({use.operand(0)}, {use.operand(1)}, axis={axis})"
    return in_order(use, text, False)


# -- Products and composites ----------------------------------------------------------------------


def _matmul(use: Use) -> Expression:
    # Only several leading axes can come in another order.
    left, right = use.operation.inputs
    if max(left.rank, right.rank) > 3 and not _all_ordered(use):
        return Expression(f'np.matmul({use.operand(0)}, {use.operand(1)}, order="C")')
    return Expression(f"{use.operand(0, PRODUCT)} @ {use.operand(1, PRODUCT + 1)}", PRODUCT)


def _einsum(use: Use) -> Expression:
    operation = use.operation
    subscripts: str = operation.attributes["subscripts"]
    places = range(len(operation.inputs))
    parts = [f'"{subscripts}"', *(use.operand(place) for place in places)]
    # Where the result would come in another order than C, or as a view, it is given its place.
    if not (_comesin_order(subscripts) and all(use.is_exact(place) for place in places)):
        parts.append(_out(operation))
    return Expression(f"np.einsum({', '.join(parts)})")


def _comesin_order(subscripts: str) -> bool:
    operands, out = subscripts.split("->")
    letters = "".join(dict.fromkeys(operands.replace(",", "")))
    is_view = "," not in operands and set(letters) == set(out)
    return not is_view and sorted(out, key=letters.index) == list(out)


def helper(name: str, *attributes: str, ordered: bool = True) -> Row:
    """Write a call of a function that stands above; ``ordered`` gives it operands in C order."""

    def row(use: Use) -> Expression:
        operation = use.operation
        operands = [given(use, place, ordered) for place in range(len(operation.inputs))]
        values = [f"{key}={_value(operation.attributes[key])}" for key in attributes]
        return Expression(f"{use.helper(name)}({', '.join([*operands, *values])})")

    return row


def _value(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _same(use: Use) -> Expression:
    return use.read(0)


# What NumPy has as a function of one result and the same name is written as a call of it.
_UFUNCS = tuple(
    name
    for name, record in OPERATORS.items()
    if record.kind == "elementwise" and isinstance(getattr(np, name, None), np.ufunc)
)


def _result_of(name: str, place: int) -> Row:
    """Write one result of a function that has two."""

    def row(use: Use) -> Expression:
        return in_order(use, f"np.{name}({use.operand(0)})[{place}]", use.is_ordered(0))

    return row


_REDUCTIONS = "sum mean var std max min prod any all"


class _Table(dict[str, Row]):
    def __missing__(self, name: str) -> Row:
        raise GraphError(
            f"there is no NumPy text for the operator {name!r}",
            expected=", ".join(sorted(self)),
            got=name,
            remedy="add its row to wengert.explanation.source.rows",
        )


ROWS: Mapping[str, Row] = _Table(
    {
        **{name: call(name) for name in _UFUNCS},
        **{name: reduction(name) for name in _REDUCTIONS.split()},
        **{
            name: helper(name, *attributes)
            for name, attributes in (*WINDOWED.items(), *HELPED.items())
        },
        **{name: library(*written) for name, written in CALLED.items()},
        "absolute": call("abs"),
        "negative": _negative,
        "add": infix("+", "add", SUM),
        "subtract": infix("-", "subtract", SUM),
        "multiply": infix("*", "multiply", PRODUCT),
        "divide": infix("/", "divide", PRODUCT),
        "less": infix("<", "less", COMPARE),
        "less_equal": infix("<=", "less_equal", COMPARE),
        "greater": infix(">", "greater", COMPARE),
        "greater_equal": infix(">=", "greater_equal", COMPARE),
        "equal": infix("==", "equal", COMPARE),
        "not_equal": infix("!=", "not_equal", COMPARE),
        "power": _power,
        "square": _square,
        "multiply_or_zero": helper("multiply_or_zero"),
        "divide_or_zero": helper("divide_or_zero"),
        "power_derivative": helper("power_derivative"),
        "where": _where,
        "cast": _cast,
        **dict.fromkeys(("identity", "stop_gradient", "barrier", "custom_gradient"), _same),
        "mantissa": _result_of("frexp", 0),
        "exponent": _result_of("frexp", 1),
        "fraction": _result_of("modf", 0),
        **ORDERED,
        "sinc": helper("sinc", "order", ordered=False),
        "bessel": helper("bessel", "order", ordered=False),
        "recurrence": helper("recurrence", "axis", ordered=False),
        "threefry": helper("threefry", "bits", ordered=False),
        "random_bits": helper("random_bits", "shape", "place", "bits", ordered=False),
        "unit_interval": helper("unit_interval", "dtype", "middle", ordered=False),
        "bounded_integer": helper("bounded_integer", "low", "high", ordered=False),
        "normal_ppf": helper("normal_ppf", ordered=False),
        "exponential_isf": helper("exponential_isf", ordered=False),
        "argmax": place_of("argmax"),
        "argmin": place_of("argmin"),
        "exclusive_product": helper("exclusive_product", "axis"),
        "reshape": _reshape,
        "transpose": _transpose,
        "broadcast_to": _broadcast_to,
        "concatenate": _concatenate,
        "index": _index,
        "index_add": _index_add,
        "index_update": _written("updated"),
        "add_at": _written("added_at"),
        "take_along_axis": _take_along_axis,
        "add_along_axis": helper("add_along_axis", "axis", "shape", ordered=False),
        "matmul": _matmul,
        "einsum": _einsum,
        "relu": helper("relu"),
        "leaky_relu": helper("leaky_relu", "slope"),
        "sigmoid": helper("sigmoid"),
        "softplus": helper("softplus"),
        "gelu": helper("gelu"),
        "softmax": helper("softmax", "axis"),
        "log_softmax": helper("log_softmax", "axis"),
        "logsumexp": helper("logsumexp", "axis", "keepdims"),
        "softmax_cross_entropy": helper("softmax_cross_entropy"),
        "one_hot": helper("one_hot", "classes", "dtype"),
        "squared_error": helper("squared_error"),
        "binary_cross_entropy": helper("binary_cross_entropy"),
        "squared_norm": helper("squared_norm", ordered=False),
    }
)
# Operators in which a bare number takes the dtype of the other operand.
WEAK = frozenset(
    "add subtract multiply divide power maximum minimum arctan2 less less_equal greater "
    "greater_equal equal not_equal where".split()
)
