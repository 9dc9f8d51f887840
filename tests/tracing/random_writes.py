"""Random programs of creation, views, writes and reads: each choice is a number that is given.

A program runs the same on plain arrays and while it is traced, as all it decides on are shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wengert.base.errors import TraceError

SHAPES = [(4,), (2, 3), (3, 2), (1, 4), (2, 2, 2)]


class DoubtError(Exception):
    """The program asks what depends on the order of axes in memory: a designed refusal."""


class Machine:
    """Arrays so far, and what the next choices are."""

    def __init__(self, choices: Iterable[int], given: list[Any], narrow: str) -> None:
        self.choices = iter(choices)
        self.arrays = given
        self.narrow = narrow
        self.log: list[str] = []

    def pick(self, options: int) -> int:
        return next(self.choices, 0) % max(options, 1)

    def array(self) -> Any:
        return self.arrays[self.pick(len(self.arrays))]

    def run(self) -> list[Any]:
        for choice in self.choices:
            self.carry_out(ACTIONS[choice % len(ACTIONS)])
        return [self.careful(lambda each=each: np.array(each)) for each in self.arrays]

    def carry_out(self, action: Callable[[Machine], Any]) -> None:
        try:
            made = self.careful(lambda: action(self))
        except (ValueError, TypeError, IndexError):
            self.log.append(f"{action.__name__} raises")
            return
        self.log.append(action.__name__)
        if made is not None:
            self.arrays.append(made)

    def careful(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except TraceError as error:
            if "which cannot change" in str(error):
                raise
            if "depends on the order" in str(error):
                raise DoubtError from None
            raise RuntimeError(str(error)) from None


def slices(m: Machine, shape: tuple[int, ...]) -> tuple[Any, ...]:
    found: list[Any] = []
    for n in shape:
        kind = m.pick(7)
        found.append(
            [slice(None), slice(1, None), slice(None, None, -1), slice(None, None, 2),
             m.pick(n), -1 if n else slice(None), slice(n - 1, 0, -1)][kind]
        )  # fmt: skip
    if m.pick(5) == 0:
        found.insert(m.pick(len(found) + 1), None)
    if m.pick(4) == 0 and found:
        found = [*found[: m.pick(len(found))], Ellipsis]
    return tuple(found)


def places(m: Machine, shape: tuple[int, ...]) -> Any:
    kind, n = m.pick(5), shape[0] if shape else 1
    if kind == 0:
        return [m.pick(n), m.pick(n), -1]
    if kind == 1:
        return np.arange(int(np.prod(shape))).reshape(shape) % 3 == 0
    if kind == 2 and len(shape) > 1:
        return (slice(None), [m.pick(shape[1]), m.pick(shape[1])])
    if kind == 3 and len(shape) > 1:
        return ([m.pick(n), m.pick(n)], [m.pick(shape[1]), m.pick(shape[1])])
    return np.arange(n)[::-1]


def value(m: Machine) -> Any:
    kind = m.pick(5)
    if kind < 2:
        return [2.5, -1, np.float32(0.5), 3][m.pick(4)]
    other = m.array()
    return other if kind < 4 else np.max(other)


# -- Actions --------------------------------------------------------------------------------------


def create(m: Machine) -> Any:
    shape = SHAPES[m.pick(len(SHAPES))]
    dtype = ["float64", "float64", m.narrow, "int64"][m.pick(4)]
    kind = m.pick(6)
    if kind == 0:
        return np.zeros(shape, dtype)
    if kind == 1:
        return np.full(shape, value(m) if m.pick(2) else 1.5)
    if kind == 2:
        return np.arange(int(np.prod(shape)), dtype=dtype).reshape(shape)
    if kind == 3:
        return np.zeros_like(m.array())
    if kind == 4:
        return np.ones(shape, order="F")
    return np.array([value(m) if np.ndim(value(m)) == 0 else 1.0, np.max(m.array()), 2.0])


def compute(m: Machine) -> Any:
    a, b = m.array(), m.array()
    return [np.add, np.multiply, np.subtract, np.maximum][m.pick(4)](a, b)


def view(m: Machine) -> Any:
    a = m.array()
    kind = m.pick(8)
    if kind < 3:
        return a[slices(m, a.shape)]
    if kind == 3:
        return a.T
    if kind == 4:
        return a.reshape([-1, (2, -1), (-1, 2)][m.pick(3)])
    if kind == 5:
        return a.ravel()
    if kind == 6:
        return np.expand_dims(a, m.pick(a.ndim + 1))
    return np.swapaxes(a, 0, -1)


def copies(m: Machine) -> Any:
    a = m.array()
    ways: list[Callable[[], Any]] = [
        lambda: a.copy(), lambda: np.array(a), lambda: a.astype(m.narrow), lambda: np.copy(a),
        lambda: a[places(m, a.shape)], lambda: np.ascontiguousarray(a), lambda: a.flatten(),
        lambda: np.asarray(a),
    ]  # fmt: skip
    return ways[m.pick(len(ways))]()


def assign(m: Machine) -> None:
    a = m.array()
    a[slices(m, a.shape)] = value(m)


def assign_places(m: Machine) -> None:
    a = m.array()
    key = places(m, a.shape)
    a[key] = value(m) if m.pick(2) else a[key] * 2


def assign_mask(m: Machine) -> None:
    a = m.array()
    a[a > m.pick(3)] = [0.5, 2, np.float32(1.5)][m.pick(3)]


def in_place(m: Machine) -> None:
    a = m.array()
    v = value(m)
    kind = m.pick(5)
    if kind == 0:
        a += v
    elif kind == 1:
        a *= v
    elif kind == 2:
        a -= v
    elif kind == 3:
        a[slices(m, a.shape)] += v
    else:
        a[places(m, a.shape)] += v


def at(m: Machine) -> None:
    a = m.array()
    ufunc = [np.add, np.subtract, np.multiply, np.maximum][m.pick(4)]
    ufunc.at(a, places(m, a.shape), value(m))


def functions(m: Machine) -> None:
    a, v = m.array(), value(m)
    if a.ndim == 0:
        raise ValueError("NumPy writes into a copy of a scalar, which is no use to anybody")
    kind = m.pick(8)
    if kind == 0:
        np.copyto(a, v)
    elif kind == 1:
        np.copyto(a, v, where=np.arange(a.size).reshape(a.shape) % 2 == 0)
    elif kind == 2:
        np.put(a, [0, -1, 0], np.array(v))
    elif kind == 3:
        np.fill_diagonal(a, v)
    elif kind == 4:
        a.fill(np.max(v))
    elif kind == 5:
        np.putmask(a, a > 1, v)
    elif kind == 6:
        np.put_along_axis(a, np.zeros((1,) * a.ndim, int), np.max(v), 0)
    else:
        np.place(a, np.arange(a.size).reshape(a.shape) % 2 == 1, np.array(v))


def out(m: Machine) -> None:
    a, b = m.array(), m.array()
    np.multiply(b, 2, out=a)


def swap(m: Machine) -> None:
    a = m.array()
    i, j = m.pick(len(a)), m.pick(len(a))
    a[i], a[j] = a[j], a[i]


def rows(m: Machine) -> None:
    for row in m.array():
        row += 1


ACTIONS: list[Callable[[Machine], Any]] = [
    create, compute, view, view, copies, assign, assign, assign_places, assign_mask, in_place, at,
    functions, out, swap, rows,
]  # fmt: skip


def program(choices: list[int], narrow: str = "float32") -> Callable[..., Any]:
    """Return the program of these choices, and where its last run keeps its log."""

    def run(x: Any, y: Any) -> Any:
        machine = Machine(choices, [x * 1, y * 1, x.T * 2], narrow)
        found = machine.run()
        run.log = machine.log  # type: ignore[attr-defined]
        return found

    return run
