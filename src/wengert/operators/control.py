"""Loops and branches as single operations: their bodies are graphs, held as text.

A body is a function of the operands: for a scan of the carry, one row of each stacked operand
and the operands that every iteration shares; for a branch, of all operands but the condition.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.base.errors import DifferentiationError, GraphError, Location
from wengert.graph.graph import Array, Graph
from wengert.graph.text import held
from wengert.operators.bodies import Run, dense, runner
from wengert.operators.record import FREE, Operator, Samples, Table, Type


def with_control(table: Mapping[str, Operator]) -> Mapping[str, Operator]:
    """Return the table with loops and branches, whose bodies may use all of it."""
    whole = Table(table)
    for record in _records(whole):
        whole[record.name] = record
    return whole


# -- What they mean --------------------------------------------------------------------------------


def scanned(
    step: Run, operands: Sequence[Array], *, carries: int, stacked: int, length: int, reverse: bool
) -> tuple[Array, ...]:
    """Return the last carry, and what each iteration gave, stacked."""
    carry = list(operands[:carries])
    xs, shared = operands[carries : carries + stacked], operands[carries + stacked :]
    ys: list[Array] | None = None
    for i in reversed(range(length)) if reverse else range(length):
        found = step([*carry, *(x[i] for x in xs), *shared])
        carry = [dense(each) for each in found[:carries]]
        if ys is None:
            ys = [np.empty((length, *y.shape), y.dtype) for y in found[carries:]]
        _fill(ys, i, found[carries:])
        # Nobody holds the rows of one iteration while the next one runs.
        del found
    return (*(_owned(each, operands) for each in carry), *(ys or ()))


def _fill(wholes: Sequence[Array], at: int, rows: Sequence[Array]) -> None:
    for whole, row in zip(wholes, rows, strict=True):
        whole[at] = row


def _owned(value: Array, operands: Sequence[Array]) -> Array:
    """Return a result that shares no memory with an operand."""
    is_theirs = value.base is not None or any(value is each for each in operands)
    return np.array(value, order="C") if is_theirs else value


def _copied(values: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(np.array(value, order="C") for value in values)


# -- What they give --------------------------------------------------------------------------------


def _types(variables: Sequence[Any]) -> list[Type]:
    return [Type(each.shape, each.dtype) for each in variables]


def _check_operands(what: str, body: Graph, given: Sequence[Type]) -> None:
    wanted = _types(body.inputs)
    if list(given) != wanted:
        raise GraphError(
            f"the operands of {what} do not fit its body {body.name}",
            expected=", ".join(f"{each.dtype.name}{list(each.shape)}" for each in wanted),
            got=", ".join(f"{each.dtype.name}{list(each.shape)}" for each in given),
        )


def _scan_result(
    *types: Type, body: str, carries: int, stacked: int, length: int, reverse: bool
) -> tuple[Type, ...]:
    graph = held(body)
    carry, xs = types[:carries], types[carries : carries + stacked]
    if any(each.shape[:1] != (length,) for each in xs):
        raise GraphError(
            f"a scan of {length} iterations",
            expected=f"stacked operands of {length} rows",
            got=", ".join(str(each.shape) for each in xs),
        )
    rows = [Type(each.shape[1:], each.dtype) for each in xs]
    _check_operands("scan", graph, (*carry, *rows, *types[carries + stacked :]))
    found = _types(graph.outputs)
    if found[:carries] != list(carry):
        raise GraphError(f"the carry of the scan {graph.name} changes its type")
    return (*carry, *(Type((length, *y.shape), y.dtype) for y in found[carries:]))


def _cond_result(test: Type, *types: Type, true: str, false: str) -> tuple[Type, ...]:
    if test.shape != () or test.dtype.kind != "b":
        raise GraphError("a condition", expected="one boolean", got=f"{test.dtype} {test.shape}")
    yes, no = held(true), held(false)
    for branch in (yes, no):
        _check_operands("cond", branch, types)
    if _types(yes.outputs) != _types(no.outputs):
        raise GraphError(f"the branches {yes.name} and {no.name} give results of other types")
    return tuple(_types(yes.outputs))


def _while_result(*types: Type, test: str, body: str, carries: int) -> tuple[Type, ...]:
    for graph in (held(test), held(body)):
        _check_operands("while_loop", graph, types)
    found = _types(held(body).outputs)
    if found != list(types[:carries]):
        raise GraphError("the values of a while loop change their types")
    return tuple(found)


def _while_pullback_result(
    *types: Type, test: str, body: str, pull: str, carries: int, active: tuple[int, ...]
) -> tuple[Type, ...]:
    _check_operands("while_pullback", held(pull), types)
    return tuple(_types(held(pull).outputs))


def refuse_while_pullback(where: Location | None = None) -> DifferentiationError:
    """Return the error for a backward pass through a loop whose length nobody knows."""
    return DifferentiationError(
        "the backward pass through a while_loop",
        expected="a loop whose number of iterations is bounded",
        got="a while_loop, which runs until its condition says so",
        remedy="wg.while_loop(cond, body, init, max_steps=…), or wg.jvp, which needs no bound",
        where=where,
    )


# -- The records -----------------------------------------------------------------------------------


class _Meanings:
    """What loops and branches do, operators of their bodies taken from a table."""

    def __init__(self, table: Mapping[str, Operator]) -> None:
        self.function_of = runner(table)

    def scan(self, *operands: Any, body: str, **how: Any) -> tuple[Array, ...]:
        graph = held(body)
        # A body reads its operands in C order, as a graph does its inputs.
        found = scanned(self.function_of(body), [dense(x) for x in operands], **how)
        if how["length"]:
            return found
        ys = graph.outputs[how["carries"] :]
        return (*found, *(np.empty((0, *y.shape), y.dtype) for y in ys))

    def cond(self, test: Any, *operands: Any, true: str, false: str) -> tuple[Array, ...]:
        return _copied(self.function_of(true if test else false)([dense(x) for x in operands]))

    def while_loop(self, *operands: Any, test: str, body: str, carries: int) -> tuple[Array, ...]:
        goes_on, step = self.function_of(test), self.function_of(body)
        given = [dense(x) for x in operands]
        carry, shared = given[:carries], given[carries:]
        while goes_on([*carry, *shared])[0]:
            carry = [dense(each) for each in step([*carry, *shared])]
        return _copied(carry)

    def while_pullback(
        self, *operands: Any, test: str, body: str, pull: str, carries: int, active: tuple[int, ...]
    ) -> tuple[Array, ...]:
        goes_on, step = self.function_of(test), self.function_of(body)
        back = self.function_of(pull)
        count = len(held(body).inputs)
        given = [dense(x) for x in operands]
        carry, shared, u = given[:carries], given[carries:count], given[count:]
        passed: list[Sequence[Array]] = []
        while goes_on([*carry, *shared])[0]:
            passed.append(carry)
            carry = step([*carry, *shared])
        wanted = _types(held(pull).outputs)[len(active) :]
        sums = [np.zeros(each.shape, each.dtype) for each in wanted]
        for before in reversed(passed):
            found = back([*before, *shared, *u])
            u = found[: len(active)]
            sums = [a + b for a, b in zip(sums, found[len(active) :], strict=True)]
        return _copied([*u, *sums])


def _records(table: Mapping[str, Operator]) -> tuple[Operator, ...]:
    mean = _Meanings(table)
    shared: dict[str, Any] = {
        "kind": "other", "vjp": None, "cost": FREE, "variadic": True, "parts": ("carry", "rows"),
    }  # fmt: skip
    return (
        # Costs and bytes of a body are counted by planning; its derivative is differentiation's.
        Operator("scan", numpy=mean.scan, result=_scan_result, latex=r"\operatorname{{scan}}({x})",
                 symbol="scan", samples=Samples(_scan_cases), **shared),
        Operator("cond", numpy=mean.cond, result=_cond_result, latex=r"\operatorname{{cond}}({x})",
                 symbol="cond", samples=Samples(_cond_cases), **shared),
        Operator("while_loop", numpy=mean.while_loop, result=_while_result,
                 latex=r"\operatorname{{while}}({x})", symbol="while",
                 samples=Samples(_while_cases), **shared),
        # Jᵀu of a while loop: it keeps every value that the loop passed, however many. It is
        # there to be differentiated by u, which gives the loop of J v.
        Operator("while_pullback", numpy=mean.while_pullback, result=_while_pullback_result,
                 latex=r"\operatorname{{while}}^{{\top}}({x})", symbol="whileᵀ",
                 samples=Samples(_pullback_cases), **shared),
    )  # fmt: skip


# -- Samples ---------------------------------------------------------------------------------------

_STEP = """graph step(h=h, x=x, w=w) -> (h2, y)
  input h: f64[{n}]
  input x: f64[{n}]
  input w: f64[]
  h2: f64[{n}] = multiply(h, w)
  y: f64[{n}] = add(h2, x)"""

_BRANCH = """graph branch(a=a, b=b) -> (c, d)
  input a: f64[{n}]
  input b: f64[{n}]
  c: f64[{n}] = {operator}(a, b)
  d: f64[{n}] = add(a, a)"""

_TEST = """graph test(i=i, h=h, w=w) -> more
  input i: f64[]
  input h: f64[{n}]
  input w: f64[]
  constant %1: f64[] = {most}
  more: bool[] = less(i, %1)"""

_BODY = """graph body(i=i, h=h, w=w) -> (i2, h2)
  input i: f64[]
  input h: f64[{n}]
  input w: f64[]
  constant %1: f64[] = 1.0
  i2: f64[] = add(i, %1)
  h2: f64[{n}] = multiply(h, w)"""

_PULL = """graph pull(i=i, h=h, w=w, u=u) -> (dh, dw)
  input i: f64[]
  input h: f64[{n}]
  input w: f64[]
  input u: f64[{n}]
  dh: f64[{n}] = multiply(u, w)
  %1: f64[{n}] = multiply(u, h)
  dw: f64[] = sum(%1; axis=(0,), keepdims=False)"""

_Case = tuple[tuple[Array, ...], dict[str, Any]]


def _scan_cases(rng: np.random.Generator) -> list[_Case]:
    found: list[_Case] = []
    for n, length, reverse in ((3, 4, False), (2, 5, True), (3, 1, False), (0, 2, False)):
        operands = (rng.normal(size=n), rng.normal(size=(length, n)), np.array(0.5))
        how = {"carries": 1, "stacked": 1, "length": length, "reverse": reverse}
        found.append((operands, {"body": _STEP.format(n=n), **how}))
    return found


def _cond_cases(rng: np.random.Generator) -> list[_Case]:
    return [
        (
            (np.array(test), rng.normal(size=n), rng.normal(size=n)),
            {name: _BRANCH.format(n=n, operator=operator)
             for name, operator in (("true", "multiply"), ("false", "subtract"))},
        )
        for n, test in ((3, True), (3, False), (0, True))
    ]  # fmt: skip


def _while_cases(rng: np.random.Generator) -> list[_Case]:
    return [
        (
            (np.array(0.0), rng.normal(size=n), np.array(0.5)),
            {"test": _TEST.format(n=n, most=most), "body": _BODY.format(n=n), "carries": 2},
        )
        for n, most in ((3, "4.0"), (3, "-1.0"), (0, "2.0"))
    ]


def _pullback_cases(rng: np.random.Generator) -> list[_Case]:
    found: list[_Case] = []
    for operands, attributes in _while_cases(rng):
        n = len(operands[1])
        more = {"pull": _PULL.format(n=n), "active": (1,)}
        found.append(((*operands, rng.normal(size=n)), {**attributes, **more}))
    return found
