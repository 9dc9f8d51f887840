"""Loops as one operation: scan over rows, and while a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from wengert.base.errors import DataError, DtypeError, OptionError, ShapeError, TraceError
from wengert.base.tree import Structure, flatten, unflatten
from wengert.graph.text import to_text
from wengert.tracing import frames
from wengert.tracing.spec import Spec
from wengert.tracing.trace import is_array_like
from wengert.tracing.tracer import apply
from wengert.transforms.arguments import called
from wengert.transforms.bodies import (
    Body,
    arrays_of,
    flat,
    is_traced,
    is_whole,
    named,
    pair_of,
    reads_traced,
    settled,
    specs_of,
    traced_body,
)
from wengert.transforms.branches import cond

Step = Callable[[Any, Any], tuple[Any, Any]]


def scan(
    f: Step, carry: Any, xs: Any = None, length: int | None = None, reverse: bool = False
) -> tuple[Any, Any]:
    """Return the last carry and the stacked results of a loop: carry, yᵢ = f(carry, xᵢ).

    On plain arrays it is this Python loop. On traced values it becomes one operation, whose
    body stands in the graph once: tracing, differentiating and compiling take as long as one
    iteration, however many there are. The backward pass is a scan in the other direction, over
    what it reads of each iteration.

    Args:
        f: ``f(carry, x) -> (carry, y)``, plain NumPy code. What it reads from outside is the
            same in all iterations, and has a gradient too.
        carry: what the first iteration begins with; arrays and numbers in nested containers,
            which keep their shapes and dtypes from one iteration to the next.
        xs: arrays in nested containers, each with a row for every iteration; None where ``f``
            needs none: then ``x`` is None.
        length: the number of iterations, where ``xs`` does not say it.
        reverse: whether the last row comes first; the results keep their places.

    Returns:
        (carry, ys): ``ys`` has the containers of y, each array with a row for every iteration.

    Raises:
        ShapeError: rows that differ in number, or a carry that changes its shape.
        DtypeError: a carry that changes its dtype.
        TraceError: ``f`` does not return (carry, y), or the carry changes its containers.
        OptionError: nothing says how many iterations there are.

    >>> last, sums = scan(lambda s, x: (s + x, s + x), 0.0, np.arange(4.0))
    >>> float(last), sums.tolist()
    (6.0, [0.0, 1.0, 3.0, 6.0])
    """
    carry, xs = settled((carry, xs))
    rows, count = _rows(f, xs, length)
    if not (is_traced(carry, xs) or reads_traced(f)):
        return _run(f, carry, xs, (rows, count), reverse)
    return _traced(f, carry, xs, (rows, count), reverse)


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], init: Any, max_steps: int | None = None
) -> Any:
    """Return v after ``while cond(v): v = body(v)``, starting with ``init``.

    On plain arrays it is this Python loop. On traced values it becomes one operation. It has
    derivatives in forward mode (:func:`~wengert.jvp`). A backward pass has to keep something of
    each iteration, and so needs to know how many there can be: give ``max_steps``.

    Args:
        cond: a function of v that returns one boolean.
        body: a function of v that returns v, in the same containers, shapes and dtypes.
        init: arrays and numbers in nested containers.
        max_steps: the most iterations there can be. The loop then is a scan of so many, those
            after the end doing nothing, and has a backward pass.

    Raises:
        DataError: plain arrays, and the condition still holds after ``max_steps``. In a traced
            loop the floats of the result are NaN in that case.
        ShapeError, DtypeError, TraceError: as for :func:`scan`.

    >>> float(while_loop(lambda v: v < 100.0, lambda v: v * 3.0, 2.0))
    162.0
    """
    init = settled(init)
    if not (is_traced(init) or reads_traced(cond) or reads_traced(body)):
        return _while_run(cond, body, init, max_steps)
    if max_steps is None:
        return _while_traced(cond, body, init)
    return _bounded(cond, body, init, max_steps)


# -- On plain arrays -------------------------------------------------------------------------------


def _run(
    f: Step, carry: Any, xs: Any, rows: tuple[list[Any], int], reverse: bool
) -> tuple[Any, Any]:
    leaves, count = rows
    structure = flatten(xs, is_leaf=is_array_like)[1]
    found: list[list[Any]] = []
    made: Structure | None = None
    order = range(count)
    for i in reversed(order) if reverse else order:
        x = unflatten(structure, [leaf[i] for leaf in leaves])
        carry, y = pair_of(f(carry, x), f, "a scan")
        parts, made = flatten(y, is_leaf=is_array_like)
        found.append(parts)
    if made is None:
        return _nothing(f, carry, xs, leaves)
    columns = zip(*(reversed(found) if reverse else found), strict=True)
    return carry, unflatten(made, [np.stack(column) for column in columns])


def _nothing(f: Step, carry: Any, xs: Any, leaves: Sequence[Any]) -> tuple[Any, Any]:
    """Return what a scan of no iterations gives: rows of the right types, none of them."""
    start, kept = arrays_of(carry, "carry")
    body, _ = _body(f, (start, kept), flatten(xs, is_leaf=is_array_like)[1], leaves)
    ys = body.graph.outputs[len(start) :]
    structure = body.graph.output_structure.children[1]
    return carry, unflatten(structure, [np.empty((0, *y.shape), y.dtype) for y in ys])


def _while_run(
    cond: Callable[..., Any], body: Callable[..., Any], v: Any, max_steps: int | None
) -> Any:
    steps = 0
    while bool(cond(v)):
        if max_steps is not None and steps >= max_steps:
            raise DataError(
                f"the while_loop of {called(body)} did not end",
                expected=f"a condition that is false after at most max_steps={max_steps}",
                remedy="a larger max_steps, or none",
                where=frames.caller(),
            )
        v = body(v)
        steps += 1
    return v


# -- On traced values ------------------------------------------------------------------------------


def _traced(
    f: Step, carry: Any, xs: Any, rows: tuple[list[Any], int], reverse: bool
) -> tuple[Any, Any]:
    leaves, count = rows
    start, kept = arrays_of(carry, "carry")
    weak = [not is_array_like(each) for each in flatten(carry, is_leaf=is_array_like)[0]]
    structure = flatten(xs, is_leaf=is_array_like)[1]
    body, start = _body(f, (start, kept), structure, leaves, weak)
    found = apply(
        "scan", *start, *leaves, *body.besides,
        body=to_text(flat(body)), carries=len(start), stacked=len(leaves), length=count,
        reverse=bool(reverse),
    )  # fmt: skip
    ys = body.graph.output_structure.children[1]
    return unflatten(kept, found[: len(start)]), unflatten(ys, found[len(start) :])


def _body(
    f: Step,
    carry: tuple[list[Any], Structure],
    structure: Structure,
    leaves: Sequence[Any],
    weak: Sequence[bool] = (),
) -> tuple[Body, list[Any]]:
    """Trace one iteration; Python numbers in the carry take the dtype that it gives them."""
    kept = carry[1]
    x = unflatten(structure, [_row(leaf) for leaf in leaves])

    @wraps(f)
    def step(carry: Any, x: Any) -> Any:
        return pair_of(f(carry, x), f, "a scan")

    def trace(start: Sequence[Any]) -> Body:
        body = traced_body(step, (unflatten(kept, list(start)), x))
        _check_containers(f, kept, body.graph.output_structure.children[0])
        return body

    body, start = _settled(trace, carry[0], weak)
    _check_carry(f, "scan", kept, start, body.graph.outputs)
    return body, start


def _settled(
    trace: Callable[[Sequence[Any]], Body], start: list[Any], weak: Sequence[bool]
) -> tuple[Body, list[Any]]:
    """Return a body, and what begins it: Python numbers in the dtype that they take on."""
    specs = specs_of(start)
    if any(weak):
        plain = [x.item() if w else s for x, s, w in zip(start, specs, weak, strict=True)]
        after = trace(plain).graph.outputs
        start = [x.astype(v.dtype) if w else x for x, v, w in zip(start, after, weak, strict=False)]
        specs = specs_of(start)
    return trace(specs), start


def _row(leaf: Any) -> Any:
    return Spec(tuple(leaf.shape[1:]), leaf.dtype)


def _while_traced(cond: Callable[..., Any], body: Callable[..., Any], init: Any) -> Any:
    start, kept = arrays_of(init, "init")
    weak = [not is_array_like(each) for each in flatten(init, is_leaf=is_array_like)[0]]

    def trace(start: Sequence[Any]) -> Body:
        found = traced_body(body, (unflatten(kept, list(start)),))
        _check_containers(body, kept, found.graph.output_structure)
        return found

    step, start = _settled(trace, start, weak)
    _check_carry(body, "while_loop", kept, start, step.graph.outputs)
    test = traced_body(cond, (unflatten(kept, specs_of(start)),))
    _check_test(cond, test)
    shared = list({id(each): each for each in (*test.besides, *step.besides)}.values())
    found = apply(
        "while_loop", *start, *shared,
        test=to_text(test.shared(shared)), body=to_text(step.shared(shared)), carries=len(start),
    )  # fmt: skip
    return unflatten(kept, found)


def _bounded(test: Callable[..., Any], body: Callable[..., Any], init: Any, max_steps: int) -> Any:
    if type(max_steps) is not int or max_steps < 0:
        raise OptionError(
            "the most iterations of a while_loop", expected="max_steps, an int of at least 0",
            got=repr(max_steps), where=frames.caller(),
        )  # fmt: skip

    def step(v: Any, _: Any) -> Any:
        return cond(test(v), body, _unchanged, v), None

    step.__name__ = called(body)
    v, _ = scan(step, init, None, max_steps)
    return cond(test(v), partial(_not_a_number), _unchanged, v)


def _unchanged(v: Any) -> Any:
    return v


def _not_a_number(v: Any) -> Any:
    """A loop that did not end must not pass for one that did."""
    leaves, structure = flatten(v, is_leaf=is_array_like)
    return unflatten(structure, [x * np.nan if x.dtype.kind == "f" else x for x in leaves])


# -- What must fit ---------------------------------------------------------------------------------


def _rows(f: Step, xs: Any, length: int | None) -> tuple[list[Any], int]:
    leaves, structure = flatten(xs, is_leaf=is_array_like)
    names = list(named(structure, "xs"))
    for name, leaf in zip(names, leaves, strict=True):
        if not is_array_like(leaf) or not leaf.shape:
            raise ShapeError(
                f"a scan of {called(f)} over {name}",
                expected="an array with a row for every iteration",
                got=f"{type(leaf).__name__} {leaf!r}" if not is_array_like(leaf) else "a scalar",
                remedy="np.asarray of a list; length= where no rows are needed",
                where=frames.caller(),
            )
    if length is not None and (not is_whole(length) or length < 0):
        raise OptionError(
            f"a scan of {called(f)}", expected="length, an int of at least 0", got=repr(length),
            where=frames.caller(),
        )  # fmt: skip
    sizes = {name: int(leaf.shape[0]) for name, leaf in zip(names, leaves, strict=True)}
    counts = {*sizes.values(), *(() if length is None else (int(length),))}
    if not counts:
        raise OptionError(
            f"a scan of {called(f)} over nothing", expected="xs, or length=", where=frames.caller()
        )
    if len(counts) > 1:
        told = [f"{name}: {size} rows" for name, size in sizes.items()]
        raise ShapeError(
            f"a scan of {called(f)}: how many iterations?",
            expected="as many rows in each array of xs, and in length where it is given",
            got=", ".join([*told, *(() if length is None else (f"length={length}",))]),
            where=frames.caller(),
        )
    return leaves, counts.pop()


def _check_containers(f: Callable[..., Any], before: Structure, after: Structure) -> None:
    if before != after:
        raise TraceError(
            f"{called(f)} changes the containers of what it carries",
            expected=f"{before.kind} of {list(before.keys)}" if before.children else before.kind,
            got=f"{after.kind} of {list(after.keys)}" if after.children else after.kind,
            remedy="return the carry in the containers in which it came",
            where=frames.caller(),
        )


def _check_carry(
    f: Callable[..., Any], what: str, kept: Structure, start: Sequence[Any], after: Sequence[Any]
) -> None:
    for name, a, b in zip(named(kept, "carry"), start, after, strict=False):
        told = {"expected": f"{a.dtype.name} {tuple(a.shape)} as at first",
                "got": f"{b.dtype.name} {tuple(b.shape)} after one iteration"}  # fmt: skip
        if tuple(a.shape) != tuple(b.shape):
            raise ShapeError(
                f"{name} in a {what} of {called(f)} changes its shape", **told,
                remedy=f"begin with np.zeros({tuple(b.shape)})", where=frames.caller(),
            )  # fmt: skip
        if a.dtype != b.dtype:
            raise DtypeError(
                f"{name} in a {what} of {called(f)} changes its dtype", **told,
                remedy=f"begin with .astype(np.{b.dtype.name}), or return .astype("
                f"np.{a.dtype.name})", where=frames.caller(),
            )  # fmt: skip


def _check_test(cond: Callable[..., Any], test: Body) -> None:
    outputs = test.graph.outputs
    if len(outputs) != 1 or outputs[0].shape != () or outputs[0].dtype.kind != "b":
        got = ", ".join(f"{v.dtype.name} {v.shape}" for v in outputs)
        raise TraceError(
            f"the condition {called(cond)} of a while_loop",
            expected="one boolean, such as v < 1 or np.all(v < 1)", got=got or "nothing",
            where=frames.caller(),
        )  # fmt: skip
