"""Wengert: objectives in plain NumPy, the whole step as one compiled program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.cases import BATCHES, HEADS, Array, Case, Data
from benchmarks.contenders import Absent, Contender
from wengert.base.tree import flatten, unflatten
from wengert.rewriting.rewrite import simplify
from wengert.tracing.trace import trace

try:
    from wengert.native import stepper as stepping
except ImportError:
    stepping = None  # type: ignore[assignment]

_threads = 1


def prepare(threads: int) -> None:
    """Remember the number of threads."""
    global _threads
    _threads = threads


def make(name: str, case: Case, data: Data) -> Contender:
    """Return the program for a case."""
    if case.kind in ("lenet", "convolution") and not hasattr(wg.nn.functional, "conv2d"):
        raise Absent("this version has no convolution")
    many = name == "wengert-many"
    if many and stepping is None:
        raise Absent("this version has no stepper of many steps")
    if not case.trains:
        if many:
            raise Absent("no steps to take")
        return Mapped(case, data)
    return Many(case, data) if many else Stepped(case, data)


def objective_of(case: Case) -> Callable[..., Any]:
    """Return the objective of a case: ``objective(parameters, x, y)``."""
    functional = wg.nn.functional

    def mlp(p: dict[str, Array], x: Array, y: Array) -> Any:
        *hidden, last = p.values()
        h = x
        for w in hidden:
            h = functional.relu(h @ w)
        loss = functional.softmax_cross_entropy(h @ last, y)
        return loss + functional.l2(p, case.decay) if case.decay else loss

    def recurrent(p: dict[str, Array], x: Array, y: Array) -> Any:
        h = np.zeros((x.shape[0], x.shape[2]), x.dtype)
        for t in range(x.shape[1]):
            h = np.tanh(x[:, t] @ p["wx"] + h @ p["wh"] + p["b"])
        return functional.softmax_cross_entropy(h @ p["wo"], y)

    def lenet(p: dict[str, Array], x: Array, y: Array) -> Any:
        conv, pool = functional.conv2d, functional.avg_pool2d  # pyright: ignore
        h = pool(np.tanh(conv(x, p["c1"], padding=2) + p["b1"]), 2)
        h = pool(np.tanh(conv(h, p["c2"]) + p["b2"]), 2)
        h = h.reshape(x.shape[0], -1)
        h = np.tanh(h @ p["w3"] + p["b3"])
        h = np.tanh(h @ p["w4"] + p["b4"])
        return functional.softmax_cross_entropy(h @ p["w5"] + p["b5"], y)

    def lstm(p: dict[str, Array], x: Array, y: Array) -> Any:
        units = x.shape[2]
        h = c = np.zeros((x.shape[0], units), x.dtype)
        for t in range(x.shape[1]):
            gates = x[:, t] @ p["wx"] + h @ p["wh"] + p["b"]
            i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
            c = functional.sigmoid(f) * c + functional.sigmoid(i) * np.tanh(g)
            h = functional.sigmoid(o) * np.tanh(c)
        return functional.softmax_cross_entropy(h @ p["wo"], y)

    def norm(x: Array) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)

    def gpt(p: dict[str, Array], x: Array, y: Array) -> Any:
        layers, width, length, _ = case.sizes
        back, size = np.tri(length, dtype=bool), width // HEADS
        h = p["emb"][x] + p["pos"]
        for i in range(layers):
            qkv = (norm(h) @ p[f"qkv{i}"]).reshape(*x.shape, 3, HEADS, size)
            q, k, v = qkv.transpose(2, 0, 3, 1, 4)
            scores = np.where(back, q @ k.swapaxes(-1, -2) / size**0.5, -np.inf)
            mixed = functional.softmax(scores) @ v
            h = h + mixed.swapaxes(1, 2).reshape(*x.shape, width) @ p[f"out{i}"]
            u = norm(h) @ p[f"up{i}"]
            act = 0.5 * u * (1 + np.tanh(0.7978845608028654 * (u + 0.044715 * u**3)))
            h = h + act @ p[f"down{i}"]
        logits = norm(h).reshape(-1, width) @ p["head"]
        return functional.softmax_cross_entropy(logits, y.reshape(-1))

    made = {"mlp": mlp, "recurrent": recurrent, "lstm": lstm, "gpt": gpt, "lenet": lenet}
    return made[case.kind]


def chain(x: Array) -> Array:
    """Return ten elementwise operations of x."""
    a = x * 1.5
    b = a + 0.25
    c = np.abs(b)
    d = c - 0.5
    e = np.maximum(d, 0.0)
    f = e * e
    g = f + x
    h = np.minimum(g, 4.0)
    i = h * 0.125
    return i - b


def convolution(x: Array, w: Array) -> Any:
    """Return the convolution alone."""
    return wg.nn.functional.conv2d(x, w, padding=1)  # pyright: ignore


class Stepped:
    """``wg.compile`` of the training step, called once a step."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._data = data
        self._optimizer = wg.optim.sgd(case.rate)
        objective = objective_of(case)
        self.step = wg.compile(wg.training_step(objective, self._optimizer), threads=_threads)
        self.state = wg.training_state(data.parameters, self._optimizer)
        self._taken = 0

    def batch(self) -> tuple[Array, ...]:
        """Return the batch whose turn it is."""
        return tuple(each[self._taken % BATCHES] for each in self._data.inputs)

    def reset(self) -> None:
        self.state = wg.training_state(self._data.parameters, self._optimizer)
        self._taken = 0
        spoil(self.step.made(self.state, self.batch()).program)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.state, _metrics = self.step(self.state, self.batch())
            self._taken += 1

    def result(self) -> dict[str, Array]:
        return self.state.parameters

    def listing(self) -> str:
        """Return the kernels of the step."""
        return self.step.listing(self.state, self.batch())


class Many:
    """The same step by the program that ``fit`` runs: up to 4096 steps in one native call."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        optimizer = wg.optim.sgd(case.rate)
        self._step = wg.training_step(objective_of(case), optimizer)
        self._first = wg.training_state(data.parameters, optimizer)
        self._batch = tuple(each[0] for each in data.inputs)
        self._leaves, self._structure = flatten(self._first)
        self._sources = [each.reshape(-1, *each.shape[2:]) for each in data.inputs]
        self._rows, self._size, self._taken = BATCHES * case.batch, case.batch, 0
        self._stepper: Any = None

    def _made(self) -> Any:
        if self._stepper is None:
            graph = simplify(trace(self._step, self._first, self._batch))
            self._memory = stepping.Memory(self._leaves)
            self._stepper = stepping.Stepper(graph, self._memory, _threads)
        return self._stepper

    def reset(self) -> None:
        self._taken = 0
        spoil(self._made())
        self._memory.write(self._leaves)

    def run(self, steps: int) -> None:
        stepper = self._made()
        while steps:
            now = min(steps, stepping.MOST)
            first = self._taken * self._size
            order = np.arange(first, first + now * self._size) % self._rows
            taken = stepper.run(self._sources, order)
            if taken.failed:
                raise FloatingPointError(f"a step failed after {taken.steps}")
            self._taken += now
            steps -= now

    def result(self) -> dict[str, Array]:
        return unflatten(self._structure, self._memory.read()).parameters

    def listing(self) -> str:
        """Return the kernels of the step."""
        return self._made().listing()


class Mapped:
    """``wg.compile`` of a function of arrays."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._arguments = (*data.inputs, *data.parameters.values())
        function = chain if case.kind == "chain" else convolution
        self.step = wg.compile(function, threads=_threads)
        self._y: Array = np.full((), np.nan)

    def reset(self) -> None:
        spoil(self.step.made(*self._arguments).program)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._y = self.step(*self._arguments)

    def result(self) -> dict[str, Array]:
        return {"y": self._y}

    def listing(self) -> str:
        """Return the kernels of the function."""
        return self.step.listing(*self._arguments)


def spoil(program: Any) -> None:
    """Fill the arena with NaN, so that what no kernel writes is seen."""
    arena = getattr(program, "_arena", None)
    if arena is not None:
        arena.fill(0xFF)
