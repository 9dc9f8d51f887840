"""Branches as one operation: which of two functions runs is known when the graph runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.base.errors import ShapeError, TraceError
from wengert.base.tree import flatten, unflatten
from wengert.graph.text import to_text
from wengert.tracing import frames
from wengert.tracing.trace import is_array_like
from wengert.tracing.tracer import Tracer, apply
from wengert.transforms.arguments import called
from wengert.transforms.bodies import Body, named, settled, specs_of, traced_body

Branch = Callable[..., Any]


def cond(pred: Any, true: Branch, false: Branch, *operands: Any) -> Any:
    """Return ``true(*operands) if pred else false(*operands)``, for a condition in the graph.

    With a plain condition it is this Python expression. With a traced one it becomes an
    operation that runs one branch only, so that neither its values nor its gradient meet what
    the other would do (a division by zero, a root of a negative number). Under ``vmap`` with a
    condition for each example both branches run, and ``np.where`` chooses.

    Args:
        pred: one boolean.
        true, false: functions of the operands, which may read other values too; their results
            have the same containers and shapes. Where dtypes differ the wider one holds.
        operands: what they are given.

    Raises:
        TraceError: the condition is not one boolean, or the results differ in their containers.
        ShapeError: the results differ in their shapes.

    >>> float(cond(np.bool_(True), lambda x: x + 1, lambda x: x - 1, 2.0))
    3.0
    """
    pred, operands = settled((pred, operands))
    if not isinstance(pred, Tracer):
        return (true if _plain(pred) else false)(*operands)
    if pred.shape != () or pred.dtype.kind != "b":
        raise TraceError(
            "the condition of a cond", expected="one boolean, such as x < 1 or np.all(x < 1)",
            got=f"{pred.dtype.name} {pred.shape}",
            remedy="np.where(condition, a, b) chooses element by element", where=frames.caller(),
        )  # fmt: skip
    leaves, structure = flatten(operands, is_leaf=is_array_like)
    given = [leaf for leaf in leaves if is_array_like(leaf)]
    specs = [specs_of([leaf])[0] if is_array_like(leaf) else leaf for leaf in leaves]
    whole: tuple[Any, ...] = unflatten(structure, specs)
    yes, no = _alike(true, false, whole)
    shared = list({id(each): each for each in (*yes.besides, *no.besides)}.values())
    found = apply(
        "cond", pred, *given, *shared,
        true=to_text(yes.shared(shared)), false=to_text(no.shared(shared)),
    )  # fmt: skip
    return unflatten(yes.graph.output_structure, found)


def _plain(pred: Any) -> bool:
    if np.shape(pred) != ():
        raise TraceError(
            "the condition of a cond", expected="one boolean", got=f"shape {np.shape(pred)}",
            remedy="np.where(condition, a, b) chooses element by element", where=frames.caller(),
        )  # fmt: skip
    return bool(pred)


def _alike(true: Branch, false: Branch, specs: tuple[Any, ...]) -> tuple[Body, Body]:
    """Trace both branches, results of differing dtypes made the wider."""
    yes, no = traced_body(true, specs), traced_body(false, specs)
    names = f"{called(true)} and {called(false)}"
    if yes.graph.output_structure != no.graph.output_structure:
        a, b = yes.graph.output_structure, no.graph.output_structure
        raise TraceError(
            f"the branches {names} of a cond", expected="results in the same containers",
            got=f"{a.kind} of {list(a.keys)} and {b.kind} of {list(b.keys)}",
            where=frames.caller(),
        )  # fmt: skip
    where = named(yes.graph.output_structure, "result")
    dtypes: list[np.dtype[Any]] = []
    for name, a, b in zip(where, yes.graph.outputs, no.graph.outputs, strict=True):
        if a.shape != b.shape:
            raise ShapeError(
                f"the branches {names} of a cond", expected="results of the same shapes",
                got=f"{name}: {a.shape} and {b.shape}", where=frames.caller(),
            )  # fmt: skip
        dtypes.append(np.result_type(a.dtype, b.dtype))
    return _cast(true, specs, yes, dtypes), _cast(false, specs, no, dtypes)


def _cast(f: Branch, specs: tuple[Any, ...], body: Body, dtypes: list[np.dtype[Any]]) -> Body:
    if [each.dtype for each in body.graph.outputs] == dtypes:
        return body

    def wider(*args: Any) -> Any:
        leaves, structure = flatten(f(*args), is_leaf=is_array_like)
        pairs = zip(leaves, dtypes, strict=True)
        return unflatten(structure, [np.asarray(x, t) if not is_array_like(x) else x.astype(t)
                                     for x, t in pairs])  # fmt: skip

    wider.__name__ = called(f)
    return traced_body(wider, specs)
