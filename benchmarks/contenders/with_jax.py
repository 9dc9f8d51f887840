"""JAX: a jitted step with donated parameters, and ten steps in one ``lax.scan``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import BATCHES, HEADS, Array, Case, Data
from benchmarks.contenders import Absent, Contender

try:
    import jax
    import jax.numpy as jnp
    from jax import lax
except ImportError:
    jax = None  # type: ignore[assignment]


def prepare(threads: int) -> None:
    """Nothing to set: JAX takes as many threads as the process may use cores."""
    if jax is None:
        raise Absent("jax is not installed")


def make(name: str, case: Case, data: Data) -> Contender:
    """Return the program for a case, a step or ten steps a call."""
    if case.trains:
        return Scanned(case, data) if name == "jax-scan" else Stepped(case, data)
    if name == "jax-scan":
        raise Absent("nothing to scan over")
    return Mapped(case, data)


def _cross_entropy(logits: Any, y: Any) -> Any:
    logits, y = logits.reshape(-1, logits.shape[-1]), y.reshape(-1)
    chosen = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)
    return -jnp.mean(chosen)


def _mlp(case: Case, p: Any, x: Any, y: Any) -> Any:
    *hidden, last = (p[f"w{i}"] for i in range(len(p)))
    for w in hidden:
        x = jax.nn.relu(x @ w)
    squares = sum(jnp.sum(w * w) for w in p.values()) if case.decay else 0.0
    return _cross_entropy(x @ last, y) + 0.5 * case.decay * squares


def _recurrent(case: Case, p: Any, x: Any, y: Any) -> Any:
    def cell(h: Any, row: Any) -> tuple[Any, None]:
        return jnp.tanh(row @ p["wx"] + h @ p["wh"] + p["b"]), None

    return _cross_entropy(lax.scan(cell, jnp.zeros_like(x[:, 0]), x.swapaxes(0, 1))[0] @ p["wo"], y)


def _lstm(case: Case, p: Any, x: Any, y: Any) -> Any:
    def cell(state: Any, row: Any) -> tuple[Any, None]:
        h, c = state
        i, f, g, o = jnp.split(row @ p["wx"] + h @ p["wh"] + p["b"], 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    zero = jnp.zeros_like(x[:, 0])
    return _cross_entropy(lax.scan(cell, (zero, zero), x.swapaxes(0, 1))[0][0] @ p["wo"], y)


def _gpt(case: Case, p: Any, x: Any, y: Any) -> Any:
    layers, width, _, _ = case.sizes

    def norm(h: Any) -> Any:
        return jax.nn.standardize(h, epsilon=1e-5)

    h = p["emb"][x] + p["pos"]
    for i in range(layers):
        qkv = (norm(h) @ p[f"qkv{i}"]).reshape(*x.shape, 3, HEADS, width // HEADS)
        q, k, v = (qkv[:, :, each] for each in range(3))
        mixed = jax.nn.dot_product_attention(q, k, v, is_causal=True)
        h = h + mixed.reshape(*x.shape, width) @ p[f"out{i}"]
        h = h + jax.nn.gelu(norm(h) @ p[f"up{i}"], approximate=True) @ p[f"down{i}"]
    return _cross_entropy(norm(h) @ p["head"], y)


def _convolve(x: Any, w: Any, padding: int) -> Any:
    around = [(padding, padding)] * 2
    return lax.conv_general_dilated(
        x, w, (1, 1), around, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def _pool(x: Any) -> Any:
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4


def _lenet(case: Case, p: Any, x: Any, y: Any) -> Any:
    h = _pool(jnp.tanh(_convolve(x, p["c1"], 2) + p["b1"]))
    h = _pool(jnp.tanh(_convolve(h, p["c2"], 0) + p["b2"]))
    h = h.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
    h = jnp.tanh(h @ p["w3"] + p["b3"])
    h = jnp.tanh(h @ p["w4"] + p["b4"])
    return _cross_entropy(h @ p["w5"] + p["b5"], y)


_OBJECTIVES: dict[str, Callable[..., Any]] = {
    "mlp": _mlp, "recurrent": _recurrent, "lstm": _lstm, "gpt": _gpt, "lenet": _lenet,
}  # fmt: skip


def _channels_last(name: str, value: Array) -> Array:
    """Return filters and their biases as Flax and Haiku keep them."""
    if value.ndim == 4:
        return np.ascontiguousarray(value.transpose(2, 3, 1, 0))
    return value.reshape(-1) if value.ndim == 3 else value


def _update(case: Case) -> Callable[..., Any]:
    def objective(p: Any, x: Any, y: Any) -> Any:
        return _OBJECTIVES[case.kind](case, p, x, y)

    def step(p: Any, x: Any, y: Any) -> tuple[Any, Any]:
        loss, g = jax.value_and_grad(objective)(p, x, y)
        return jax.tree.map(lambda w, slope: w - case.rate * slope, p, g), loss

    return step


class Stepped:
    """One jitted step a call."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._data, self._taken = data, 0
        x, y = data.inputs
        if case.kind == "lenet":
            x = x.transpose(0, 1, 3, 4, 2)
        self._load(x, y.astype(np.int32))
        self._build(_update(case))
        self.reset()

    def _load(self, x: Array, y: Array) -> None:
        self._batches = [(jnp.array(x[i]), jnp.array(y[i])) for i in range(BATCHES)]

    def _build(self, step: Callable[..., Any]) -> None:
        self._step = jax.jit(step, donate_argnums=0)

    def reset(self) -> None:
        parameters = self._data.parameters
        self._p = {name: jnp.array(_channels_last(name, w)) for name, w in parameters.items()}
        self._taken = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._p, _loss = self._step(self._p, *self._batches[self._taken % BATCHES])
            self._taken += 1
        jax.block_until_ready(self._p)

    def result(self) -> dict[str, Array]:
        found = {}
        for name, first in self._data.parameters.items():
            value = np.asarray(self._p[name])
            value = value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
            found[name] = value.reshape(first.shape)
        return found


class Scanned(Stepped):
    """Ten steps a call, one after the other inside ``lax.scan``."""

    unit = BATCHES

    def _load(self, x: Array, y: Array) -> None:
        self._all = (jnp.array(x), jnp.array(y))

    def _build(self, step: Callable[..., Any]) -> None:
        def many(p: Any, x: Any, y: Any) -> tuple[Any, Any]:
            return lax.scan(lambda p, batch: step(p, *batch), p, (x, y))

        self._step = jax.jit(many, donate_argnums=0)

    def run(self, steps: int) -> None:
        for _ in range(steps // BATCHES):
            self._p, _losses = self._step(self._p, *self._all)
        jax.block_until_ready(self._p)


class Mapped:
    """A jitted function of arrays."""

    unit = 1

    def __init__(self, case: Case, data: Data) -> None:
        self._last = case.kind == "convolution"
        x = data.inputs[0]
        if self._last:
            w = _channels_last("w", data.parameters["w"])
            self._arguments = (jnp.array(x.transpose(0, 2, 3, 1)), jnp.array(w))
            self._function = jax.jit(lambda x, w: _convolve(x, w, 1))
        else:
            self._arguments = (jnp.array(x),)
            self._function = jax.jit(chain)

    def reset(self) -> None:
        self._y: Any = None

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._y = self._function(*self._arguments)
        jax.block_until_ready(self._y)

    def result(self) -> dict[str, Array]:
        y = np.asarray(self._y)
        return {"y": y.transpose(0, 3, 1, 2) if self._last else y}


def chain(x: Any) -> Any:
    """Return ten elementwise operations of x."""
    a = x * 1.5
    b = a + 0.25
    c = jnp.abs(b)
    d = c - 0.5
    e = jnp.maximum(d, 0.0)
    f = e * e
    g = f + x
    h = jnp.minimum(g, 4.0)
    i = h * 0.125
    return i - b
