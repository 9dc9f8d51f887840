"""A text for every variable of a graph, named or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wengert.base.dtypes import short
from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable

_VIEWS = frozenset({"transpose", "reshape", "broadcast_to", "index", "identity"})


def labels(graph: Graph) -> Mapping[Variable, str]:
    """Return the label of each variable; ``%3`` is the unnamed result of operation 3,
    ``d(%3)`` its gradient.

    A number without a name is called by its value.
    """
    found = {each: each.label for each in graph.variables if each.label is not None}
    taken = set(found.values())
    for variable, choices in _unnamed(graph, found):
        if variable not in found:
            found[variable] = next(each for each in choices if each not in taken)
            taken.add(found[variable])
    return {variable: found[variable] for variable in graph.variables}


def _unnamed(
    graph: Graph, found: Mapping[Variable, str]
) -> Iterator[tuple[Variable, tuple[str, ...]]]:
    """Yield each variable with the texts that it may be called by, the best one first."""
    for at, variable in enumerate((*graph.inputs, *graph.constants)):
        yield variable, (*_values(graph, variable), f"%given{at}")
    for at, operation in enumerate(graph.operations):
        for number, variable in enumerate(operation.outputs):
            plain = f"%{at}" if len(operation.outputs) == 1 else f"%{at}.{number}"
            yield variable, (*_gradient(variable, found), plain)


def _gradient(variable: Variable, found: Mapping[Variable, str]) -> tuple[str, ...]:
    of = variable.of
    return (f"d({found[of]})",) if of is not None and of in found else ()


def _values(graph: Graph, variable: Variable) -> tuple[str, ...]:
    value = graph.constants.get(variable)
    if variable.formula is not None:
        return (variable.formula,)
    if value is None or value.shape != ():
        return ()
    text = f"{value.item():.6g}"
    return text, f"{text}:{short(variable.dtype)}"


def expression(graph: Graph, names: Mapping[Variable, str], variable: Variable) -> str:
    """Return the name of a variable; an unnamed view is written as what it looks at, ``h.T``."""
    maker = graph.producer.get(variable)
    if variable.label is not None or maker is None or maker.operator not in _VIEWS:
        return names[variable]
    inner = expression(graph, names, maker.inputs[0])
    if maker.operator == "transpose":
        backwards = tuple(reversed(range(variable.rank)))
        return f"{inner}.T" if maker.attributes["axes"] == backwards else f"transpose({inner})"
    if maker.operator == "reshape":
        return f"{inner}.reshape{variable.shape}"
    return inner if maker.operator == "identity" else f"{maker.operator}({inner})"


def write(graph: Graph, names: Mapping[Variable, str], operation: Operation) -> str:
    """Return ``operator(operands)`` with the names of the plan."""
    operands = ", ".join(expression(graph, names, each) for each in operation.inputs)
    return f"{operation.operator}({operands})"
