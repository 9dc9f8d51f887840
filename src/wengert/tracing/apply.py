"""Record one use of an operator on traced values, arrays and numbers mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.base.dtypes import is_supported, refuse_other_algebra
from wengert.base.errors import DataError, DtypeError, ShapeError, TraceError, WengertError
from wengert.base.guards import is_ndarray, is_number, is_numpy, is_sequence
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.tracing import frames, views
from wengert.tracing.bare import KnownValue
from wengert.tracing.order import UNKNOWN, Order, of_result
from wengert.tracing.spec import checked_dtype
from wengert.tracing.value import TracedValue, described

if TYPE_CHECKING:
    from wengert.tracing.recorder import Recorder


_NUMBERS = (bool, int, float, complex)


def is_tracer(value: Any) -> bool:
    """Return whether a value belongs to a running trace."""
    return isinstance(value, TracedValue)


def apply(operator: str, *operands: Any, **attributes: Any) -> Any:
    """Record one use of an operator on tracers, arrays and numbers mixed.

    Returns a traced value, or a tuple of them where the operator has several results.

    Raises:
        ShapeError, DtypeError: the operands do not fit, in the user's names, with the line.
        TraceError: no operand is traced, or one has escaped from a finished trace.
    """
    recorder = recorder_of(operands)
    try:
        dtype = weak_dtype(operands)
        variables = [as_variable(recorder, operand, dtype) for operand in operands]
        outputs = recorder.record_all(operator, variables, attributes)
    except (ShapeError, DtypeError, DataError, _NoArray) as error:
        raise _in_users_words(error, operator, operands) from None
    wrap, record = recorder.wrap, OPERATORS[operator]
    if record.aliases == "view":
        lies = views.link(operands[0], operator, attributes, outputs[0].shape)
        view = wrap(recorder, outputs[0], lies)
        if lies is None:
            view.order = _copy_order(operator, operands, attributes)
        return view
    found = tuple(wrap(recorder, output, None) for output in outputs)
    for each in found:
        each.order = _order(operator, operands, each.ndim)
    return found if record.parts else found[0]


def _copy_order(operator: str, operands: Sequence[Any], attributes: Mapping[str, Any]) -> Order:
    """Return the order of axes of a copy that a movement makes."""
    if operator == "reshape":
        return None
    # NumPy brings the axes of index arrays to their place by turning the result.
    if operator == "index" and len(operands) > 1:
        return None if isinstance(attributes["template"][0], str | int) else UNKNOWN
    return _order(operator, operands, operands[0].ndim)


def _order(operator: str, operands: Sequence[Any], rank: int) -> Order:
    """Return the order of axes that NumPy gives a new result."""
    if rank < 2 or operator == "matmul":
        return None
    known = [(tuple(x.shape), views.order(x)) for x in operands if hasattr(x, "shape")]
    return of_result(OPERATORS[operator].kind == "elementwise", rank, known)


def recorder_of(operands: Sequence[Any]) -> Recorder:
    """Return the innermost running trace among the operands."""
    found = [operand.recorder for operand in operands if isinstance(operand, TracedValue)]
    if not found:
        raise TraceError("no operand is traced", expected="at least one traced value")
    running = [recorder for recorder in found if not recorder.finished]
    if not running:
        views.refuse_escaped(
            next(operand for operand in operands if isinstance(operand, TracedValue))
        )
    return max(running, key=lambda recorder: recorder.serial)


def weak_dtype(operands: Sequence[Any]) -> np.dtype[Any]:
    """Return the dtype that a Python number takes among these operands (NumPy's NEP 50)."""
    return _common_dtype(tuple(map(_kind, operands)))


def _kind(operand: Any) -> Any:
    """Return what decides: the dtype of an array, the type of a number and never its value."""
    if hasattr(operand, "dtype"):
        return operand.dtype
    # Named numbers count as floats.
    return next((kind for kind in _NUMBERS if isinstance(operand, kind)), None)


@lru_cache(maxsize=4096)
def _common_dtype(kinds: tuple[Any, ...]) -> np.dtype[Any]:
    known = [kind for kind in kinds if kind is not None]
    return np.result_type(*(kind(1) if isinstance(kind, type) else kind for kind in known))


def as_variable(recorder: Recorder, operand: Any, dtype: np.dtype[Any]) -> Variable:
    """Return the variable of an operand in this trace; ``dtype`` is for Python numbers."""
    if isinstance(operand, TracedValue):
        if operand.recorder is recorder:
            return operand.variable
        if operand.recorder.finished:
            views.refuse_escaped(operand)
        return recorder.capture(operand)
    if isinstance(operand, KnownValue):
        return recorder.known_array(operand)
    if is_numpy(operand):
        if not is_supported(operand.dtype):
            checked_dtype(operand.dtype, described(operand))
        is_array = is_ndarray(operand)
        if is_array and type(operand) is not np.ndarray:
            refuse_other_algebra(operand, described(operand))
        return recorder.captured_array(operand) if is_array else recorder.constant(operand)
    if is_number(operand):
        try:
            return recorder.number(operand, dtype)
        except OverflowError:
            raise DtypeError(
                f"the number {operand!r} does not fit into {dtype.name}", where=frames.caller()
            ) from None
    if is_sequence(operand):
        return _from_sequence(recorder, operand)
    raise DtypeError(
        "an operand is no array and no number",
        expected="arrays and numbers",
        remedy="np.array(…, dtype=float) of what it holds, outside the function"
        if isinstance(operand, Iterable) and not isinstance(operand, str | dict)
        else None,
    )


class _NoArray(TraceError):
    """A list of traced values where an array is wanted."""


def _from_sequence(recorder: Recorder, operand: Any) -> Variable:
    if _holds_tracer(operand):
        raise _NoArray(
            "a list of traced values is used as an array",
            expected="an array; a list among the arguments stays a list",
            remedy="np.stack(the_list), or pass np.array(the_list)",
        )
    array = _plain_array(operand)
    checked_dtype(array.dtype, "a list used as an array")
    return recorder.constant(array)


def _plain_array(operand: Any) -> Any:
    try:
        return np.asarray(operand)
    except ValueError as error:
        raise DtypeError(
            "a list is no array", expected="rows of one length", got=str(error)
        ) from None


def _holds_tracer(operand: Any) -> bool:
    if is_sequence(operand):
        return any(_holds_tracer(item) for item in operand)
    return isinstance(operand, TracedValue)


def _in_users_words(error: WengertError, operator: str, operands: Sequence[Any]) -> WengertError:
    listed = "; ".join(described(operand) for operand in operands)
    got = f"{listed}\n({error.got})" if error.got else listed
    kind = TraceError if isinstance(error, _NoArray) else type(error)
    says_it = error.asked.startswith(operator)
    return kind(
        error.asked if says_it else f"{operator}: {error.asked}",
        expected=error.expected,
        got=got,
        remedy=error.remedy,
        where=frames.caller(),
    )
