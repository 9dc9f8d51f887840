"""NumPy's own lists of what can be overridden, each callable with its class; docs/numpy.md.

``python -m wengert.tracing.surface > docs/numpy.md`` writes the page again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Literal, NamedTuple

import numpy as np

from wengert.operators.registry import OPERATORS
from wengert.tracing import functions, methods, refused, rooms, ufuncs

Kind = Literal["differentiable", "constant", "refused"]

# Their results are facts of a shape and a dtype, places, or truth values.
_CONSTANT_FUNCTIONS = {
    np.all, np.any, np.argmax, np.argmin, np.shape, np.ndim, np.size, np.iscomplexobj,
    np.isrealobj, np.isreal, np.iscomplex, np.result_type, np.can_cast, np.zeros_like,
    np.ones_like, np.empty_like, np.linalg.matrix_rank,
}  # fmt: skip
_OPERATORS: dict[str, str] = {"divmod": "remainder", "modf": "fraction", "frexp": "mantissa"}


class Entry(NamedTuple):
    """One callable of NumPy's: its class, and what there is to say about it."""

    name: str
    kind: Kind
    note: str = ""
    instead: str = ""


def function_entry(function: Any) -> Entry | None:
    """Return the class of an array function, None where it has none: a hole."""
    name = f"np.{functions.path(function)}"
    row = functions.row(function)
    if row is None:
        why = functions.why_not(function)
        return None if why is None else Entry(name, "refused", why.because, why.instead)
    public = rooms.found(functions.path(function))
    is_constant = rooms.CONSTANT.get(public) is row or public in _CONSTANT_FUNCTIONS
    return Entry(name, "constant" if is_constant else "differentiable", _note(row))


def ufunc_entry(ufunc: Any) -> Entry | None:
    """Return the class of a ufunc, None where it has none: a hole."""
    own: str = ufunc.__name__
    name = f"np.{own}" if getattr(np, own, None) is ufunc else own
    if ufunc in ufuncs.TABLE:
        operator = OPERATORS.get(_OPERATORS.get(own, own))
        is_constant = own == "_ones_like" or (operator is not None and operator.vjp is None)
        return Entry(name, "constant" if is_constant else "differentiable")
    why = refused.UFUNCS.get(own)
    return None if why is None else Entry(name, "refused", why.because, why.instead)


def _note(row: Any) -> str:
    """Return what the first line of a docstring says behind the name: "np.choose; …"."""
    first = (getattr(row, "__doc__", None) or "").partition("\n")[0]
    return first.partition("; ")[2] if first.startswith("np.") else ""


def entries() -> list[Entry]:
    """Return every overridable callable of NumPy's; one without a class is an AssertionError."""
    overrides = import_module("numpy.testing.overrides")
    for room in ("numpy.lib.recfunctions", "numpy.strings", "numpy.lib.scimath", "numpy.fft"):
        import_module(room)  # they enter NumPy's lists when they are imported
    found: dict[str, Entry] = {}
    for each in overrides.get_overridable_numpy_array_functions():
        entry = function_entry(each)
        assert entry is not None, f"np.{functions.path(each)} has no class"
        found[entry.name] = entry
    for each in overrides.get_overridable_numpy_ufuncs():
        entry = ufunc_entry(each)
        assert entry is not None, f"the ufunc {each.__name__} has no class"
        found[entry.name] = entry
    return sorted(found.values())


# -- The page -------------------------------------------------------------------------------------

_HEAD = """\
# NumPy under a trace

This page is generated from the tables that tracing reads (`python -m wengert.tracing.surface`).
It lists every callable that NumPy lets others override, and the methods and attributes of arrays.
Each is one of three:

* **differentiable**: traced values pass, and gradients come back;
* **constant**: the result is a place, a truth value, a shape or a whole number; it is computed
  like everything else and carries no gradient;
* **refused**: it has no meaning in a graph whose shapes are known before the numbers. The error
  says why, and what to write instead.

Values are NumPy's own, bit for bit, in the reference interpreter; where sums run in another order
(convolutions, sums with `where=` or `initial=`) they agree to a few units in the last place. Dtypes
are NumPy's: float32 stays float32.

Where a derivative jumps there is a convention. Elements that tie for a maximum or minimum share
its gradient equally; of ties in a running maximum the last has it. A sorted element passes its
gradient to the place it came from, and of equals the first comes first. `abs` at 0 has the
derivative 0, and so has every rounding everywhere.

All ufuncs take `out=`, `where=` (with `out=`), `dtype=` and `casting=`, and those of two operands
have `reduce`, `accumulate`, `reduceat`, `outer` and, on traced arrays, `at`.
"""


def page() -> str:
    """Return docs/numpy.md."""
    found = entries()
    lines = [_HEAD]
    for kind in ("differentiable", "constant"):
        chosen = [entry for entry in found if entry.kind == kind]
        lines += [f"## {kind.capitalize()} ({len(chosen)})\n", *_names(chosen), ""]
        notes = [entry for entry in chosen if entry.note]
        lines += [f"* `{entry.name}`: {entry.note}." for entry in notes]
        lines += [""] if notes else []
    chosen = [entry for entry in found if entry.kind == "refused"]
    lines += [f"## Refused ({len(chosen)})\n", *_refusals(chosen), "", *_of_arrays()]
    return "\n".join(lines).rstrip() + "\n"


def _names(chosen: list[Entry]) -> Iterator[str]:
    line = ""
    for entry in chosen:
        word = f"`{entry.name}` "
        if len(line) + len(word) > 118:
            yield line.rstrip()
            line = ""
        line += word
    yield line.rstrip()


def _refusals(chosen: list[Entry]) -> list[str]:
    lines = ["| callable | why | instead |", "|---|---|---|"]
    reasons = dict.fromkeys((entry.note, entry.instead) for entry in chosen)
    for note, instead in reasons:
        names = " ".join(f"`{e.name}`" for e in chosen if (e.note, e.instead) == (note, instead))
        lines.append(f"| {names} | {note} | {instead} |")
    return lines


def _of_arrays() -> list[str]:
    known = [*sorted(methods.METHODS), *sorted(methods.ATTRIBUTES)]
    refusals = {**methods.OUT, **methods.REMEDIES}
    return [
        "## Methods and attributes of arrays\n",
        "Supported, beside the operators, indexing, `shape`, `ndim`, `size`, `dtype`, `itemsize`, "
        "`nbytes`, `len` and iteration:\n",
        *_names([Entry(f".{name}", "differentiable") for name in known]),
        "",
        "| refused | instead |", "|---|---|",
        *(f"| `.{name}` | {remedy} |" for name, remedy in sorted(refusals.items())),
    ]  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(page())
