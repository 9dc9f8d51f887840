"""PyTorch: modules, ``torch.optim.SGD``, eager or through ``torch.compile``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.cases import BATCHES, HEADS, Array, Case, Data
from benchmarks.contenders import Absent, Contender

try:
    import torch
    import torch.nn.functional as F
    from torch import nn
except ImportError:
    torch = None  # type: ignore[assignment]


def prepare(threads: int) -> None:
    """Set the number of threads."""
    if torch is None:
        raise Absent("torch is not installed")
    torch.set_num_threads(threads)


def make(name: str, case: Case, data: Data) -> Contender:
    """Return the program for a case, eager or compiled."""
    compiled = name == "torch-compile"
    if compiled and case.kind in ("recurrent", "lstm"):
        raise Absent("torch.compile leaves nn.RNN and nn.LSTM to eager mode")
    if not case.trains:
        return Mapped(case, data, compiled)
    return Trained(case, data, compiled)


def _model(case: Case) -> Any:
    if case.kind == "mlp":
        layers: list[Any] = []
        for a, b in zip(case.sizes[:-1], case.sizes[1:], strict=True):
            layers += [nn.Linear(a, b, bias=False), nn.ReLU()]
        return nn.Sequential(*layers[:-1])
    if case.kind == "lenet":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10),
        )  # fmt: skip
    if case.kind == "gpt":
        return GPT(case)
    return Recurrent(case.sizes[1], case.sizes[2], nn.LSTM if case.kind == "lstm" else nn.RNN)


class Recurrent(nn.Module if torch is not None else object):  # type: ignore[misc]
    """nn.RNN or nn.LSTM, and a layer on its last state."""

    def __init__(self, units: int, classes: int, kind: Any) -> None:
        super().__init__()
        self.rnn = kind(units, units, batch_first=True)
        self.out = nn.Linear(units, classes, bias=False)
        self.rnn.bias_hh_l0.requires_grad_(False).zero_()

    def forward(self, x: Any) -> Any:
        state = self.rnn(x)[1]
        return self.out(state[0][0] if isinstance(state, tuple) else state[0])


class GPT(nn.Module if torch is not None else object):  # type: ignore[misc]
    """Attention that looks back, GELU, norms without parameters."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.layers, width, length, vocabulary = case.sizes
        self.emb = nn.Embedding(vocabulary, width)
        self.pos = nn.Parameter(torch.empty(length, width))
        linear = {"qkv": (1, 3), "out": (1, 1), "up": (1, 4), "down": (4, 1)}
        self.inner = nn.ModuleList(
            nn.Linear(a * width, b * width, bias=False)
            for _ in range(self.layers)
            for a, b in linear.values()
        )
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, x: Any) -> Any:
        h = self.emb(x) + self.pos
        width = h.shape[-1]
        for i in range(self.layers):
            qkv, out, up, down = self.inner[4 * i : 4 * i + 4]
            parts = qkv(F.layer_norm(h, (width,))).reshape(*x.shape, 3, HEADS, width // HEADS)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + out(mixed.transpose(1, 2).reshape(*x.shape, width))
            h = h + down(F.gelu(up(F.layer_norm(h, (width,))), approximate="tanh"))
        return self.head(F.layer_norm(h, (width,))).flatten(0, 1)


# Our parameters, in the order in which each model keeps its own.
_ORDER = {"recurrent": ("wx", "wh", "b", "wo"), "lstm": ("wx", "wh", "b", "wo")}
# Kept as a table of rows, by PyTorch too.
_TABLES = ("emb", "pos")


class Trained:
    """The usual loop: zero the gradients, forward, backward, step."""

    unit = 1

    def __init__(self, case: Case, data: Data, compiled: bool) -> None:
        self._data, self._taken = data, 0
        self._model = _model(case)
        self._own = [p for p in self._model.parameters() if p.requires_grad]
        self._names = _ORDER.get(case.kind, tuple(data.parameters))
        if case.kind == "gpt":
            # A module's own parameters come before those of its parts.
            self._names = ("pos", "emb", *(name for name in self._names if name not in _TABLES))
        self._x, self._y = (torch.from_numpy(each) for each in data.inputs)
        self._optimizer = torch.optim.SGD(self._own, lr=case.rate, weight_decay=case.decay)
        self._loss: Callable[..., Any] = torch.compile(self._forward) if compiled else self._forward
        self.reset()

    def _forward(self, x: Any, y: Any) -> Any:
        return F.cross_entropy(self._model(x), y.flatten())

    def reset(self) -> None:
        with torch.no_grad():
            for name, own in zip(self._names, self._own, strict=True):
                value = self._data.parameters[name]
                value = value.T if value.ndim == 2 and name not in _TABLES else value
                own.copy_(torch.from_numpy(np.ascontiguousarray(value)).reshape(own.shape))
        self._taken = 0

    def run(self, steps: int) -> None:
        for _ in range(steps):
            at = self._taken % BATCHES
            self._optimizer.zero_grad()
            self._loss(self._x[at], self._y[at]).backward()
            self._optimizer.step()
            self._taken += 1

    def result(self) -> dict[str, Array]:
        found = {}
        for name, own in zip(self._names, self._own, strict=True):
            value = own.detach().numpy()
            value = value.T if value.ndim == 2 and name not in _TABLES else value
            found[name] = value.reshape(self._data.parameters[name].shape)
        return found


class Mapped:
    """A function of tensors."""

    unit = 1

    def __init__(self, case: Case, data: Data, compiled: bool) -> None:
        x = torch.from_numpy(data.inputs[0])
        function: Callable[..., Any]
        if case.kind == "chain":
            function, self._arguments = chain, (x,)
        else:
            w = torch.from_numpy(data.parameters["w"])
            layout = torch.channels_last
            function = convolution
            self._arguments = (x.to(memory_format=layout), w.to(memory_format=layout))
        self._function = torch.compile(function) if compiled else function
        self._out: Any = None

    def reset(self) -> None:
        self._out = None

    def run(self, steps: int) -> None:
        with torch.no_grad():
            for _ in range(steps):
                self._out = self._function(*self._arguments)

    def result(self) -> dict[str, Array]:
        return {"y": self._out.contiguous().numpy()}


def chain(x: Any) -> Any:
    """Return ten elementwise operations of x."""
    a = x * 1.5
    b = a + 0.25
    c = torch.abs(b)
    d = c - 0.5
    e = torch.relu(d)
    f = e * e
    g = f + x
    h = torch.clamp(g, max=4.0)
    i = h * 0.125
    return i - b


def convolution(x: Any, w: Any) -> Any:
    """Return the convolution alone, channels last as PyTorch's guides advise on processors."""
    return F.conv2d(x, w, padding=1)
