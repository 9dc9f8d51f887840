"""What every contender must compute, in plain NumPy; run in float64 it decides who is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import sequences
from benchmarks.cases import BATCHES, Array, Case, Data

Parameters = dict[str, Array]


def expected(case: Case, data: Data) -> Parameters:
    """Return the results after ``case.checked_steps`` steps in float64.

    Where a step trains, they are the distances that the parameters went.
    """
    start = {name: value.astype(np.float64) for name, value in data.parameters.items()}
    first = data.inputs[0]
    first = first if case.kind == "gpt" else first.astype(np.float64)
    if case.kind == "chain":
        return {"y": chain(first)}
    if case.kind == "convolution":
        return {"y": convolve(first, start["w"], 1)}
    now = start
    for step in range(case.checked_steps):
        at = step % BATCHES
        now = GRADIENTS[case.kind](case, now, first[at], data.inputs[1][at])
    return moved(now, data.parameters)


def moved(now: Parameters, start: Parameters) -> Parameters:
    """Return how far parameters went: an error shows there, and hides beside large weights."""
    return {name: now[name] - start[name] for name in start}


def worst(got: Parameters, wanted: Parameters) -> float:
    """Return the largest relative error of the results in the Euclidean norm; NaN is the worst."""
    errors = [
        float(np.linalg.norm((got[name] - wanted[name]).ravel()))
        / max(float(np.linalg.norm(wanted[name].ravel())), 1e-30)
        for name in wanted
    ]
    return max(errors, key=lambda each: np.inf if np.isnan(each) else each)


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


def softmax_gradient(logits: Array, labels: Array) -> Array:
    """Return ∂ mean cross-entropy / ∂ logits."""
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p / np.asarray(len(labels), logits.dtype)


def descend(case: Case, p: Parameters, g: Parameters) -> Parameters:
    """Return the parameters after one update."""
    return {name: w - case.rate * (g[name] + case.decay * w) for name, w in p.items()}


def mlp(case: Case, p: Parameters, x: Array, y: Array) -> Parameters:
    """Return the parameters after a step of a network without biases."""
    names, inputs = list(p), [x]
    for name in names[:-1]:
        inputs.append(np.maximum(inputs[-1] @ p[name], 0))
    d = softmax_gradient(inputs[-1] @ p[names[-1]], y)
    gradients: Parameters = {}
    for name, h in zip(reversed(names), reversed(inputs), strict=True):
        gradients[name] = h.T @ d
        if name != names[0]:
            d = (d @ p[name].T) * (h > 0)
    return descend(case, p, gradients)


def recurrent(case: Case, p: Parameters, x: Array, y: Array) -> Parameters:
    """Return the parameters after a step of h ← tanh(x W + h V + b), classified at the end."""
    states, steps = [np.zeros_like(x[:, 0])], x.shape[1]
    for row in x.swapaxes(0, 1):
        states.append(np.tanh(row @ p["wx"] + states[-1] @ p["wh"] + p["b"]))
    d = softmax_gradient(states[-1] @ p["wo"], y)
    g = {name: np.zeros_like(value) for name, value in p.items()}
    g["wo"], d = states[-1].T @ d, d @ p["wo"].T
    for t in reversed(range(steps)):
        d = d * (1 - states[t + 1] ** 2)
        g["wx"] += x[:, t].T @ d
        g["wh"] += states[t].T @ d
        g["b"] += d.sum(0)
        d = d @ p["wh"].T
    return descend(case, p, g)


# -- Images ----------------------------------------------------------------------------------------


def _windows(x: Array, size: int, padding: int) -> Array:
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    return np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))


def convolve(x: Array, w: Array, padding: int) -> Array:
    """Return the cross-correlation of images (n, c, h, w) with filters (o, c, k, k)."""
    seen = np.tensordot(_windows(x, w.shape[-1], padding), w, ((1, 4, 5), (1, 2, 3)))
    return np.ascontiguousarray(seen.transpose(0, 3, 1, 2))


def convolve_weight(x: Array, g: Array, size: int, padding: int) -> Array:
    """Return ∂/∂w of ⟨convolve(x, w), g⟩."""
    return np.tensordot(g, _windows(x, size, padding), ((0, 2, 3), (0, 2, 3)))


def convolve_input(g: Array, w: Array, padding: int) -> Array:
    """Return ∂/∂x of ⟨convolve(x, w), g⟩."""
    return convolve(g, w[:, :, ::-1, ::-1].swapaxes(0, 1), w.shape[-1] - 1 - padding)


def pool(x: Array) -> Array:
    """Return means over windows of 2 × 2."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5), dtype=x.dtype)


def unpool(g: Array) -> Array:
    """Return the adjoint of ``pool``."""
    return np.repeat(np.repeat(g, 2, 2), 2, 3) / np.asarray(4, g.dtype)


def lenet(case: Case, p: Parameters, x: Array, y: Array) -> Parameters:
    """Return the parameters after a step of LeNet: tanh, mean pooling, three layers at the end."""
    a1 = np.tanh(convolve(x, p["c1"], 2) + p["b1"])
    q1 = pool(a1)
    a2 = np.tanh(convolve(q1, p["c2"], 0) + p["b2"])
    q2 = pool(a2)
    flat = q2.reshape(len(x), -1)
    h3 = np.tanh(flat @ p["w3"] + p["b3"])
    h4 = np.tanh(h3 @ p["w4"] + p["b4"])
    d = softmax_gradient(h4 @ p["w5"] + p["b5"], y)
    g: Parameters = {"w5": h4.T @ d, "b5": d.sum(0)}
    d = (d @ p["w5"].T) * (1 - h4 * h4)
    g |= {"w4": h3.T @ d, "b4": d.sum(0)}
    d = (d @ p["w4"].T) * (1 - h3 * h3)
    g |= {"w3": flat.T @ d, "b3": d.sum(0)}
    d = unpool((d @ p["w3"].T).reshape(q2.shape)) * (1 - a2 * a2)
    g |= {"c2": convolve_weight(q1, d, 5, 0), "b2": d.sum((0, 2, 3)).reshape(-1, 1, 1)}
    d = unpool(convolve_input(d, p["c2"], 0)) * (1 - a1 * a1)
    g |= {"c1": convolve_weight(x, d, 5, 2), "b1": d.sum((0, 2, 3)).reshape(-1, 1, 1)}
    return descend(case, p, g)


def _of_sequences(name: str) -> Callable[[Case, Parameters, Any, Any], Parameters]:
    gradients = getattr(sequences, name)

    def step(case: Case, p: Parameters, x: Array, y: Array) -> Parameters:
        def d_logits(logits: Array) -> Array:
            return softmax_gradient(logits, y.ravel())

        return descend(case, p, gradients(case, p, x, d_logits))

    return step


GRADIENTS: dict[str, Callable[[Case, Parameters, Any, Any], Parameters]] = {
    "mlp": mlp, "recurrent": recurrent, "lenet": lenet,
    "lstm": _of_sequences("lstm"), "gpt": _of_sequences("gpt"),
}  # fmt: skip
