"""The operator record, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from wengert.base.dtypes import Dtype
from wengert.base.errors import DifferentiationError, GraphError
from wengert.base.shapes import Shape
from wengert.graph.graph import Array

Rule = Callable[..., Any]
Kind = Literal[
    "elementwise", "reduction", "movement", "product", "index", "matrix", "composite", "other"
]


class Type(NamedTuple):
    """Shape and dtype of a value."""

    shape: Shape
    dtype: Dtype


@dataclass(frozen=True, slots=True)
class Cost:
    """Arithmetic of one pass over the elements.

    ``flops`` counts additions, multiplications, comparisons, divisions, square roots;
    ``transcendental`` counts exp, log, tanh and the like. ``passes(*types, **attributes)`` is
    how often each is done: once an element of the result where nothing else is said, once an
    element of the operand for a reduction, once a multiply-add for a product.
    """

    flops: float = 0.0
    transcendental: float = 0.0
    passes: Rule | None = None


FREE = Cost()


@dataclass(frozen=True, slots=True)
class Samples:
    """Operands to test an operator with.

    ``draws`` makes lists of operands from a generator: one call, several cases. Each case is
    (operands, attributes). ``special`` are values at which the result and the derivative must
    be finite and warning-free (elementwise operators only). ``analytic`` says that the meaning
    is a complex-differentiable formula, so that a complex step gives its derivative exactly.
    """

    draws: Callable[[np.random.Generator], Sequence[tuple[tuple[Array, ...], dict[str, Any]]]]
    special: tuple[float, ...] = ()
    analytic: bool = False


@dataclass(frozen=True, slots=True)
class Operator:
    """One record an operator: every rule a named field.

    Attributes:
        name: as it stands in the text form of a graph.
        kind: the family; decides fusion, drawing and mathematics. A "matrix" operator works on
            the last axes of its operands; those before them are a stack's, the same in all.
        numpy: the meaning, ``numpy(*operands, **attributes) -> array``, or a tuple of arrays.
        result: ``result(*types, **attributes) -> Type``, or a tuple of them where the operator
            has several results: NumPy's own shapes and dtypes; raises a ShapeError or DtypeError
            that says in words what does not fit.
        vjp: one rule an operand, ``rule(g, y, *operands, **attributes)``: plain NumPy that
            runs on ndarrays and on tracers. An elementwise rule returns the gradient in the
            shape of the result; the engine un-broadcasts it and casts it to the operand's
            dtype. The single rule of a variadic operator takes the operand's number first.
            Where there are several results, ``g`` and ``y`` are tuples, and ``g`` holds None
            for a result that nothing differentiates: a rule then has nothing to compute for it.
            None for an operand without derivative (indices, conditions). A single None for
            an operator whose result is constant by nature (comparisons, argmax).
        saves: which forward values the rules read: "y", or "y0", "y1" … of several results, and
            "x0", "x1" …; "x1+" is operand 1 and all after it (shapes and dtypes are free).
        linear_in: operands whose derivative does not depend on them: the result is linear
            in them, up to a constant, when the others are fixed; 0 stands for each operand
            of a variadic operator.
        latex: template over {x}, {x0}, {x1} …; what a circle and a formula show.
        symbol: short text inside the circle of a drawing.
        cost: arithmetic per element; FREE is written out.
        samples: operands for the generated tests.
        kinks: values of an operand at which the derivative jumps (tests stay away).
        aliases: "view" when the result may share the operand's storage (``storage.py`` says
            when it does), "new" otherwise.
        inplace: operands whose storage the result may overwrite, element for element.
        workspace: ``workspace(*types, **attributes) -> bytes`` that the NumPy meaning holds
            beside operands and result while it runs; None where that is nothing.
        decomposition: for a composite, plain NumPy over simpler operators.
        scalar: ``scalar(b, *operands, **attributes)``, the result of one element as a formula
            in the methods of a builder ``b`` (add, mul, max, select, exp, tanh, cast …), which
            decides what the operands are: native code, a vector of elements. Written apart
            from the NumPy meaning, so that comparing them says something. Every elementwise
            operator has one.
        variadic: whether the number of operands is free.
        complex: whether the rules hold for complex numbers too, where the meaning is no formula
            that is differentiable in them (``samples.analytic`` says that it is): they take
            conjugates, parts or absolute values as operators/complexes.py says.
        parts: what each of several results is called in formulas: ``Q(A)`` and ``R(A)``.
    """

    name: str
    kind: Kind
    numpy: Rule
    result: Rule
    vjp: tuple[Rule | None, ...] | None
    latex: str
    cost: Cost
    samples: Samples
    saves: tuple[str, ...] = ()
    linear_in: tuple[int, ...] = ()
    symbol: str = ""
    kinks: tuple[float, ...] = ()
    aliases: Literal["new", "view"] = "new"
    inplace: tuple[int, ...] = ()
    workspace: Rule | None = None
    decomposition: Rule | None = None
    variadic: bool = False
    scalar: Rule | None = None
    complex: bool = False
    parts: tuple[str, ...] = ()

    @property
    def for_complex(self) -> bool:
        """Whether the derivative rules hold for complex numbers."""
        return self.complex or self.samples.analytic

    def types(self, *operands: Type, **attributes: Any) -> tuple[Type, ...]:
        """Return the type of each result."""
        found = self.result(*operands, **attributes)
        return tuple(found) if self.parts else (found,)

    def values(self, *operands: Any, **attributes: Any) -> tuple[Array, ...]:
        """Return each result for these operands."""
        found = self.numpy(*operands, **attributes)
        return tuple(map(np.asarray, found)) if self.parts else (np.asarray(found),)

    @property
    def differentiable(self) -> bool:
        """Whether any operand has a derivative rule."""
        return self.vjp is not None

    def rule(self, operand: int) -> Rule | None:
        """Return the derivative rule of an operand, None where it is constant by nature."""
        if self.vjp is None:
            return None
        # Operands beyond those listed (the arrays of an index) share the last rule.
        found = self.vjp[min(operand, len(self.vjp) - 1)]
        return partial(found, operand) if self.variadic and found is not None else found


class Table(dict[str, Operator]):
    """Operators by name; asking for one that is missing is a designed error."""

    def __missing__(self, name: str) -> Operator:
        raise GraphError(
            f"there is no operator {name!r}", expected=", ".join(sorted(self)), got=name
        )


def table(*families: Sequence[Operator]) -> Mapping[str, Operator]:
    """Collect families into one table; a name may stand only once."""
    found = Table()
    for family in families:
        for operator in family:
            if operator.name in found:
                raise DifferentiationError(f"two records are named {operator.name!r}")
            found[operator.name] = operator
    return found
