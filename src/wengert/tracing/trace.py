"""Run a function once on tracers and return the graph of what it did."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.base.dtypes import refuse_other_algebra
from wengert.base.errors import DtypeError, TraceError, WengertError
from wengert.base.tree import LEAF, Structure, flatten, path_text, paths, unflatten
from wengert.graph.check import check
from wengert.graph.graph import Graph
from wengert.graph.variable import Role, Variable
from wengert.tracing import creation, frames, views
from wengert.tracing.active import active
from wengert.tracing.apply import as_variable
from wengert.tracing.bare import KnownValue, bare
from wengert.tracing.names import SUGGESTED, renamed
from wengert.tracing.numbers import NamedNumber, named_numbers
from wengert.tracing.randomness import Draws
from wengert.tracing.recorder import Recorder
from wengert.tracing.selected import Selected
from wengert.tracing.spec import Spec, checked_dtype
from wengert.tracing.tracer import Tracer
from wengert.tracing.value import TracedValue


@dataclass(frozen=True)
class Trace:
    """A graph, and what it has to do with what is around it.

    Attributes:
        graph: where the function returns nothing, its outputs are the arguments that it changed.
        captured: the values of outer traces that the graph takes as its last inputs.
        changed: the inputs that the function wrote into; where they were asked for, their last
            values are the last outputs.
        originals: the user's own array behind each constant.
    """

    graph: Graph
    captured: tuple[Any, ...]
    changed: tuple[int, ...] = ()
    originals: Mapping[Variable, Any] = field(default_factory=dict[Variable, Any])


def trace(
    function: Callable[..., Any], *examples: Any, parameters: int | Sequence[int] | None = None
) -> Graph:
    """Return the graph of ``function`` for arguments like ``examples``.

    Args:
        function: plain NumPy code. One that returns nothing, but writes into its arguments,
            is the function that returns these.
        examples: arrays or :class:`Spec`, in nested containers; other values stay fixed.
        parameters: the argument, or arguments, whose leaves get the role of parameters.

    Raises:
        TraceError: a traced value leaves the graph (``if``, ``float()``, item assignment …).
        UnsupportedError: a NumPy function outside the supported surface.
        ShapeError, DtypeError: operands that do not fit, with the user's names and line.

    >>> graph = trace(lambda W, x: np.tanh(W @ x), Spec((3, 4)), Spec((4,)))
    >>> [operation.operator for operation in graph.operations]
    ['matmul', 'tanh']
    """
    wanted = () if parameters is None else parameters
    places = {wanted} if isinstance(wanted, int) else set(wanted)
    found = trace_with_captures(function, examples, {each % len(examples) for each in places})
    if found.captured:
        raise TraceError(
            "the function reads values of another trace",
            expected="a function of its arguments, constants and arrays",
            remedy="pass them as arguments",
        )
    return found.graph


def trace_rule(rule: Callable[..., Any], *specs: Spec) -> Graph:
    """Return the graph of code of ours: it reads nothing around it, and nobody reads its names."""
    recorder = Recorder(Tracer, frames.here())
    given = [Tracer(recorder, _input(spec, "an operand", "input")) for spec in specs]
    before = active.set(recorder)
    try:
        result = _called(rule, [*given])
    finally:
        active.reset(before)
    output = _output(recorder, result)
    recorder.finish()
    inputs = tuple(each.variable for each in given)
    return Graph(
        "rule", inputs, tuple(recorder.operations), (output,), recorder.constants,
        tuple(f"x{at}" for at in range(len(inputs))), _tuple_of([LEAF] * len(inputs)), LEAF,
    )  # fmt: skip


def trace_with_changes(function: Callable[..., Any], *examples: Any) -> Trace:
    """Like :func:`trace`; the outputs are what is returned, then the arguments it wrote into."""
    return trace_with_captures(function, examples, set(), changes=True)


def trace_with_captures(
    function: Callable[..., Any],
    examples: tuple[Any, ...],
    parameters: set[int] | dict[int, Any],
    changes: bool = False,
) -> Trace:
    """Like :func:`trace`, for a function that may read values of traces around it.

    ``changes`` adds the arguments that it wrote into to the outputs.
    """
    recorder = Recorder(Tracer, frames.here())
    names = argument_names(function, len(examples))
    given: list[Tracer] = []
    structures: list[Structure] = []
    arguments: list[Any] = []
    for position, (name, example) in enumerate(zip(names, examples, strict=True)):
        role: Role = "parameter" if position in parameters else "input"
        argument, structure = _argument(recorder, name, example, role, given)
        arguments.append(argument)
        structures.append(structure)
    recorder.draws = Draws(function, dict(zip(names, examples, strict=True)))
    variables = [each.variable for each in given]
    result = _run(recorder, function, arguments)
    changed = tuple(place for place, each in enumerate(given) if each.version)
    leaves, output_structure = flatten(_with_changes(result, [given[k] for k in changed], changes))
    outputs = tuple(_output(recorder, leaf) for leaf in leaves)
    captured = tuple(recorder.captured.values())
    originals = recorder.originals
    recorder.finish()
    graph = Graph(
        getattr(function, "__name__", type(function).__name__),
        (*variables, *(variable for _, variable in captured)),
        tuple(recorder.operations),
        outputs,
        recorder.constants,
        (*names, *(f"captured{i}" for i in range(len(captured)))),
        _tuple_of([*structures, *(LEAF for _ in captured)]),
        output_structure,
    )
    graph, final = renamed(graph, recorder.names)
    own = {final[variable]: value for variable, value in originals.items()}
    return Trace(check(graph), tuple(outer for outer, _ in captured), changed, own)


def _tuple_of(structures: list[Structure]) -> Structure:
    return Structure("tuple", tuple(range(len(structures))), tuple(structures))


def _run(recorder: Recorder, function: Callable[..., Any], arguments: list[Any]) -> Any:
    before = active.set(recorder)
    try:
        notice = frames.watching_returns(recorder.notice_return)
        with named_numbers(function, creation.stand_in), notice:
            result = _called(function, arguments)
    finally:
        active.reset(before)
    if recorder.draws is not None:
        recorder.draws.refuse(frames.caller())
    return result


def _with_changes(result: Any, changed: list[Any], changes: bool) -> Any:
    """Return what a graph gives: where nothing is returned, what has changed is the result."""
    if changes:
        return (result, changed)
    if result is None and changed:
        return changed[0] if len(changed) == 1 else tuple(changed)
    return result


def _called(function: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except WengertError:
        raise
    except Exception as error:
        # NumPy puts its own words around an error from float(); ours say more.
        if isinstance(error.__cause__, WengertError):
            raise error.__cause__ from None
        raise


def argument_names(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Return the names of the first ``count`` positional arguments."""
    if not callable(function):
        raise TraceError(f"{function!r} is traced", expected="a function", where=frames.caller())
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return tuple(f"x{i}" for i in range(count))
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            names.append(parameter.name)
        elif parameter.kind == parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}{i}" for i in range(count - len(names))]
    needed = [p for p in parameters if p.default is p.empty and p.kind in
              (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]  # fmt: skip
    by_name = [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    if len(names) < count or len(needed) > count or by_name:
        raise TraceError(
            f"{getattr(function, '__name__', 'the function')} was given {count} "
            f"argument{'s' * (count != 1)}",
            expected=f"({', '.join(str(p) for p in parameters)})",
            got=f"{count} examples",
            remedy=f"functools.partial(function, {by_name[0]}=…)" if by_name else None,
            where=frames.caller(),
        )
    return tuple(names[:count])


def _argument(
    recorder: Recorder, name: str, example: Any, role: Role, given: list[Tracer]
) -> tuple[Any, Structure]:
    leaves, structure = flatten(example, is_leaf=lambda node: isinstance(node, Spec | TracedValue))
    where = list(paths(structure))
    kept: list[Any] = []
    is_array: list[bool] = []
    for path, leaf in zip(where, leaves, strict=True):
        if is_array_like(leaf):
            variable = _input(leaf, f"{name}{path_text(path)}", role)
            # A mere position is the weakest name: an inner function's argument is better.
            weak = bool(path) and not any(isinstance(key, str) for key in path)
            recorder.names.suggest(variable, _suggested(name, path, where), SUGGESTED + weak)
            tracer = Tracer(recorder, variable)
            tracer.is_array = not isinstance(leaf, np.generic)
            tracer.order = None if isinstance(leaf, Spec | np.generic) else views.order(bare(leaf))
            given.append(tracer)
            kept.append(tracer)
        else:
            named = ".".join([name, *map(str, path)]) if path else name
            kept.append(NamedNumber(leaf, named) if type(leaf) is float else leaf)
        is_array.append(is_array_like(leaf))
    static = _with_static(structure, iter(list(zip(leaves, is_array, strict=True))))
    return unflatten(structure, kept), static


_ARRAY_LIKE = (Spec, np.ndarray, np.generic, TracedValue, KnownValue)


def is_array_like(leaf: Any) -> bool:
    """Return whether a leaf becomes an input of the graph; other values are fixed."""
    return type(leaf) is np.ndarray or isinstance(leaf, _ARRAY_LIKE)


def _with_static(structure: Structure, leaves: Any) -> Structure:
    if structure.kind == "leaf":
        leaf, is_array = next(leaves)
        return LEAF if is_array else Structure("static", (leaf,))
    children = tuple(_with_static(child, leaves) for child in structure.children)
    return Structure(structure.kind, structure.keys, children, structure.type)


def _input(leaf: Any, what: str, role: Role) -> Variable:
    refuse_other_algebra(leaf, what)
    dtype = checked_dtype(leaf.dtype, what)
    return Variable(tuple(leaf.shape), dtype, role)


def _suggested(name: str, path: tuple[Any, ...], where: list[tuple[Any, ...]]) -> str:
    """Name a leaf: its last key where no other leaf has it, else the keys joined."""
    keys = [key for key in path if isinstance(key, str)]
    if not path:
        return name
    if not keys:
        return "_".join([name, *map(str, path)])
    alone = sum(1 for other in where if path[-1] in other) == 1 and isinstance(path[-1], str)
    short = path[-1] if alone else "_".join(map(str, (keys[-1], *_numbers(path))))
    return short if short.isidentifier() else "_".join([name, *map(str, path)])


def _numbers(path: tuple[Any, ...]) -> list[int]:
    return [key for key in path if not isinstance(key, str)]


def _output(recorder: Recorder, leaf: Any) -> Variable:
    if isinstance(leaf, Selected):
        leaf.refuse("a result of")
    if is_array_like(leaf):
        return as_variable(recorder, leaf, np.dtype(float))
    if isinstance(leaf, bool | int | float | complex):
        return recorder.constant(np.asarray(leaf))
    raise DtypeError(
        "the function returns something that is no array",
        expected="arrays and numbers in nested containers",
        got=f"{type(leaf).__name__} {leaf!r}",
    )
