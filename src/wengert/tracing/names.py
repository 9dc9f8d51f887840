"""What the user calls each value: the outermost frame's name, versioned when rebound."""

from __future__ import annotations

from dataclasses import replace
from types import FrameType

from wengert.graph.graph import Graph
from wengert.graph.operation import Operation
from wengert.graph.variable import Variable
from wengert.tracing.value import TracedValue

# Names that come from a container's path or from an inner graph count less than any local.
SUGGESTED = 1000


class Names:
    """Candidates for the name of each variable, the best one kept.

    ``gradients`` says of which variable another one is the gradient.
    """

    def __init__(self) -> None:
        self._best: dict[Variable, tuple[int, str]] = {}
        self.gradients: dict[Variable, Variable] = {}

    def suggest(self, variable: Variable, name: str | None, depth: int = SUGGESTED) -> None:
        """Offer a name; the one from the outermost frame stays, and the first of equals."""
        if name is None or name == "_":
            return
        held = self._best.get(variable)
        if held is None or depth < held[0]:
            self._best[variable] = (depth, name)

    def keep(self, graph: Graph) -> None:
        """Take over the names that a finished graph already has."""
        for variable in graph.variables:
            self.suggest(variable, variable.name, -1)

    def scan(self, recorder: object, frame: FrameType, depth: int) -> None:
        """Read the locals of a frame for tracers of this recorder."""
        for name, value in frame.f_locals.items():
            if isinstance(value, TracedValue) and value.recorder is recorder:
                self.suggest(value.latest, name, depth)

    def get(self, variable: Variable) -> str | None:
        """Return the best name so far."""
        held = self._best.get(variable)
        return None if held is None else held[1]


def finished_graph(graph: Graph, names: Names) -> Graph:
    """Return the graph with every variable under its final, unique label."""
    return renamed(graph, names)[0]


def renamed(graph: Graph, names: Names) -> tuple[Graph, dict[Variable, Variable]]:
    """Return the finished graph, and what each variable became."""
    final = _final_variables(graph, names)

    def of(variables: tuple[Variable, ...]) -> tuple[Variable, ...]:
        return tuple(final[variable] for variable in variables)

    def on_final(operation: Operation) -> Operation:
        origin = None if operation.origin is None else final.get(operation.origin)
        return operation.on(of(operation.inputs), of(operation.outputs), origin)

    found = replace(
        graph,
        inputs=of(graph.inputs),
        operations=tuple(on_final(operation) for operation in graph.operations),
        outputs=of(graph.outputs),
        constants={final[variable]: value for variable, value in graph.constants.items()},
    )
    return found, final


def _final_variables(graph: Graph, names: Names) -> dict[Variable, Variable]:
    used: dict[str, int] = {}
    labels: set[str] = set()
    final: dict[Variable, Variable] = {}

    def of_what(variable: Variable) -> Variable | None:
        return names.gradients.get(variable, variable.of)

    def give(variable: Variable) -> Variable:
        name, target = names.get(variable), of_what(variable)
        of = None if target is None else final.get(target)
        inner = None if of is None else of.label
        stem = name if of is None else None if inner is None else f"d({inner})"
        if stem is None:
            return variable.called(name, 1, of)
        while True:
            version = used[stem] = used.get(stem, 0) + 1
            label = stem if version == 1 else f"{stem}.{version}"
            if label not in labels:
                labels.add(label)
                return variable.called(name, version, of)

    # What a gradient is of may be a constant or come later in a replayed graph: own names first.
    def depth(variable: Variable) -> int:
        target, steps = of_what(variable), 0
        while target is not None:
            target, steps = of_what(target), steps + 1
        return steps

    for variable in sorted(graph.variables, key=depth):
        final[variable] = give(variable)
    return final
