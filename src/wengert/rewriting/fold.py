"""Operations on constants alone, carried out while rewriting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from wengert.base.errors import WengertError
from wengert.graph.graph import Array, Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.rewriting.rebuild import Substitution, rebuild

_SMALL = 1024
_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def fold(graph: Graph) -> Graph:
    """Return the graph with small results of constants alone as constants.

    A number keeps the formula that it came from: ``lam / 2`` times 2 is ``(lam / 2) * 2.0``;
    what a formula cannot tell, and what is done to a named array, is left alone.
    """
    standing = Substitution(graph)
    constants = dict(graph.constants)
    kept: list[Operation] = []
    for operation in graph.operations:
        inputs = tuple(standing(variable) for variable in operation.inputs)
        value = _value(operation, inputs, constants)
        formula = None if value is None else _formula(operation, inputs, constants)
        named = any(variable.formula or variable.name for variable in inputs)
        if value is None or (named and formula is None):
            kept.append(operation)
            continue
        result = replace(operation.output, role="constant", formula=formula)
        standing.standing[operation.output] = result
        constants[result] = value
    return rebuild(graph, kept, constants, standing) if standing.standing else graph


def _value(
    operation: Operation, inputs: tuple[Variable, ...], constants: Mapping[Variable, Array]
) -> Array | None:
    if not inputs or len(operation.outputs) != 1 or operation.output.nbytes > _SMALL:
        return None
    operands = [constants[variable] for variable in inputs if variable in constants]
    if len(operands) != len(inputs) or not all(0 < each.nbytes <= _SMALL for each in operands):
        return None
    try:
        with np.errstate(all="ignore"):
            found = OPERATORS[operation.operator].numpy(*operands, **operation.attributes)
    except WengertError:
        return None  # It will say so when it runs, with the user's line.
    # A view in another order would give another order of summation once it is an array.
    value = np.asarray(found)
    return np.array(value) if value.flags.c_contiguous else None


def _formula(
    operation: Operation, inputs: tuple[Variable, ...], constants: Mapping[Variable, Array]
) -> str | None:
    if all(variable.formula is None for variable in inputs):
        return None
    if operation.operator == "identity":
        return inputs[0].formula
    sign = _SIGNS.get(operation.operator)
    if sign is None or operation.output.shape:
        return None
    left, right = (_text(variable, constants) for variable in inputs)
    if sign == "*" and "1.0" in (left, right):
        return left if right == "1.0" else right
    return f"{left} {sign} {right}"


def _text(variable: Variable, constants: Mapping[Variable, Array]) -> str:
    if variable.formula is None:
        return repr(constants[variable].item())
    return variable.formula if variable.formula.isidentifier() else f"({variable.formula})"
