"""What is measured: each case as data, with the target that it is held to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
HEADS = 4  # of attention
BATCHES = 10  # distinct batches; steps go round them, so that no batch stays in a cache by luck


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        kind: "mlp", "chain", "recurrent", "lstm", "gpt", "lenet" or "convolution".
        sizes: what the kind asks for (widths, numbers of elements, units).
        targets: by number of threads, how many times as fast as the best peer a step shall be.
    """

    name: str
    title: str
    kind: str
    batch: int
    sizes: tuple[int, ...]
    rate: float = 0.05
    decay: float = 0.0
    targets: dict[int, float] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether a step moves parameters; otherwise it maps one array to another."""
        return self.kind not in ("chain", "convolution")

    @property
    def checked_steps(self) -> int:
        """Return the number of steps after which results are compared."""
        return BATCHES if self.trains else 1


def sample(batch: int, two: float, one: float) -> Case:
    """Return the sample network 784-256-10 at one batch size."""
    return Case(
        f"sample-{batch}", f"Sample network, batch {batch}", "mlp", batch, (784, 256, 10),
        decay=1e-3, targets={2: two, 1: one},
    )  # fmt: skip


CASES: dict[str, Case] = {
    case.name: case
    for case in (
        sample(1, 5.0, 3.5),
        sample(32, 2.2, 1.4),
        sample(256, 1.4, 1.15),
        sample(1024, 1.25, 1.1),
        Case("layers", "50 layers of 256, batch 64", "mlp", 64, (256,) * 51, 0.001,
             targets={2: 2.2}),
        Case("chain", "Ten elementwise operations, 10⁷ numbers", "chain", 1, (10_000_000,)),
        Case("recurrent", "Recurrent loop, 64 steps of 128 units, batch 32", "recurrent", 32,
             (64, 128, 10), targets={2: 2.0}),
        Case("lstm", "LSTM, 32 steps of 128 units, batch 32", "lstm", 32, (32, 128, 10)),
        Case("gpt", "GPT, 4 layers of 128, 12 × 64 tokens", "gpt", 12, (4, 128, 64, 96)),
        Case("lenet", "LeNet, batch 128", "lenet", 128, (28, 28), targets={2: 5.0}),
        Case("convolution", "3 × 3 convolution, 64 → 64, 16 images of 56 × 56", "convolution", 16,
             (64, 56), targets={2: 1.0}),
        # For the test of this harness.
        Case("tiny-lstm", "Tiny LSTM", "lstm", 3, (4, 8, 3)),
        Case("tiny-gpt", "Tiny GPT", "gpt", 2, (2, 8, 5, 7)),
        Case("tiny", "Tiny network", "mlp", 4, (8, 16, 3), decay=1e-3),
        Case("tiny-chain", "Tiny chain", "chain", 1, (1000,)),
    )
}  # fmt: skip
TINY = ("tiny", "tiny-chain", "tiny-lstm", "tiny-gpt")
# What takes minutes on two cores and still tells most.
QUICK = ("sample-1", "sample-32", "sample-256", "layers", "chain", "recurrent", "lenet",
         "convolution")  # fmt: skip


@dataclass(frozen=True)
class Data:
    """What a case begins with: parameters by name, and arrays of batches (batch number first)."""

    parameters: dict[str, Array]
    inputs: tuple[Array, ...]


def data(case: Case, seed: int = 0) -> Data:
    """Return parameters and batches in float32, labels in int64."""
    rng = np.random.default_rng(seed)
    parameters, shape = _PARAMETERS[case.kind](case, rng)
    if not case.trains:
        return Data(parameters, (normal(rng, shape),))
    if case.kind == "gpt":
        tokens = rng.integers(0, case.sizes[3], (BATCHES, *shape))
        return Data(parameters, (tokens, np.roll(tokens, -1, -1)))
    classes = case.sizes[-1] if case.kind != "lenet" else 10
    labels = rng.integers(0, classes, (BATCHES, case.batch))
    return Data(parameters, (normal(rng, (BATCHES, *shape)), labels))


def normal(rng: np.random.Generator, shape: tuple[int, ...], scale: float = 1.0) -> Array:
    """Return float32 numbers around zero."""
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def _mlp(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    pairs = zip(case.sizes[:-1], case.sizes[1:], strict=True)
    # A deep network of freely drawn weights is chaos: rounding flips units, and after ten steps
    # no two libraries agree. Near the identity it is not, and takes the same time.
    deep = len(case.sizes) > 10
    near = 0.03 if deep else 1.0
    weights = {
        f"w{i}": normal(rng, (a, b), near * (2 / a) ** 0.5) for i, (a, b) in enumerate(pairs)
    }
    if deep:
        weights = {name: w + np.eye(*w.shape, dtype=np.float32) for name, w in weights.items()}
    return weights, (case.batch, case.sizes[0])


def _recurrent(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    steps, units, classes = case.sizes
    scale = units**-0.5
    return {
        "wx": normal(rng, (units, units), scale),
        "wh": normal(rng, (units, units), scale),
        "b": np.zeros(units, np.float32),
        "wo": normal(rng, (units, classes), scale),
    }, (case.batch, steps, units)


def _lstm(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    steps, units, classes = case.sizes
    scale = units**-0.5
    return {
        "wx": normal(rng, (units, 4 * units), scale),
        "wh": normal(rng, (units, 4 * units), scale),
        "b": np.zeros(4 * units, np.float32),
        "wo": normal(rng, (units, classes), scale),
    }, (case.batch, steps, units)


def _gpt(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    layers, width, length, vocabulary = case.sizes
    made = {"emb": normal(rng, (vocabulary, width), 0.5), "pos": normal(rng, (length, width), 0.1)}
    for i in range(layers):
        for name, a, b in (("qkv", 1, 3), ("out", 1, 1), ("up", 1, 4), ("down", 4, 1)):
            made[f"{name}{i}"] = normal(rng, (a * width, b * width), 0.5 * (a * width) ** -0.5)
    made["head"] = normal(rng, (width, vocabulary), width**-0.5)
    return made, (case.batch, length)


def _lenet(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    shapes = {
        "c1": (6, 1, 5, 5), "b1": (6, 1, 1), "c2": (16, 6, 5, 5), "b2": (16, 1, 1),
        "w3": (400, 120), "b3": (120,), "w4": (120, 84), "b4": (84,), "w5": (84, 10), "b5": (10,),
    }  # fmt: skip
    made = {}
    for name, shape in shapes.items():
        fan = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
        scale = 0.0 if name.startswith("b") else fan**-0.5
        made[name] = normal(rng, shape, scale)
    return made, (case.batch, 1, *case.sizes)


def _chain(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    return {}, case.sizes


def _convolution(case: Case, rng: np.random.Generator) -> tuple[dict[str, Array], tuple[int, ...]]:
    channels, side = case.sizes
    w = normal(rng, (channels, channels, 3, 3), (channels * 9) ** -0.5)
    return {"w": w}, (case.batch, channels, side, side)


_PARAMETERS = {
    "mlp": _mlp, "recurrent": _recurrent, "lstm": _lstm, "gpt": _gpt, "lenet": _lenet,
    "chain": _chain,
    "convolution": _convolution,
}  # fmt: skip


def flops(case: Case) -> int:
    """Return the multiplications and additions that a step cannot do without."""
    if case.kind == "mlp":
        pairs = list(zip(case.sizes[:-1], case.sizes[1:], strict=True))
        return 2 * case.batch * (3 * sum(a * b for a, b in pairs) - pairs[0][0] * pairs[0][1])
    if case.kind == "convolution":
        channels, side = case.sizes
        return 2 * case.batch * side * side * channels * channels * 9
    return 0
