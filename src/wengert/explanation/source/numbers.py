"""Constants as Python text that gives the same bits."""

from __future__ import annotations

import ast
import base64
import operator
import textwrap
import zlib
from collections.abc import Callable, Mapping
from math import copysign, isfinite, isnan, nan
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.graph.graph import Array

LONGEST = 24
_INTEGERS_BELOW = 10**6
_LINE = 88


def dtype_text(dtype: Dtype) -> str:
    """Return a dtype as NumPy code."""
    return f"np.{dtype.name}"


def number_text(value: Array, *, whole: bool = False) -> str | None:
    """Return a 0-d constant as a Python number, None where no number has its bits.

    ``whole`` allows ``2`` for the float 2.0, where NumPy takes it as a float again.
    """
    kind, element = value.dtype.kind, value[()]
    if kind in "biu":
        return str(element)
    if kind == "c":
        real, imaginary = number_text(np.real(value)), number_text(np.imag(value))
        text = None if real is None or imaginary is None else f"complex({real}, {imaginary})"
        return text
    text = _float_text(value)
    if np.array(_float_value(text), value.dtype).tobytes() != value.tobytes():
        return None
    is_whole = whole and isfinite(element) and element == int(element)
    if is_whole and abs(float(element)) < _INTEGERS_BELOW and not text.startswith("-0"):
        return str(int(element))
    return text


def _float_text(value: Array) -> str:
    element = value[()]
    if isfinite(element):
        text = str(element)
        return text if any(mark in text for mark in ".e") else f"{text}.0"
    sign = "-" if np.signbit(element) else ""
    return f"{sign}np.nan" if isnan(element) else f"{sign}np.inf"


def _float_value(text: str) -> float:
    sign = -1.0 if text.startswith("-") else 1.0
    return copysign(nan, sign) if text.endswith("nan") else float(text.replace("np.", ""))


def scalar_text(value: Array) -> str:
    """Return a 0-d constant as a NumPy scalar of its own dtype."""
    text = number_text(value)
    if text is None:
        return f"{array_text(value)}[()]"
    return f"{dtype_text(value.dtype)}({text})"


def array_text(value: Array) -> str:
    """Return an array as NumPy code: filled, listed, or packed when it is large."""
    packed = np.ascontiguousarray(value).reshape(value.shape)
    dtype = "" if value.dtype == np.float64 else f", dtype={dtype_text(value.dtype)}"
    if value.size == 0:
        return f"np.empty({value.shape}{dtype})"
    uniform = _uniform_text(packed, dtype)
    if uniform is not None:
        return uniform
    listed = _listed(packed) if value.size <= LONGEST else None
    return _unpacked(packed) if listed is None else f"np.array({listed}{dtype})"


def is_large(value: Array) -> bool:
    """Return whether an array is better written once, ahead of the function."""
    return array_text(value).startswith("unpack(")


def _uniform_text(packed: Array, dtype: str) -> str | None:
    raw = packed.reshape(-1).view(np.uint8).reshape(packed.size, packed.dtype.itemsize)
    if packed.size < 2 or not (raw == raw[0]).all():
        return None
    number = number_text(packed.reshape(-1)[:1].reshape(()))
    if number in ("0.0", "1.0", "0", "1"):
        return f"np.{'zeros' if number[0] == '0' else 'ones'}({packed.shape}{dtype})"
    return None if number is None else f"np.full({packed.shape}, {number}{dtype})"


def _listed(packed: Array) -> str | None:
    if packed.ndim == 0:
        return number_text(packed)
    parts = [_listed(np.asarray(item)) for item in packed]
    known = [part for part in parts if part is not None]
    return f"[{', '.join(known)}]" if len(known) == len(parts) else None


def _unpacked(packed: Array) -> str:
    little = packed.dtype.newbyteorder("<")
    data = zlib.compress(packed.astype(little, copy=False).tobytes(), 9)
    lines = textwrap.wrap(base64.b64encode(data).decode("ascii"), _LINE)
    body = "\n".join(f'    "{line}"' for line in lines)
    return f'unpack(\n{body},\n    "{little.str}",\n    {packed.shape},\n)'


UNPACK = '''\
def unpack(text, dtype, shape):
    """Return an array from its packed bytes."""
    data = zlib.decompress(base64.b64decode(text))
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(array.dtype.newbyteorder("="))'''


# -- Formulas -------------------------------------------------------------------------------------

_BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
    ast.Pow: lambda left, right: left**right,
}
_UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def formula_value(formula: str, names: Mapping[str, float]) -> float | None:
    """Return what a formula of plain arithmetic gives, None where it is more than that.

    >>> formula_value("lam / 2", {"lam": 0.05}), formula_value("f(lam)", {"lam": 0.05})
    (0.025, None)
    """
    try:
        return _evaluated(ast.parse(formula, mode="eval").body, names)
    except (SyntaxError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        return None


def _evaluated(node: ast.expr, names: Mapping[str, float]) -> float:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value  # type: ignore[return-value]
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        return _UNARY[type(node.op)](_evaluated(node.operand, names))
    if isinstance(node, ast.BinOp):
        left, right = (_evaluated(each, names) for each in (node.left, node.right))
        return _BINARY[type(node.op)](left, right)
    raise KeyError(type(node).__name__)


def names_in(formula: str) -> set[str]:
    """Return the names that a formula reads."""
    return {node.id for node in ast.walk(ast.parse(formula)) if isinstance(node, ast.Name)}


def same_bits(value: Array, number: Any) -> bool:
    """Return whether a Python number becomes this constant in its dtype."""
    return np.asarray(number, value.dtype).tobytes() == value.tobytes()
