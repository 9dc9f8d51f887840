"""What becomes of a program that does not know Wengert: traced, differentiated, compiled, checked."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import wengert as wg
from corpus.programs import Case
from wengert.base.tree import flatten, unflatten

STAGES = ("traces", "equal", "differentiates", "compiles")
_STEP = 1e-6


@dataclass
class Score:
    """How far a program came.

    Attributes:
        passed: for each stage that was reached whether it holds; None where there is nothing to
            differentiate.
        reason: the first error.
        operations: of the traced graph.
        ratio: NumPy's time over that of the compiled program, None where it was not measured.
    """

    passed: dict[str, bool | None] = field(default_factory=dict[str, bool | None])
    reason: str = ""
    operations: int = 0
    ratio: float | None = None


def judged(case: Case, timed: bool = False) -> Score:
    """Return how far a program comes, unchanged."""
    score = Score()
    stages: dict[str, Callable[[], bool | None]] = {
        "traces": lambda: _traced(case, score),
        "equal": lambda: _equal(case),
        "differentiates": lambda: _differentiated(case),
        "compiles": lambda: _compiled(case, score, timed),
    }
    for name, stage in stages.items():
        try:
            score.passed[name] = stage()
        except Exception as error:
            score.passed[name] = False
            score.reason = score.reason or f"{name}: {type(error).__name__}: {error}"
            if name == "traces":
                break
    return score


def _traced(case: Case, score: Score) -> bool:
    score.operations = len(wg.trace(case.program, *case.example()).operations)
    return True


def leaves_of(result: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in flatten(result)[0]]


def close(found: Any, wanted: Any, tolerance: float) -> None:
    """Raise where results differ, each measured against the largest number beside it."""
    for got, want in zip(leaves_of(found), leaves_of(wanted), strict=True):
        assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
        assert got.dtype == want.dtype, f"dtype {got.dtype}, not {want.dtype}"
        scale = np.max(np.abs(want), initial=1e-300)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * scale)


def _equal(case: Case) -> bool:
    graph = wg.trace(case.program, *case.example())
    arrays = [leaf for leaf in flatten(case.example())[0] if isinstance(leaf, np.ndarray)]
    leaves = list(arrays)
    found = graph(*unflatten_like(case.example(), leaves))
    close(found, case.program(*case.example()), 1e-13)
    return True


def unflatten_like(example: Any, arrays: list[Any]) -> Any:
    """Return the example with other arrays in it."""
    leaves, structure = flatten(example)
    left = iter(arrays)
    return unflatten(
        structure, [next(left) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
    )


def is_real(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def total(program: Callable[..., Any], example: Any, reals: list[Any]) -> Any:
    """Return the sum of all real results, as a function of the real arguments."""
    leaves, structure = flatten(example)
    left = iter(reals)
    given = unflatten(
        structure, [next(left) if is_real(leaf) else copy.deepcopy(leaf) for leaf in leaves]
    )
    result = flatten(program(*given))[0]
    return sum(np.sum(each) for each in result if each.dtype.kind == "f")


def _differentiated(case: Case) -> bool | None:
    results = leaves_of(case.program(*case.example()))
    # Made here, not in the traced function: there NumPy's arrays would be buffers of the trace.
    example = case.example()
    reals = [leaf for leaf in flatten(example)[0] if is_real(leaf)]
    if not reals or not any(each.dtype.kind == "f" for each in results):
        return None
    gradient = wg.grad(lambda xs: total(case.program, example, xs))([x.copy() for x in reals])
    rng = np.random.default_rng(1)
    way = [rng.standard_normal(x.shape) for x in reals]
    ahead, behind = (
        float(
            total(
                case.program,
                example,
                [x + sign * _STEP * d for x, d in zip(reals, way, strict=True)],
            )
        )
        for sign in (1, -1)
    )
    found = sum(float(np.sum(g * d)) for g, d in zip(gradient, way, strict=True))
    size = sum(float(np.sum(np.abs(g * d))) for g, d in zip(gradient, way, strict=True))
    # What rounding does to the differences is measured against all that is summed.
    summed = sum(float(np.sum(np.abs(each))) for each in results if each.dtype.kind == "f")
    bound = 1e-6 * size + 1e-8 * summed
    np.testing.assert_allclose(found, (ahead - behind) / (2 * _STEP), rtol=1e-5, atol=bound)
    return True


def _compiled(case: Case, score: Score, timed: bool) -> bool:
    fast = wg.compile(case.program, threads=1)
    close(fast(*case.example()), case.program(*case.example()), 1e-9)
    if timed:
        score.ratio = _least(case.program, case) / _least(fast, case)
    return True


def _least(function: Callable[..., Any], case: Case, seconds: float = 0.05) -> float:
    """Return the least time of a call; what it was given is made anew for each."""
    found, begin = [], time.perf_counter()
    while len(found) < 5 or time.perf_counter() - begin < seconds:
        given = case.example()
        start = time.perf_counter()
        function(*given)
        found.append(time.perf_counter() - start)
    return min(found)
