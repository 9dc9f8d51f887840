"""Letters for axes: d for features, n for examples, h for hidden, q for outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wengert.base.errors import OptionError
from wengert.explanation.mathematics.axes import Axes
from wengert.graph.graph import Graph
from wengert.graph.variable import Variable

_MORE = ("m", "p", "r", "k", "t", "l", "u", "v", "w", "c", "a", "b")
Overrides = Mapping[str, Sequence[str]]


def letters(
    graph: Graph,
    axes: Axes,
    shown: Sequence[Variable],
    output: Variable | None,
    overrides: Overrides | None = None,
) -> dict[int, str]:
    """Return a letter for every axis of the shown variables, by the identity of the axis.

    Args:
        graph: the joint graph.
        axes: its axes.
        shown: the forward variables that are printed, inputs first, in order.
        output: the last array before the objective (its last axis is q).
        overrides: letters by the label of a variable, such as ``{"W1": ("h", "d")}``.
    """
    given: dict[int, str] = {}
    for label, wanted in (overrides or {}).items():
        given.update(_override(graph, axes, label, tuple(wanted)))
    kinds = _kinds(axes, shown, output)
    for variable in shown:
        for axis, size in zip(axes.of(variable), variable.shape, strict=True):
            if size == 1 and axis not in given:
                given[axis] = "1"
                kinds.pop(axis, None)
    supply = _supply(set(given.values()), len([k for k in kinds.values() if k == "h"]))
    for axis, kind in kinds.items():
        if axis not in given:
            given[axis] = next(supply[kind])
    return given


def _override(
    graph: Graph, axes: Axes, label: str, wanted: tuple[str, ...]
) -> Iterator[tuple[int, str]]:
    known = {v.label: v for v in graph.variables if v.label is not None}
    if label not in known or known[label].rank != len(wanted):
        shape = known[label].shape if label in known else "no such variable"
        raise OptionError(
            f"letters {wanted} for the axes of {label!r}",
            expected="one letter an axis of a named variable",
            got=str(shape),
            remedy=f"choose from {', '.join(sorted(known))}",
        )
    return zip(axes.of(known[label]), wanted, strict=True)


def _kinds(axes: Axes, shown: Sequence[Variable], output: Variable | None) -> dict[int, str]:
    """Say of every axis, in order of appearance, whether it is an n, d, q, h or another one."""
    data = [v for v in shown if v.role == "input" and v.rank]
    parameters = {axis for v in shown if v.role == "parameter" for axis in axes.of(v)}
    kinds: dict[int, str] = {}
    for place, variable in enumerate(data):
        for axis in axes.of(variable):
            feature = "d" if place == 0 else "q"
            kinds.setdefault(axis, feature if axis in parameters else "n")
    if output is not None and output.rank:
        last = axes.of(output)[-1]
        if last in parameters and kinds.get(last) != "d":
            kinds[last] = "q"
    for variable in shown:
        if variable.role != "parameter":
            for axis in axes.of(variable):
                kinds.setdefault(axis, "h" if axis in parameters else "m")
    for variable in shown:
        for axis in axes.of(variable):
            kinds.setdefault(axis, "m")
    return kinds


def _supply(taken: set[str], hidden: int) -> Mapping[str, Iterator[str]]:
    more = (letter for letter in _MORE if letter not in taken)

    def series(first: str) -> Iterator[str]:
        if first not in taken:
            yield first
        number = 2
        while True:
            yield f"{first}_{number}"
            number += 1

    def numbered() -> Iterator[str]:
        number = 1
        while True:
            yield f"h_{number}"
            number += 1

    def others() -> Iterator[str]:
        yield from more
        number = 1
        while True:
            yield f"m_{number}"
            number += 1

    def examples() -> Iterator[str]:
        if "n" not in taken:
            yield "n"
        yield from rest

    rest = others()
    return {
        "n": examples(),
        "d": series("d"),
        "q": series("q"),
        "h": numbered() if hidden > 1 else series("h"),
        "m": rest,
    }
