"""What a program raises when a kernel of it has refused a number."""

from __future__ import annotations

import numpy as np

from wengert.base.errors import DataError
from wengert.native.host import Host
from wengert.native.kernel import Kernel
from wengert.native.looping import Loop


def forget_problem(kernel: Kernel) -> BaseException | None:
    """Return what a kernel raised, or a kernel inside of it refused, once."""
    if isinstance(kernel.body, Loop):
        inside = kernel.body.refused()
        return None if inside is None else refused(inside[0], *inside[1][1:])
    if not isinstance(kernel.body, Host):
        return None
    problem, kernel.body.problem = kernel.body.problem, None
    return problem


def refused(kernel: Kernel, code: int, place: int, bits: int) -> BaseException:
    """Return the error for a number that a kernel refused, or what NumPy raised in it."""
    problem = forget_problem(kernel)
    if problem is not None:
        return problem
    number = float(np.int64(bits).view(np.float64))
    check = kernel.checks[code - 1]
    operand = check.operation.inputs[-1]
    named = operand.label or "a value"
    shown = str(int(number)) if number.is_integer() else str(number)
    at = np.unravel_index(place, operand.shape) if operand.shape else ()
    where = "" if not at else f"row {int(at[0])} holds " if len(at) == 1 else (
        f"place {tuple(int(i) for i in at)} holds ")  # fmt: skip
    expected, asked, remedy = _SAID.get(check.operator, _SAID["index"])
    high = f"{check.high:g}"
    return DataError(
        asked.format(classes=int(check.high) + 1),
        expected=expected.format(low=f"{check.low:g}", high=high),
        got=f"{where}{shown}\n{named}: {operand.dtype.name} {operand.shape}",
        remedy=remedy,
        where=check.operation.location,
    )


_SAID: dict[str, tuple[str, str, str | None]] = {
    "one_hot": (
        "integers from 0 to {high}", "a label is out of range for {classes} classes",
        "count classes from 0, or give the logits more columns",
    ),
    "binary_cross_entropy": (
        "labels from 0 to 1", "binary_cross_entropy got a label that is no probability",
        "(labels + 1) / 2 where they are −1 and 1",
    ),
    "index": ("integers from {low} to {high}", "an index lies outside its array", None),
}  # fmt: skip
