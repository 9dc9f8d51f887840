"""NumPy by hand: float32, buffers made once and written in place."""

from __future__ import annotations

import numpy as np

from benchmarks.cases import BATCHES, Array, Case, Data
from benchmarks.contenders import Absent, Contender
from benchmarks.reference import GRADIENTS, convolve

_BLOCK = 1 << 14  # numbers: a block and its partners stay in the innermost cache


def prepare(threads: int) -> None:
    """Nothing to do: the number of BLAS threads is in the environment."""


def make(name: str, case: Case, data: Data) -> Contender:
    """Return the program for a case."""
    if case.kind == "mlp":
        return Network(case, data)
    if case.kind == "chain":
        return Chain(data)
    if case.kind == "convolution":
        return Convolution(data)
    if case.kind in GRADIENTS:
        return Plain(case, data)
    raise Absent(f"no program for {case.kind}")


class Network:
    """A network without biases, every buffer reused."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._case, self._data, self._taken = case, data, 0
        self._w = [w.copy() for w in data.parameters.values()]
        widths = case.sizes[1:]
        self._h = [np.empty((case.batch, width), np.float32) for width in widths]
        self._d = [np.empty_like(h) for h in self._h]
        self._g = [np.empty_like(w) for w in self._w]
        self._mask = [np.empty(h.shape, bool) for h in self._h]
        self._rows = np.arange(case.batch)

    def reset(self) -> None:
        for own, first in zip(self._w, self._data.parameters.values(), strict=True):
            own[:] = first
        for buffer in (*self._h, *self._d, *self._g):
            buffer.fill(np.nan)
        self._taken = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            at = self._taken % BATCHES
            self._step(self._data.inputs[0][at], self._data.inputs[1][at])
            self._taken += 1

    def _step(self, x: Array, y: Array) -> None:
        w, h, d, g = self._w, self._h, self._d, self._g
        last = len(w) - 1
        for i, (weight, out) in enumerate(zip(w, h, strict=True)):
            np.matmul(x if i == 0 else h[i - 1], weight, out=out)
            if i < last:
                np.maximum(out, 0, out=out)
        p = d[last]
        np.subtract(h[last], h[last].max(1, keepdims=True), out=p)
        np.exp(p, out=p)
        p /= p.sum(1, keepdims=True)
        p[self._rows, y] -= 1
        p /= np.float32(len(y))
        for i in range(last, -1, -1):
            below = x if i == 0 else h[i - 1]
            np.matmul(below.T, d[i], out=g[i])
            if i:
                np.matmul(d[i], w[i].T, out=d[i - 1])
                np.greater(below, 0, out=self._mask[i - 1])
                d[i - 1] *= self._mask[i - 1]
        rate, decay = np.float32(self._case.rate), np.float32(self._case.decay)
        for weight, slope in zip(w, g, strict=True):
            slope *= rate
            weight *= 1 - rate * decay
            weight -= slope

    def result(self) -> dict[str, Array]:
        return dict(zip(self._data.parameters, self._w, strict=True))


class Chain:
    """Ten operations block by block, so that only the ends go through memory."""

    unit = 1

    def __init__(self, data: Data) -> None:
        self._x = data.inputs[0]
        self._y = np.empty_like(self._x)
        self._b, self._t = np.empty((2, _BLOCK), np.float32)

    def reset(self) -> None:
        self._y.fill(np.nan)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            for start in range(0, len(self._x), _BLOCK):
                self._one(self._x[start : start + _BLOCK], self._y[start : start + _BLOCK])

    def _one(self, x: Array, y: Array) -> None:
        b, t = self._b[: len(x)], self._t[: len(x)]
        np.multiply(x, np.float32(1.5), out=b)
        b += np.float32(0.25)
        np.abs(b, out=t)
        t -= np.float32(0.5)
        np.maximum(t, 0, out=t)
        t *= t
        t += x
        np.minimum(t, np.float32(4), out=t)
        t *= np.float32(0.125)
        np.subtract(t, b, out=y)

    def result(self) -> dict[str, Array]:
        return {"y": self._y}


class Convolution:
    """One product with the matrix of windows."""

    unit = 1

    def __init__(self, data: Data) -> None:
        self._x, self._w = data.inputs[0], data.parameters["w"]
        self.reset()

    def reset(self) -> None:
        self._y = np.full_like(self._x, np.nan)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._y = convolve(self._x, self._w, 1)

    def result(self) -> dict[str, Array]:
        return {"y": self._y}


class Plain:
    """The reference's own lines in float32."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._case, self._data = case, data
        self.reset()

    def reset(self) -> None:
        self._p, self._taken = dict(self._data.parameters), 0

    def run(self, steps: int) -> None:
        x, y = self._data.inputs
        for _ in range(steps):
            at = self._taken % BATCHES
            self._p = GRADIENTS[self._case.kind](self._case, self._p, x[at], y[at])
            self._taken += 1

    def result(self) -> dict[str, Array]:
        return self._p
