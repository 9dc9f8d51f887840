"""Numbers as mathematics: rationals where they are, names where the user gave them."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.explanation.mathematics import algebra
from wengert.explanation.mathematics.terms import Constant, Sum

_LARGEST_DENOMINATOR = 1000
# Of Newton's method: how near is solved, from how many points, and how many steps from each.
_SOLVED, _STARTS, _STEPS = 1e-7, 12, 40


def rational(value: Any) -> Fraction | None:
    """Return a number as the user will have written it; None for infinity and NaN.

    The shortest text that reads back to the same float counts, so a float32 0.1 is 1/10.

    >>> rational(np.float32(0.1)), rational(1 / 3)
    (Fraction(1, 10), Fraction(1, 3))
    """
    number: Any = value.item() if hasattr(value, "item") else value
    if isinstance(number, complex) or not math.isfinite(number):
        return None
    if isinstance(number, bool):
        return Fraction(int(number))
    # An array scalar writes the shortest text of its own precision.
    exact = Fraction(str(np.asarray(value)[()]))
    simple = exact.limit_denominator(_LARGEST_DENOMINATOR)
    same = bool(np.asarray(float(simple), np.asarray(value).dtype) == value)
    return simple if simple and same else exact


def named_number(formula: str, value: float, known: Mapping[str, float]) -> Sum:
    """Return a formula of named numbers, such as ``lam / 2``, as a scalar.

    ``known`` are the values of the names. What cannot be read stays one named number.
    """
    tree = _parsed(formula)
    if tree is not None and all(name in known for name in _names(tree)):
        told = _at(tree, known)
        found = _read(tree, known)
        if found is not None and told is not None and math.isclose(told, value, rel_tol=1e-6):
            return found
    return algebra.atom(Constant(formula, value))


def solve_names(formulas: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Return values of the names in formulas, such that each formula has its value.

    A name that the formulas leave open (a · b alone says nothing of a) is taken to be 1: only
    what the formulas say of it is ever printed or executed.

    >>> solve_names([("lam / 2", 0.025), ("beta * lam", 0.1)])
    {'lam': 0.05, 'beta': 2.0}
    """
    trees = [(tree, value) for text, value in formulas if (tree := _parsed(text)) is not None]
    known: dict[str, float] = {}
    while True:
        waiting = [(tree, value, _names(tree) - known.keys()) for tree, value in trees]
        waiting = [row for row in waiting if row[2]]
        if not waiting:
            return known if _agree(trees, known) else _together(trees, known)
        tree, value, unknown = min(waiting, key=lambda row: len(row[2]))
        name = min(unknown)
        found = _solve(tree, name, known, value) if len(unknown) == 1 else None
        known[name] = 1.0 if found is None else found


Formulas = Sequence[tuple[ast.expr, float]]


def _agree(trees: Formulas, known: Mapping[str, float]) -> bool:
    return not trees or float(np.max(np.abs(_misses(trees, known)))) < _SOLVED


def _misses(trees: Formulas, known: Mapping[str, float]) -> np.ndarray[Any, np.dtype[Any]]:
    """Return by how much each formula misses its value, relative to that value."""
    told = ((_at(tree, known), value) for tree, value in trees)
    return np.array([np.inf if t is None else (t - v) / (abs(v) or 1.0) for t, v in told])


def _together(trees: Formulas, first: dict[str, float]) -> dict[str, float]:
    """Solve for all names at once, by Newton's method from several points."""
    names = sorted({name for tree, _ in trees for name in _names(tree)})
    generator = np.random.default_rng(0)
    for _ in range(_STARTS):
        point = generator.uniform(0.05, 1.5, len(names))
        for _ in range(_STEPS):
            known = dict(zip(names, map(float, point), strict=True))
            misses = _misses(trees, known)
            if not np.isfinite(misses).all():
                break
            if float(np.max(np.abs(misses))) < _SOLVED:
                return known
            steps = 1e-7 * (1 + np.abs(point))
            moved = (known | {n: known[n] + h} for n, h in zip(names, steps, strict=True))
            slopes = np.stack([(_misses(trees, each) - misses) for each in moved], 1) / steps
            if not np.isfinite(slopes).all():
                break
            point = point - np.linalg.lstsq(slopes, misses, rcond=None)[0]
    return first


def _parsed(formula: str) -> ast.expr | None:
    try:
        return ast.parse(formula, mode="eval").body
    except SyntaxError:
        return None


def _names(tree: ast.expr) -> set[str]:
    found = {_name(node) for node in ast.walk(tree)}
    inner = {_name(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in found - inner if name is not None}


def _at(tree: ast.expr, values: Mapping[str, float]) -> float | None:
    code = compile(ast.Expression(_plain(tree)), "<formula>", "eval")
    try:
        return float(eval(code, {"__builtins__": {}}, dict(values)))
    except (ArithmeticError, ValueError, TypeError, NameError, AttributeError):
        return None


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
    """Return the value of the one unknown name, by a straight line or by a power of it."""

    def at(x: float) -> float | None:
        return _at(tree, {**values, name: x})

    zero, one, two = at(0.0), at(1.0), at(2.0)
    candidates: list[float] = []
    if zero is not None and one is not None and one != zero:
        candidates.append((wanted - zero) / (one - zero))
    if one and two and two / one > 0 and wanted / one > 0 and two != one:
        candidates.append((wanted / one) ** (1 / math.log2(two / one)))
    for candidate in candidates:
        told = at(candidate)
        if told is not None and math.isclose(told, wanted, rel_tol=1e-6):
            return candidate
    return None


def _plain(tree: ast.expr) -> ast.expr:
    class Bare(ast.NodeTransformer):
        def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
            return ast.copy_location(ast.Name(node.attr, ast.Load()), node)

    return ast.fix_missing_locations(Bare().visit(tree))
