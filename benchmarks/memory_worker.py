"""One contender on one network in a process of its own: what a step holds, and how long it takes.

Arguments: contender, network, budget (bytes or percent of its own range for Wengert, PyTorch's knob
between 0 and 1, or "-").
The peak is the most that the process held during steps, less what it held before the first, when
parameters, data and a compiled step were there: what the step itself asks for, results included.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.worker import forget_peak, peak, resident

STEPS = 5


@dataclass(frozen=True)
class Network:
    """Sizes of one network, and its forward pass over the names that all contenders share."""

    title: str
    layers: int
    width: int
    batch: int
    length: int = 0

    def weights(self) -> list[np.ndarray]:
        random = np.random.default_rng(0)
        shape = (self.width, self.width)
        count = self.layers * (3 if self.length else 2)
        return [
            (random.normal(size=shape) / self.width**0.5).astype("float32") for _ in range(count)
        ]

    def data(self) -> np.ndarray:
        shape = (self.batch, *((self.length,) if self.length else ()), self.width)
        return np.random.default_rng(1).normal(size=shape).astype("float32")


NETWORKS = {
    "residual": Network("residual perceptron, 40 layers of 256, batch 4096", 20, 256, 4096),
    "attention": Network("attention stack, 6 blocks, 16 sequences of 256 × 64", 6, 64, 16, 256),
}


def residual(ops: Any, W: Any, x: Any) -> Any:
    for at in range(0, len(W), 2):
        x = x + ops.tanh(x @ W[at]) @ W[at + 1]
    return ops.mean(x * x)


def attention(ops: Any, W: Any, x: Any) -> Any:
    for at in range(0, len(W), 3):
        scores = (x @ W[at]) @ ops.swap(x @ W[at + 1]) * 0.125
        e = ops.exp(scores - ops.max(scores))
        x = x + (e / ops.sum(e)) @ (x @ W[at + 2])
    return ops.mean(x * x)


FORWARD: dict[str, Callable[..., Any]] = {"residual": residual, "attention": attention}


class NumPyLike:
    """The few functions, from NumPy or jax.numpy."""

    def __init__(self, module: Any) -> None:
        self.tanh, self.exp, self.mean = module.tanh, module.exp, module.mean
        self.swap = lambda x: module.swapaxes(x, -1, -2)
        self.max = lambda x: module.max(x, axis=-1, keepdims=True)
        self.sum = lambda x: module.sum(x, axis=-1, keepdims=True)


class Torch:
    """The few functions, from PyTorch."""

    def __init__(self, torch: Any) -> None:
        self.tanh, self.exp, self.mean = torch.tanh, torch.exp, torch.mean
        self.swap = lambda x: x.transpose(-1, -2)
        self.max = lambda x: torch.amax(x, dim=-1, keepdim=True)
        self.sum = lambda x: torch.sum(x, dim=-1, keepdim=True)


def with_wengert(name: str, budget: str) -> tuple[Callable[[], float], dict[str, Any]]:
    import wengert as wg
    from wengert.native.program import compile_graph
    from wengert.rewriting.rewrite import simplify

    net, ops = NETWORKS[name], NumPyLike(np)
    W, x = net.weights(), net.data()

    def objective(W: Any, x: Any) -> Any:
        return FORWARD[name](ops, W, x)

    plan = wg.plan(objective, W, x)
    if budget.endswith("%"):
        low = least(plan)
        budget = str(low + (plan.peak_bytes - low) * int(budget[:-1]) // 100)
    if budget != "-":
        plan = plan.within(int(budget))
    run = compile_graph(simplify(plan.graph) if budget == "-" else plan.graph, 1)
    state = sum(w.nbytes for w in W)
    # Results are arrays of the caller's, beside the block.
    return lambda: float(run(*W, x)[0]), {
        "planned": plan.peak_bytes + state, "work": plan.overhead
    }  # fmt: skip


def least(plan: Any) -> int:
    """Return the fewest bytes that a plan can do with, as its refusal of one byte says."""
    from wengert.base.errors import BudgetError

    try:
        plan.within(1)
    except BudgetError as refusal:
        return int(str(refusal.expected).split("at least ")[1].split(" bytes")[0].replace(",", ""))
    raise AssertionError("one byte is enough")


def with_torch(name: str, budget: str) -> tuple[Callable[[], float], dict[str, Any]]:
    import torch
    import torch._functorch.config as config

    torch.set_num_threads(1)
    net, ops = NETWORKS[name], Torch(torch)
    W = [torch.tensor(w, requires_grad=True) for w in net.weights()]
    x = torch.tensor(net.data())

    def objective(W: Any, x: Any) -> Any:
        return FORWARD[name](ops, W, x)

    if budget != "-":
        config.activation_memory_budget = float(budget)
        objective = torch.compile(objective, backend="aot_eager_decomp_partition")

    def step() -> float:
        J = objective(W, x)
        J.backward()
        for w in W:
            w.grad = None
        return float(J.detach())

    return step, {}


def with_jax(name: str, budget: str) -> tuple[Callable[[], float], dict[str, Any]]:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax
    import jax.numpy as jnp

    net, ops = NETWORKS[name], NumPyLike(jnp)
    W, x = [jnp.asarray(w) for w in net.weights()], jnp.asarray(net.data())
    step = jax.jit(jax.value_and_grad(lambda W, x: FORWARD[name](ops, W, x)))
    made = step.lower(W, x).compile()

    def run() -> float:
        J, gradients = made(W, x)
        jax.block_until_ready(gradients)
        return float(J)

    return run, {"planned": made.memory_analysis().temp_size_in_bytes + sum(w.nbytes for w in W)}


def give_back() -> None:
    """Give free pages back, so that what was used before is not taken for the step's."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


CONTENDERS = {"wengert": with_wengert, "torch": with_torch, "jax": with_jax}


def main() -> None:
    contender, name, budget = sys.argv[1:4]
    run, told = CONTENDERS[contender](name, budget)
    if contender == "torch" and budget != "-":
        run()  # it compiles in the first step
    give_back()
    forget_peak()
    before, times, J = resident(), list[float](), 0.0
    for _ in range(STEPS):
        begin = time.process_time()
        J = run()
        times.append(time.process_time() - begin)
    print(json.dumps({"peak": peak() - before, "seconds": min(times), "J": J, **told}))


if __name__ == "__main__":
    main()
