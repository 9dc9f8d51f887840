"""The compiled program's part of a plan, where there is a compiler."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from wengert.base.errors import UnsupportedError
from wengert.graph.graph import Graph
from wengert.planning.budget import Fitting
from wengert.planning.plan import Plan, plan_graph
from wengert.planning.program import ProgramPlan
from wengert.rewriting.rewrite import simplify


def program_of(graph: Graph) -> ProgramPlan | None:
    """Return what a compiled program would hold; None without llvmlite, or without a kernel."""
    if find_spec("llvmlite") is None:
        return None
    from wengert.native.prediction import program_plan  # noqa: PLC0415 - llvmlite may be absent

    try:
        return program_plan(graph)
    except UnsupportedError:
        return None


def program_fitting(plan: Plan) -> Fitting:
    """Return the compiled programs of a plan's graph under every budget."""
    return fitting_of(replace(plan_graph(simplify(plan.graph)), formulas=plan.formulas))


def fitting_of(plan: Plan) -> Fitting:
    """Return the compiled programs of a graph, as it is, under every budget."""
    from wengert.native.prediction import program_need  # noqa: PLC0415 - llvmlite may be absent

    return Fitting(plan, program_need)


def fitting_under(plan: Plan) -> Fitting:
    """Return what runs a plan's graph, the program or the interpreter, under every budget."""
    return Fitting(plan) if find_spec("llvmlite") is None else program_fitting(plan)
