"""LSTM and GPT in plain NumPy with their gradients by hand: what decides who is right."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.cases import HEADS, Array, Case

Parameters = dict[str, Array]
_GELU, _CUBE = 0.7978845608028654, 0.044715


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def lstm(case: Case, p: Parameters, x: Array, d_logits: Any) -> Parameters:
    """Return the gradients of an LSTM (gates i, f, g, o) that is classified at its end."""
    batch, steps, units = x.shape
    h, c = np.zeros((2, batch, units), x.dtype)
    kept = []
    for t in range(steps):
        gates = x[:, t] @ p["wx"] + h @ p["wh"] + p["b"]
        i, f, g, o = (gates[:, k * units : (k + 1) * units] for k in range(4))
        i, f, g, o = _sigmoid(i), _sigmoid(f), np.tanh(g), _sigmoid(o)
        before, c_before = h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        kept.append((before, c_before, i, f, g, o, np.tanh(c)))
    d = d_logits(h @ p["wo"])
    found = {name: np.zeros_like(value) for name, value in p.items()}
    found["wo"], dh, dc = h.T @ d, d @ p["wo"].T, np.zeros_like(c)
    for t in reversed(range(steps)):
        before, c_before, i, f, g, o, th = kept[t]
        dc = dc + dh * o * (1 - th * th)
        parts = (dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g),
                 dh * th * o * (1 - o))  # fmt: skip
        dg = np.concatenate(parts, 1)
        found["wx"] += x[:, t].T @ dg
        found["wh"] += before.T @ dg
        found["b"] += dg.sum(0)
        dh, dc = dg @ p["wh"].T, dc * f
    return found


def _norm(x: Array) -> tuple[Array, Array]:
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
    return centred * scale, scale


def _norm_back(g: Array, y: Array, scale: Array) -> Array:
    return scale * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))


def _flat(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _heads(x: Array, parts: int) -> Array:
    batch, length, width = x.shape
    return x.reshape(batch, length, parts, HEADS, width // (parts * HEADS)).transpose(2, 0, 3, 1, 4)


def _joined(x: Array) -> Array:
    parts, batch, heads, length, width = x.shape
    return x.transpose(1, 3, 0, 2, 4).reshape(batch, length, parts * heads * width)


def _block(p: Parameters, i: int, h: Array) -> tuple[Array, tuple[Any, ...]]:
    n1, s1 = _norm(h)
    q, k, v = _heads(n1 @ p[f"qkv{i}"], 3)
    scores = q @ k.swapaxes(-1, -2) / np.asarray(q.shape[-1] ** 0.5, h.dtype)
    scores = np.where(np.tri(h.shape[1], dtype=bool), scores, -np.inf)
    a = np.exp(scores - scores.max(-1, keepdims=True))
    a /= a.sum(-1, keepdims=True)
    mixed = _joined((a @ v)[None])
    middle = h + mixed @ p[f"out{i}"]
    n2, s2 = _norm(middle)
    u = n2 @ p[f"up{i}"]
    t = np.tanh(_GELU * (u + _CUBE * u**3))
    act = 0.5 * u * (1 + t)
    return middle + act @ p[f"down{i}"], (n1, s1, q, k, v, a, mixed, n2, s2, u, t, act)


def _block_back(p: Parameters, i: int, g: Array, kept: Any, found: Parameters) -> Array:
    n1, s1, q, k, v, a, mixed, n2, s2, u, t, act = kept
    found[f"down{i}"] = _flat(act).T @ _flat(g)
    slope = 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * _GELU * (1 + 3 * _CUBE * u * u)
    du = (g @ p[f"down{i}"].T) * slope
    found[f"up{i}"] = _flat(n2).T @ _flat(du)
    g = g + _norm_back(du @ p[f"up{i}"].T, n2, s2)
    found[f"out{i}"] = _flat(mixed).T @ _flat(g)
    (dm,) = _heads(g @ p[f"out{i}"].T, 1)
    da = dm @ v.swapaxes(-1, -2)
    ds = a * (da - (da * a).sum(-1, keepdims=True)) / np.asarray(q.shape[-1] ** 0.5, g.dtype)
    dqkv = _joined(np.stack((ds @ k, ds.swapaxes(-1, -2) @ q, a.swapaxes(-1, -2) @ dm)))
    found[f"qkv{i}"] = _flat(n1).T @ _flat(dqkv)
    return g + _norm_back(dqkv @ p[f"qkv{i}"].T, n1, s1)


def gpt(case: Case, p: Parameters, x: Array, d_logits: Any) -> Parameters:
    """Return the gradients of a GPT: attention that looks back, GELU, norms without parameters."""
    layers, kept = case.sizes[0], []
    h = p["emb"][x] + p["pos"]
    for i in range(layers):
        h, more = _block(p, i, h)
        kept.append(more)
    n, scale = _norm(h)
    d = d_logits(_flat(n) @ p["head"])
    found: Parameters = {"head": _flat(n).T @ d}
    g = _norm_back((d @ p["head"].T).reshape(n.shape), n, scale)
    for i in reversed(range(layers)):
        g = _block_back(p, i, g, kept[i], found)
    found["pos"] = g.sum(0)
    found["emb"] = np.zeros_like(p["emb"])
    np.add.at(found["emb"], x, g)
    return found
