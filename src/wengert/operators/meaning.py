"""One operation carried out by NumPy, its refusals in the user's names."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.base.errors import WengertError
from wengert.graph.graph import Array
from wengert.graph.operation import Operation
from wengert.operators.registry import OPERATORS


def carried_out(operation: Operation, operands: Sequence[Array]) -> tuple[Array, ...]:
    """Return the results of an operation.

    Raises:
        WengertError: numbers that the operator refuses, with the names of the variables.
    """
    try:
        return OPERATORS[operation.operator].values(*operands, **operation.attributes)
    except WengertError as error:
        # The operator knows the numbers that it refuses; only here their names are known.
        named = (f"{v.label or 'a value'}: {v.dtype.name} {v.shape}" for v in operation.inputs)
        error.got = "\n".join(filter(None, (error.got, "; ".join(named))))
        error.where = error.where or operation.location
        raise
