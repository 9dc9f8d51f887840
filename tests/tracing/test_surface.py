"""Every callable that NumPy lets others override has a class, and the page says which."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import overrides

from wengert.base.errors import TraceError, UnsupportedError, WengertError
from wengert.operators.registry import OPERATORS
from wengert.tracing import functions, methods, refused, rooms, surface, ufuncs
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace

PAGE = Path(__file__).parents[2] / "docs" / "numpy.md"


def calls() -> dict[str, Any]:
    found = {functions.path(f): f for f in overrides.get_overridable_numpy_array_functions()}
    return found | {f.__name__: f for f in overrides.get_overridable_numpy_ufuncs()}


def test_every_callable_has_a_class() -> None:
    found = surface.entries()
    listed = {f"np.{name}" for name in calls()} | set(calls())
    assert {entry.name for entry in found} <= listed | {entry.name for entry in found}
    assert len(found) >= len(calls())
    assert all(entry.note and entry.instead for entry in found if entry.kind == "refused")


def test_a_callable_without_a_class_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(functions.TABLE, np.tile)
    with pytest.raises(AssertionError, match=r"np\.tile has no class"):
        surface.entries()
    monkeypatch.undo()
    monkeypatch.delitem(ufuncs.TABLE, np.hypot)
    with pytest.raises(AssertionError, match="hypot has no class"):
        surface.entries()


def test_rows_name_functions_that_numpy_has() -> None:
    newer = {"unstack", "cumulative_sum", "cumulative_prod"}
    for room in rooms.ROOMS:
        for name in (*room.DIFFERENTIABLE, *room.CONSTANT):
            assert rooms.found(name) is not None or name in newer, name
    for name in refused.FUNCTIONS:
        assert rooms.found(name) is not None, name
        assert rooms.found(name) not in functions.TABLE, f"{name} has a row and is refused"


def test_the_page_is_what_the_tables_say() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "wengert.tracing.surface"],
        capture_output=True, check=True, text=True, encoding="utf-8",
        env={"PYTHONUTF8": "1", **__import__("os").environ},
    )  # fmt: skip
    if np.__version__.split(".")[:2] != ["2", "4"]:
        pytest.skip("the page lists the callables of NumPy 2.4")
    remedy = "run: python -m wengert.tracing.surface > docs/numpy.md"
    assert made.stdout == PAGE.read_text(encoding="utf-8"), remedy


@pytest.mark.parametrize("name", sorted(calls()))
def test_nothing_is_silently_constant(name: str) -> None:
    """A call with traced arrays gives traced values, or what the class of the callable allows."""
    function = calls()[name]
    is_ufunc = isinstance(function, np.ufunc)
    entry = surface.ufunc_entry(function) if is_ufunc else surface.function_entry(function)
    assert entry is not None

    def f(x: Any) -> Any:
        return function(*[x] * getattr(function, "nin", 1))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            graph = trace(f, Spec((3, 3)))
        except UnsupportedError as error:
            assert error.where is not None
            return
        except (WengertError, TypeError, ValueError, IndexError, AttributeError):
            return
    assert entry.kind != "refused", f"np.{name} is refused, and traced"
    if entry.kind == "differentiable" and name != "imag":  # zeros, of a real array
        assert all(v.role != "constant" for v in graph.outputs)


@pytest.mark.parametrize("name", ["nonzero", "unique", "roots", "lib.scimath.sqrt"])
def test_what_is_refused_says_why_and_what_instead(name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        trace(lambda x: rooms.found(name)(x), Spec((3,)))
    why = refused.FUNCTIONS[name]
    assert why.because in str(caught.value)
    assert why.instead in str(caught.value)
    assert "test_surface.py" in str(caught.value.where)


def test_methods_are_those_of_arrays() -> None:
    known = {*methods.METHODS, *methods.ATTRIBUTES, *methods.OUT, *methods.REMEDIES}
    assert {name for name in known if not hasattr(np.ndarray, name)} == set()
    own = {"shape", "ndim", "size", "dtype", "itemsize", "nbytes"}
    missing = {name for name in dir(np.ndarray) if not name.startswith("_")} - known - own
    assert missing == MISSING


# They tell of storage, and are told by the nearest method.
MISSING = {"device", "flags", "to_device"}


@pytest.mark.parametrize("name", sorted(methods.OUT))
def test_ways_out_by_a_method_are_refused(name: str) -> None:
    with pytest.raises(TraceError, match="no numbers while it is traced"):
        trace(lambda x: getattr(x, name)(), Spec((3,)))


def test_a_record_of_a_ufuncs_name_is_that_ufunc() -> None:
    for name in OPERATORS:
        if isinstance(getattr(np, name, None), np.ufunc):
            assert getattr(np, name) in ufuncs.TABLE
