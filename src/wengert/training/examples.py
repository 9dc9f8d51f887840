"""The data of a run: checked under the names of the objective's own arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.base.errors import DataError, DtypeError, OptionError, ShapeError
from wengert.base.tree import flatten, path_text, paths
from wengert.data.batches import split
from wengert.data.files import check_finite
from wengert.tracing.trace import argument_names
from wengert.training.step import as_arguments


@dataclass(frozen=True, eq=False)
class Examples:
    """The arrays to train on, and those to validate on where there are any."""

    training: tuple[Any, ...]
    aside: tuple[Any, ...] | None = None


def checked_data(objective: Callable[..., Any], data: tuple[Any, ...], what: str) -> int:
    """Check arrays that are the batch arguments of ``objective``; return how many examples.

    Raises:
        DataError: no examples, no array, NaN or infinity. DtypeError: no array of numbers.
        ShapeError: arrays that do not share their first axis.
    """
    named = list(_named(objective, data, what))
    if not named:
        raise DataError(f"fit: {what} holds no array", expected="arrays of examples", got="none")
    for name, leaf in named:
        _check_array(name, leaf)
    listed = ", ".join(f"{name}: {leaf.shape}" for name, leaf in named)
    if len({len(leaf) for _, leaf in named}) > 1:
        raise ShapeError(
            f"fit: the arrays of {what} do not share their first axis, the examples",
            expected="as many examples in each",
            got=listed,
            remedy="check that the labels belong to these inputs",
        )
    if len(named[0][1]) == 0:
        raise DataError(f"fit: {what} is empty", expected="at least one example", got=listed)
    for name, leaf in named:
        check_finite(leaf, name)
    return len(named[0][1])


def _named(objective: Callable[..., Any], data: tuple[Any, ...], what: str) -> Any:
    names = argument_names(objective, 1 + len(data))[1:]
    for at, (name, argument) in enumerate(zip(names, data, strict=True)):
        leaves, structure = flatten(argument)
        for path, leaf in zip(paths(structure), leaves, strict=True):
            yield f"{name}{path_text(path)} ({what}[{at}])", leaf


def _check_array(name: str, leaf: Any) -> None:
    if not isinstance(leaf, np.ndarray) or leaf.dtype.kind not in "biufc":
        got = f"dtype {leaf.dtype}" if isinstance(leaf, np.ndarray) else type(leaf).__name__
        raise DtypeError(
            f"fit: {name} is no array of numbers",
            expected="a numpy.ndarray of numbers",
            got=got,
            remedy="convert it with numpy.asarray(…, dtype=…)",
        )
    if leaf.ndim == 0:
        raise ShapeError(
            f"fit: {name} has no axis of examples", expected="shape (examples, …)", got="shape ()"
        )


def set_aside(objective: Callable[..., Any], data: Any, validation: Any, seed: int) -> Examples:
    """Return the checked arrays to train on and to validate on."""
    training = as_arguments(data)
    checked_data(objective, training, "data")
    if validation is None:
        return Examples(training)
    if isinstance(validation, int | float):
        return Examples(*split(training, validation, seed))
    aside = as_arguments(validation)
    if len(aside) != len(training):
        raise OptionError(
            "fit: validation",
            expected=f"a part of the data between 0 and 1, or {len(training)} arrays as in data",
            got=f"{len(aside)} arrays",
        )
    checked_data(objective, aside, "validation")
    for (name, leaf), (_, other) in zip(
        _named(objective, training, "data"), _named(objective, aside, "validation"), strict=False
    ):
        _check_same_kind(name, leaf, other)
    return Examples(training, aside)


def _check_same_kind(name: str, leaf: Any, other: Any) -> None:
    if leaf.shape[1:] != other.shape[1:] or leaf.dtype != other.dtype:
        raise ShapeError(
            f"fit: validation examples are of another kind than {name}",
            expected=f"examples of shape {leaf.shape[1:]}, {leaf.dtype}",
            got=f"shape {other.shape[1:]}, {other.dtype}",
        )
