"""Gradients checked three ways: differences, complex step, and the adjoint identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.dtypes import Dtype, is_differentiable
from wengert.base.errors import DifferentiationError, GradientMismatch
from wengert.base.guards import is_numpy, sizes_of
from wengert.base.shapes import Shape
from wengert.base.tree import flatten, path_text, paths, unflatten
from wengert.differentiation.forward import jvp_graph, vjp_graph
from wengert.graph.graph import Array, Graph
from wengert.graph.variable import Variable
from wengert.operators.registry import OPERATORS
from wengert.reference.interpreter import run
from wengert.tracing.spec import Spec
from wengert.tracing.trace import argument_names, trace

# Central differences of halved steps, extrapolated (Richardson): about 1e-10 relative.
_STEP = 1e-3
_LEVELS = 4
_COMPLEX_STEP = 1e-20


@dataclass(frozen=True)
class Check:
    """One comparison along one direction.

    Attributes:
        order: 1 for the gradient, 2 for the gradient of the gradient.
        leaf: the parameter whose entries were moved, as the user indexes it.
        way: "differences", "complex step" or "adjoint".
        engine, independent: the two numbers compared.
        tolerance: the largest difference that counts as equal.
        is_kink: the one-sided differences disagree, so that no derivative exists there.
    """

    order: int
    leaf: str
    way: str
    engine: float
    independent: float
    tolerance: float
    is_kink: bool = False

    @property
    def error(self) -> float:
        """Absolute difference of the two numbers."""
        return abs(self.engine - self.independent)

    @property
    def agrees(self) -> bool:
        """Whether the numbers are equal within the tolerance, or no derivative exists."""
        return self.is_kink or self.error <= self.tolerance

    def __str__(self) -> str:
        mark = "kink" if self.is_kink else ("✓" if self.agrees else "✗")
        return (
            f"{mark:<4} order {self.order}  {self.leaf:<24} {self.way:<12} "
            f"engine {self.engine: .10e}  independent {self.independent: .10e}  "
            f"|difference| {self.error:.1e}"
        )


@dataclass(frozen=True)
class Report:
    """All comparisons of one :func:`check_gradients`."""

    checks: tuple[Check, ...]

    @property
    def worst(self) -> Check:
        """The comparison that comes nearest to its tolerance, or passes it most."""
        return max(self.checks, key=lambda check: check.error / check.tolerance)

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))


def check_gradients(
    f: Callable[..., Any], *args: Any, order: int = 2, seed: int = 0, tolerance: float = 1e-7
) -> Report:
    """Check the derivatives of ``f`` at ``args`` in float64, and return what was compared.

    For each array among the arguments a random direction v and random weights w of the outputs
    are drawn, and ⟨w, J v⟩ from forward mode and ⟨Jᵀw, v⟩ from reverse mode are compared with
    central differences of t ↦ ⟨w, f(x + t v)⟩ (extrapolated), with a complex step where every
    operator is analytic (Squire & Trapp 1998), and with each other. Order 2 does the same to
    the map x ↦ Jᵀw.

    With complex numbers v and w are complex, the gradient is that of ``wg.grad``
    (∂J/∂x − i ∂J/∂y for z = x + iy), and real parts are compared.

    Args:
        f: plain NumPy code; arrays of real or complex floats among ``args`` are checked, others
            stay fixed.
        order: 1 or 2.
        tolerance: relative to 1 + the size of the derivative.

    Raises:
        GradientMismatch: some comparison fails; the message names the parameter.

    >>> report = check_gradients(lambda x: np.sum(np.tanh(x) ** 2), np.array([0.3, -1.2]))
    >>> report.worst.agrees
    True
    """
    if order not in (1, 2):
        raise DifferentiationError("check_gradients", expected="order 1 or 2", got=repr(order))
    doubles, names = _as_double(f, args)
    graph = trace(f, *doubles)
    point = _array_leaves(doubles)
    rng = np.random.default_rng(seed)
    places = [i for i, leaf in enumerate(point) if is_differentiable(leaf.dtype)]
    checks: list[Check] = []
    for place in places:
        checks += _compare(graph, point, place, names[place], 1, rng, tolerance)
    if order == 2:
        second = _gradient_map(graph, places, rng)
        for place in places:
            checks += _compare(second, point, place, names[place], 2, rng, tolerance)
    report = Report(tuple(checks))
    wrong = [check for check in checks if not check.agrees]
    if wrong:
        raise GradientMismatch(
            f"the gradient of {getattr(f, '__name__', 'the function')} is wrong",
            expected=f"equal within {tolerance:g} of 1 + |derivative|",
            got="\n".join(map(str, wrong)),
        )
    return report


def _as_double(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[str]]:
    names: list[str] = []
    doubles: list[Any] = []
    for argument, tree in zip(argument_names(f, len(args)), args, strict=True):
        leaves, structure = flatten(tree, is_leaf=lambda node: isinstance(node, Spec))
        moved = [_double(leaf) for leaf in leaves]
        doubles.append(unflatten(structure, moved))
        for path, leaf in zip(paths(structure), moved, strict=True):
            if isinstance(leaf, np.ndarray):
                names.append(f"{argument}{path_text(path)}")
    return tuple(doubles), names


def _double(leaf: Any) -> Any:
    if isinstance(leaf, Spec):
        raise DifferentiationError("check_gradients", expected="arrays with numbers", got=str(leaf))
    if isinstance(leaf, float) or (hasattr(leaf, "dtype") and leaf.dtype.kind == "f"):
        return np.asarray(leaf, dtype=np.float64)
    if isinstance(leaf, complex) or (hasattr(leaf, "dtype") and leaf.dtype.kind == "c"):
        return np.asarray(leaf, dtype=np.complex128)
    return np.asarray(leaf) if is_numpy(leaf) else leaf


def _array_leaves(args: tuple[Any, ...]) -> list[Array]:
    return [leaf for leaf in flatten(args)[0] if isinstance(leaf, np.ndarray)]


def _gradient_map(graph: Graph, places: Sequence[int], rng: np.random.Generator) -> Graph:
    """Return the graph of x ↦ Jᵀw for fixed random weights w: what order 2 differentiates."""
    both = vjp_graph(graph, [graph.inputs[place] for place in places])
    weights = both.inputs[len(graph.inputs) :]
    values = {w: _normal(rng, w.shape, w.dtype) for w in weights}
    return Graph(
        f"gradient of {graph.name}",
        both.inputs[: len(graph.inputs)],
        both.operations,
        both.outputs[len(graph.outputs) :],
        {**both.constants, **values},
        both.arguments,
    )


def _compare(  # noqa: PLR0917 - one row of the report
    graph: Graph,
    point: list[Array],
    place: int,
    leaf: str,
    order: int,
    rng: np.random.Generator,
    tolerance: float,
) -> list[Check]:
    direction = _normal(rng, sizes_of(point[place]), point[place].dtype)
    outputs = [v for v in graph.outputs if is_differentiable(v.dtype)]
    weights = [_normal(rng, v.shape, v.dtype) for v in outputs]
    forward = _forward(graph, point, place, direction, weights)
    reverse = _reverse(graph, point, place, direction, weights)

    def along(t: complex) -> complex:
        moved = [*point]
        moved[place] = point[place] + t * direction
        return _weighted(_evaluate(graph, moved), graph, weights)

    differences, noise, is_kink = _differences(along)
    scale = tolerance * (1 + abs(forward))
    checks = [
        Check(order, leaf, "differences", reverse, differences, scale + 10 * noise, is_kink),
        Check(order, leaf, "adjoint", reverse, forward, 1e-9 * (1 + abs(forward))),
    ]
    if is_analytic(graph):
        stepped = float(along(_COMPLEX_STEP * 1j).imag / _COMPLEX_STEP)
        checks.append(Check(order, leaf, "complex step", reverse, stepped, 1e-9 + scale * 1e-3))
    return checks


def _normal(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> Array:
    found = rng.standard_normal(shape)
    return np.asarray(
        found + 1j * rng.standard_normal(shape) if dtype.kind == "c" else found, dtype
    )


def _forward(
    graph: Graph, point: list[Array], place: int, direction: Array, weights: list[Array]
) -> float:
    tangents = run(jvp_graph(graph, [graph.inputs[place]]), [*point, direction])
    found = tangents[len(graph.outputs) :]
    return float(sum(np.sum(w * t).real for w, t in zip(weights, found, strict=True)))


def _reverse(
    graph: Graph, point: list[Array], place: int, direction: Array, weights: list[Array]
) -> float:
    unique: dict[Variable, Array] = {}
    differentiable = [v for v in graph.outputs if is_differentiable(v.dtype)]
    for variable, weight in zip(differentiable, weights, strict=True):
        unique[variable] = unique.get(variable, np.zeros(weight.shape, weight.dtype)) + weight
    both = vjp_graph(graph, [graph.inputs[place]])
    gradient = run(both, [*point, *unique.values()])[-1]
    return float(np.sum(gradient * direction).real)


def _weighted(values: list[Any], graph: Graph, weights: list[Array]) -> complex:
    found = [
        v for v, out in zip(values, graph.outputs, strict=True) if is_differentiable(out.dtype)
    ]
    return sum((np.sum(w * value) for w, value in zip(weights, found, strict=True)), 0.0)


def _evaluate(graph: Graph, leaves: Sequence[Any]) -> list[Any]:
    """Run without looking at dtypes, so that a complex step passes through."""
    values: dict[Variable, Any] = dict(graph.constants)
    values.update(zip(graph.inputs, leaves, strict=True))
    for operation in graph.operations:
        operands = [values[variable] for variable in operation.inputs]
        found = OPERATORS[operation.operator].values(*operands, **operation.attributes)
        values.update(zip(operation.outputs, found, strict=True))
    return [values[variable] for variable in graph.outputs]


def is_analytic(graph: Graph) -> bool:
    """Return whether every operation is a complex-differentiable formula of real operands."""
    return all(each.dtype.kind != "c" for each in graph.variables) and all(
        OPERATORS[operation.operator].samples.analytic and operation.operator != "cast"
        for operation in graph.operations
    )


def _differences(along: Callable[[complex], complex]) -> tuple[float, float, bool]:
    """Return the derivative at 0 by extrapolated central differences, its noise, and kinks."""
    rows: list[list[float]] = []
    centre = along(0.0).real
    for level in range(_LEVELS):
        h = _STEP / 2**level
        row = [(along(h).real - along(-h).real) / (2 * h)]
        for k, above in enumerate(rows[-1] if rows else []):
            row.append(row[k] + (row[k] - above) / (4 ** (k + 1) - 1))
        rows.append(row)
    best = rows[-1][-1]
    noise = abs(best - rows[-2][-1])
    h = _STEP / 2 ** (_LEVELS - 1)
    right = (along(h).real - centre) / h
    left = (centre - along(-h).real) / h
    curvature = abs(rows[0][0]) + abs(best) + 1
    # A smooth function's one-sided slopes differ by about h; at a kink they do not approach.
    half_right = (along(h / 2).real - centre) / (h / 2)
    half_left = (centre - along(-h / 2).real) / (h / 2)
    is_kink = abs(right - left) > 1e-4 * curvature and abs(half_right - half_left) > 0.75 * abs(
        right - left
    )
    return float(best), float(noise), bool(is_kink)
