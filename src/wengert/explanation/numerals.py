"""Numbers as mathematics: rationals where they are, names where the user gave them."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.explanation import algebra
from wengert.explanation.terms import Constant, Sum

_LARGEST_DENOMINATOR = 1000


def rational(value: Any) -> Fraction | None:
    """Return a number as the user will have written it; None for infinity and NaN.

    The shortest text that reads back to the same float counts, so a float32 0.1 is 1/10.

    >>> rational(np.float32(0.1)), rational(1 / 3)
    (Fraction(1, 10), Fraction(1, 3))
    """
    number: Any = value.item() if hasattr(value, "item") else value
    if isinstance(number, complex) or not math.isfinite(number):
        return None
    text = str(value) if isinstance(value, np.floating) else repr(number)  # pyright: ignore
    exact = Fraction(text)
    simple = Fraction(exact).limit_denominator(_LARGEST_DENOMINATOR)
    again: Any = type(value)(float(simple))  # pyright: ignore[reportUnknownArgumentType]
    if simple and again == value:
        return simple
    return exact


def named_number(formula: str, value: float, known: Mapping[str, float]) -> Sum:
    """Return a formula of named numbers, such as ``lam / 2``, as a scalar.

    ``known`` are the values of the names that stand alone elsewhere; a name that does not is
    solved for. What cannot be read stays one named number.
    """
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError:
        return algebra.atom(Constant(formula, value))
    names = {_name(node) for node in ast.walk(tree) if _name(node) is not None}
    values = {name: known[name] for name in names if name is not None and name in known}
    missing = [name for name in names if name is not None and name not in known]
    if len(missing) == 1:
        solution = _solve(tree, missing[0], values, value)
        if solution is not None:
            values[missing[0]] = solution
            missing = []
    found = None if missing else _read(tree, values)
    return algebra.atom(Constant(formula, value)) if found is None else found


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return None


def _read(node: ast.expr, values: Mapping[str, float]) -> Sum | None:
    name = _name(node)
    if name is not None:
        return algebra.atom(Constant(name, values[name]))
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        number = rational(node.value)
        return None if number is None else algebra.number(number)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _read(node.operand, values)
        return None if inner is None else algebra.scale(inner, -1)
    if isinstance(node, ast.BinOp):
        return _binary(node, values)
    return None


def _binary(node: ast.BinOp, values: Mapping[str, float]) -> Sum | None:
    left, right = _read(node.left, values), _read(node.right, values)
    if left is None or right is None:
        return None
    match node.op:
        case ast.Add():
            return algebra.add([left, right])
        case ast.Sub():
            return algebra.add([left, right], [1, -1])
        case ast.Mult():
            return algebra.multiply([left, right], ())
        case ast.Div():
            return algebra.multiply([left, algebra.power(right, -1)], ()) if right.terms else None
        case ast.Pow():
            exponent = as_number(right)
            whole = exponent is not None and exponent.denominator == 1
            return algebra.power(left, int(exponent)) if exponent is not None and whole else None
        case _:
            return None


def as_number(tensor: Sum) -> Fraction | None:
    """Return the rational number that a tensor is everywhere, None when it is not."""
    if not tensor.terms:
        return Fraction(0)
    (first, *others) = tensor.terms
    return first.coefficient if not others and not first.factors else None


def _solve(tree: ast.expr, name: str, values: Mapping[str, float], wanted: float) -> float | None:
    """Return the value of the one unknown name, by the straight line or the power through 1."""
    expression = compile(ast.Expression(_plain(tree)), "<formula>", "eval")

    def at(x: float) -> float:
        return float(eval(expression, {"__builtins__": {}}, {**values, name: x}))

    candidates: list[float] = []
    try:
        zero, one, two = at(0.0), at(1.0), at(2.0)
        if one != zero:
            candidates.append((wanted - zero) / (one - zero))
        if one and two / one > 0 and wanted / one > 0 and two != one:
            exponent = math.log2(two / one)
            candidates.append((wanted / one) ** (1 / exponent))
    except (ArithmeticError, ValueError, TypeError, NameError, AttributeError):
        candidates += _solve_power(at, wanted)
    for candidate in candidates:
        try:
            if math.isclose(at(candidate), wanted, rel_tol=1e-6):
                return candidate
        except (ArithmeticError, ValueError):
            continue
    return None


def _solve_power(at: Any, wanted: float) -> list[float]:
    """A formula that has no value at 0, such as 1 / tau."""
    try:
        one, two = at(1.0), at(2.0)
        return [(wanted / one) ** (1 / math.log2(two / one))]
    except (ArithmeticError, ValueError, TypeError):
        return []


def _plain(tree: ast.expr) -> ast.expr:
    class Bare(ast.NodeTransformer):
        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)

    return ast.fix_missing_locations(Bare().visit(tree))
