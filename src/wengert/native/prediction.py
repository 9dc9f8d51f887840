"""What a program will hold, known without compiling it: kernels are made, code is not."""

from __future__ import annotations

from collections.abc import Mapping

from wengert.graph.graph import Graph
from wengert.graph.variable import Variable
from wengert.native.fusion import Fused, fuse
from wengert.native.kernel import Kernel
from wengert.native.placement import Placement, placed
from wengert.native.program import direct, place
from wengert.native.rounding import rounding
from wengert.native.stepper import resident_kernels
from wengert.planning.budget import Need
from wengert.planning.labels import labels
from wengert.planning.lifetime import passes
from wengert.planning.program import KernelPlan, ProgramPlan, Stored
from wengert.rewriting.decompose import decompose

_LONG = 32


def program_plan(graph: Graph) -> ProgramPlan:
    """Return the plan of the program that ``compile_graph`` makes of a graph.

    Raises:
        UnsupportedError: an operator that no kernel computes, by name.
    """
    fused = fuse(decompose(graph))
    given = direct(fused)
    return _told(fused, place(fused, given), sum(variable.nbytes for variable in given))


def step_plan(graph: Graph, count: int) -> ProgramPlan:
    """Return the plan of a stepper's program of a step whose state has ``count`` leaves.

    Raises:
        UnsupportedError: an operator that no kernel computes, by name.
    """
    resident, kernels, outside = resident_kernels(graph, count)
    fused = resident.fused
    found = placed(kernels, outside, homes=resident.homes, graph=fused.graph)
    return _told(fused, found, 0)


def program_need(graph: Graph) -> Need:
    """Return what the program of a graph needs."""
    return program_plan(graph).need


def _told(fused: Fused, found: Placement, result_bytes: int) -> ProgramPlan:
    graph = fused.graph
    made = dict(zip(graph.operations, passes(graph), strict=True))
    kernels = tuple(
        KernelPlan(
            kernel.name,
            kernel.locations[0] if kernel.locations else None,
            frozenset(made[operation] for operation in kernel.operations if operation in made),
        )
        for kernel in found.kernels
    )
    names = labels(graph)
    forward = {
        out for operation in graph.operations if made[operation] == "forward"
        for out in operation.outputs
    }  # fmt: skip
    layout = found.layout
    told = [_label(variable, names, found.kernels) for variable in found.storages]
    storages = tuple(
        Stored(
            told[n], variable.nbytes, layout.offsets[n], layout.births[n], layout.deaths[n],
            told[layout.over[n]] if n in layout.over else None, variable in forward, n,
        )
        for n, variable in enumerate(found.storages)
    )  # fmt: skip
    by_birth = tuple(sorted(storages, key=lambda each: each.birth))
    unstored = _unstored(fused, names, found.kernels)
    sums = rounding(graph, found.kernels)
    return ProgramPlan(graph.name, kernels, by_birth, found.plan, result_bytes, unstored, sums)


def _unstored(
    fused: Fused, names: Mapping[Variable, str], kernels: tuple[Kernel, ...]
) -> tuple[tuple[str, int], ...]:
    """Return the variables with names that no kernel writes, nor are views of what one does."""
    graph = fused.graph
    written = {variable for kernel in kernels for variable in kernel.writes}
    there = written.union(graph.inputs, graph.constants)
    return tuple(
        (names[v], v.nbytes)
        for operation in graph.operations
        for v in operation.outputs
        if v.nbytes and not names[v].startswith("%") and fused.views[v].variable not in there
    )


def _label(variable: Variable, names: Mapping[Variable, str], kernels: tuple[Kernel, ...]) -> str:
    name = names.get(variable)
    if name is not None and not name.startswith("%"):
        return name
    maker = next((kernel for kernel in kernels if variable in kernel.writes), None)
    part = "a part" if name is None else "a result"
    return name or "nothing" if maker is None else f"{part} of {short(maker.name)}"


def short(name: str) -> str:
    """Return the name of a kernel, cut where it says much."""
    return name if len(name) <= _LONG else name[: _LONG - 1] + "…"
