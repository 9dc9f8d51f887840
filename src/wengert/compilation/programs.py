"""The compiled program's part of a plan, where there is a compiler."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from wengert.base.errors import UnsupportedError
from wengert.graph.graph import Graph
from wengert.planning.budget import Fitting, Need
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.program import ProgramPlan
from wengert.rewriting.roll import prepared


def program_of(graph: Graph, resident: int | None = None) -> ProgramPlan | None:
    """Return what a compiled program would hold; None without llvmlite, or without a kernel.

    ``resident`` leaves are the state of a training step; None for a function.
    """
    if find_spec("llvmlite") is None:
        return None
    from wengert.native.prediction import program_plan, step_plan  # noqa: PLC0415 - may be absent

    try:
        return program_plan(graph) if resident is None else step_plan(graph, resident)
    except UnsupportedError:
        return None


def program_fitting(plan: Plan, resident: int | None = None) -> Fitting:
    """Return the compiled programs of a plan's graph under every budget."""
    ready = replace(plan_graph(prepared(plan.graph)), formulas=plan.formulas)
    return fitting_of(ready, resident)


def fitting_of(plan: Plan, resident: int | None = None) -> Fitting:
    """Return the compiled programs of a graph, as it is, under every budget."""

    def need(graph: Graph) -> Need:
        found = program_of(graph, resident)
        assert found is not None
        return found.need

    return Fitting(plan, need)


def fitting_under(plan: Plan) -> Fitting:
    """Return what runs a plan's graph, the program or the interpreter, under every budget."""
    return Fitting(plan) if find_spec("llvmlite") is None else program_fitting(plan)
