"""More budget never costs more time: a hundred budgets on each of twelve networks.

    python -m benchmarks.budgets

For each network and budget the cheapest program within it is planned. Violations are budgets that
a block exceeds, and budgets under which more is made again than under a smaller one. Nothing runs.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from wengert.base.errors import WengertError
from wengert.compilation.programs import program_fitting
from wengert.functions import relu, sigmoid, softmax, softmax_cross_entropy
from wengert.planning.plan import plan_graph
from wengert.tracing.spec import Spec
from wengert.transforms import joint

BUDGETS = 100
F = "float32"


def _dense(layers, width, activation):
    def objective(parameters, X, y):
        h = X
        for W in parameters:
            h = activation(h @ W)
        return np.mean((h - y) ** 2)

    return (
        objective,
        [Spec((width, width), F)] * layers,
        Spec((256, width), F),
        Spec((256, width), F),
    )


def _residual(layers, width):
    def objective(parameters, X, y):
        h = X
        for W, V in parameters:
            h = h + relu(h @ W) @ V
        return np.mean((h - y) ** 2)

    pair = (Spec((width, width), F), Spec((width, width), F))
    return objective, [pair] * layers, Spec((128, width), F), Spec((128, width), F)


def _attention(blocks, tokens, width):
    def objective(parameters, X, y):
        h = X
        for Q, K, V, W in parameters:
            A = softmax((h @ Q) @ np.swapaxes(h @ K, -1, -2) / np.sqrt(width))
            h = h + (A @ (h @ V)) @ W
        return np.mean((h - y) ** 2)

    block = tuple(Spec((width, width), F) for _ in range(4))
    shape = Spec((8, tokens, width), F)
    return objective, [block] * blocks, shape, shape


def _recurrent(steps, width):
    def objective(parameters, X, h):
        for t in range(steps):
            h = np.tanh(X[:, t] @ parameters["U"] + h @ parameters["W"] + parameters["b"])
        return np.mean(h * h)

    weights = {"U": Spec((32, width), F), "W": Spec((width, width), F), "b": Spec((width,), F)}
    return objective, weights, Spec((128, steps, 32), F), Spec((128, width), F)


def _classifier(width):
    def objective(parameters, X, y):
        h = relu(X @ parameters["W1"])
        h = h / np.sqrt(np.mean(h * h, axis=1, keepdims=True) + 1e-5)
        return softmax_cross_entropy(h @ parameters["W2"], y)

    weights = {"W1": Spec((784, width), F), "W2": Spec((width, 10), F)}
    return objective, weights, Spec((512, 784), F), Spec((512,), "int64")


NETWORKS = {
    "dense 8 tanh": _dense(8, 128, np.tanh),
    "dense 16 relu": _dense(16, 64, relu),
    "dense 12 sigmoid": _dense(12, 96, sigmoid),
    "dense 10 x exp(-x²)": _dense(10, 96, lambda x: x * np.exp(-x * x)),
    "residual 8": _residual(8, 64),
    "residual 16": _residual(16, 64),
    "attention 2": _attention(2, 64, 32),
    "attention 4": _attention(4, 48, 32),
    "recurrent 8": _recurrent(8, 64),
    "recurrent 16": _recurrent(16, 64),
    "classifier 256": _classifier(256),
    "classifier 1024": _classifier(1024),
}


def sweep(objective, *specs) -> tuple[int, int, int, float]:
    """Return violations, least and most bytes, and the largest part of work that is done again."""
    fitting = program_fitting(plan_graph(joint(objective, *specs)))
    least, most = fitting.nbytes(fitting.lowest), fitting.nbytes(fitting.plan)
    before, violations, dearest = float("inf"), 0, 0.0
    for at in range(BUDGETS):
        allowed = least + (most - least) * at // (BUDGETS - 1)
        plan = fitting.within(allowed)
        if plan is None:
            violations += 1
            continue
        price = fitting.overhead(plan)
        violations += (fitting.nbytes(plan) > allowed) + (price > before)
        before, dearest = price, max(dearest, price)
    return violations + (before != 0), least, most, dearest


def main() -> int:
    """Print a row a network; return 1 where a budget was violated."""
    total = 0
    print("| network | least | everything held | most work again | violations of 100 | s |")
    print("|---|---|---|---|---|---|")
    for name, network in NETWORKS.items():
        start = time.process_time()
        try:
            violations, least, most, dearest = sweep(*network)
        except WengertError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        total += violations
        seconds = time.process_time() - start
        row = f"| {name} | {least:,} | {most:,} | {100 * dearest:.3g} % | {violations} |"
        print(f"{row} {seconds:.1f} |", flush=True)
    print(f"\n{total} violations in {BUDGETS * len(NETWORKS)} budgets")
    return int(total > 0)


if __name__ == "__main__":
    raise SystemExit(main())
