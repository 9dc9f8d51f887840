"""Products by tiles against NumPy's BLAS, one thread, beside this core's peak of multiply-adds.

    python benchmarks/products.py [--dtype float64] [--rounds 15] [--scan]

Contenders alternate within a round, the median of the rounds is told; outputs are filled with NaN
before, and checked against float64 after. ``--scan`` walks widths and batches of the sample
network from 1 to 300 and tells where one takes more than 1.6 times its neighbours' time.
"""

from __future__ import annotations

import argparse
import ctypes
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from wengert.native import llvm
from wengert.native.jit import Code, session
from wengert.native.kernels.contraction import Strided, by_letters
from wengert.native.kernels.edges import multiply_add
from wengert.native.kernels.schedule import schedule
from wengert.native.kernels.tiled import Tiled
from wengert.native.target import host

Array = np.ndarray[Any, Any]
CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
CHAINS, STEPS = 12, 20_000


def peak(dtype: Any) -> float:
    """Return GFLOP/s of independent multiply-adds in registers."""
    kind = llvm.vector(llvm.memory_type(np.dtype(dtype)), host().lanes(np.dtype(dtype)))

    def define(module: llvm.Module, name: str) -> None:
        types = [llvm.POINTER, llvm.I64, llvm.I64]
        function = llvm.ir.Function(module, llvm.ir.FunctionType(llvm.VOID, types), name)
        builder = llvm.ir.IRBuilder(function.append_basic_block())
        chains = [llvm.constant(kind, 0.5 + 1 / (2 + k)) for k in range(CHAINS)]
        factor, add = llvm.constant(kind, 0.5), llvm.constant(kind, 0.25)

        def body(_: Any, *now: Any) -> list[Any]:
            return [multiply_add(builder, x, factor, add) for x in now]

        span = (*function.args[1:], llvm.integer(1))
        results = llvm.loop(builder, span, body, chains)
        for number, value in enumerate(results):
            place = llvm.address(builder, function.args[0], kind, llvm.integer(number))
            llvm.store(builder, value, place, 4)
        builder.ret_void()

    kernel = session().load([Code(f"peak {np.dtype(dtype)}", define)])[0]
    call, room = CALL(kernel.address), np.zeros(64 * CHAINS)
    best = min(timed(lambda: call(room.ctypes.data, 0, STEPS), 1) for _ in range(300))
    return 2 * STEPS * CHAINS * host().lanes(np.dtype(dtype)) / best / 1e9


def timed(call: Callable[[], object], repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats


def strided(x: Array) -> Strided:
    return Strided(x.shape, tuple(stride // x.itemsize for stride in x.strides))


def compiled(a: Array, b: Array, c: Array) -> Callable[[], object]:
    """Return a call of our kernel, all chunks in order."""
    found = by_letters(c.dtype, ("mk", "kn", "mn"), (strided(a), strided(b), strided(c)))
    body = Tiled(schedule(found, host()))
    kernel = session().load([Code(body.key, body.define)])[0]
    pointers = (ctypes.c_void_p * 3)(*[x.ctypes.data for x in (a, b, c)])
    call, chunks = CALL(kernel.address), body.chunks
    held = (kernel, a, b, c)
    return lambda: (held, call(pointers, 0, chunks))


def check(a: Array, b: Array, c: Array) -> None:
    wide, other = a.astype(np.float64), b.astype(np.float64)
    bound = (abs(wide) @ abs(other)) * max(a.shape[1], 1) * np.finfo(c.dtype).eps
    assert np.all(abs(c - wide @ other) <= bound), f"wrong: {a.shape} @ {b.shape}"


def drawn(shape: tuple[int, int], dtype: Any) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def cases(dtype: Any) -> Iterator[tuple[str, Array, Array]]:
    """Yield the products of a training step: forward, for weights, for inputs."""
    layers = [(784, 256), (256, 10)]
    shapes = [
        (batch, *layer) for batch in (1, 2, 3, 4, 8, 16, 32, 64, 256, 1024) for layer in layers
    ]
    for m, k, n in [*shapes, (64, 256, 256), (512, 512, 512), (1024, 1024, 1024)]:
        x, w, g = drawn((m, k), dtype), drawn((k, n), dtype), drawn((m, n), dtype)
        yield f"X W   {m} × {k} × {n}", x, w
        yield f"Xᵀ G  {k} × {m} × {n}", x.T, g
        yield f"G Wᵀ  {m} × {n} × {k}", g, w.T


def table(dtype: Any, rounds: int) -> None:
    top = peak(dtype)
    print(f"{host().cpu}, one thread, {np.dtype(dtype).name}: peak {top:.0f} GFLOP/s\n")
    print("| product | tiles, µs | NumPy, µs | ratio | GFLOP/s | of peak |")
    print("|---|---|---|---|---|---|")
    for name, a, b in cases(dtype):
        c = np.full((a.shape[0], b.shape[1]), np.nan, dtype)
        ours = compiled(a, b, c)
        ours()
        check(a, b, c)
        times = alternate(ours, lambda a=a, b=b, c=c: np.matmul(a, b, out=c), rounds)
        flops = 2 * a.shape[0] * a.shape[1] * b.shape[1]
        mine, theirs = (median(each) for each in times)
        rate = flops / mine / 1e9
        print(
            f"| {name} | {1e6 * mine:.1f} | {1e6 * theirs:.1f} | {theirs / mine:.2f} "
            f"| {rate:.0f} | {rate / top:.0%} |",
            flush=True,
        )


def alternate(
    ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> tuple[list[float], list[float]]:
    found: tuple[list[float], list[float]] = ([], [])
    repeats = max(1, int(2e-3 / max(timed(ours, 3), 1e-7)))
    for _ in range(rounds):
        for call, times in zip((ours, theirs), found, strict=True):
            times.append(timed(call, repeats))
    return found


def scan(dtype: Any) -> None:
    """Tell the widths and batches that take more than 1.6 times their neighbours' time."""
    walks: dict[str, Callable[[int], tuple[tuple[int, int], tuple[int, int], bool, bool]]] = {
        "X W, width": lambda n: ((64, 784), (784, n), False, False),
        "X W, batch": lambda n: ((n, 784), (784, 256), False, False),
        "Xᵀ G, width": lambda n: ((784, 64), (64, n), True, False),
        "Xᵀ G, batch": lambda n: ((784, n), (n, 256), True, False),
        "G Wᵀ, width": lambda n: ((64, n), (n, 784), False, True),
        "G Wᵀ, batch": lambda n: ((n, 256), (256, 784), False, True),
    }
    for name, walk in walks.items():
        times = np.array([_best(*walk(n), dtype) for n in range(1, 301)])
        before = np.r_[times[:1], times[:-1]]
        after = np.r_[times[1:], times[-1:]]
        worst = times / np.maximum(before, after)
        cliffs = [(int(n) + 1, round(float(worst[n]), 2)) for n in np.flatnonzero(worst > 1.6)]
        steps = times[1:] / times[:-1]
        at = int(steps.argmax()) + 2
        print(f"{name}: cliffs {cliffs}; steepest step {steps.max():.2f} at {at}", flush=True)


def _best(
    left: tuple[int, int], right: tuple[int, int], turn_a: bool, turn_b: bool, dtype: Any
) -> float:
    a = drawn(left[::-1], dtype).T if turn_a else drawn(left, dtype)
    b = drawn(right[::-1], dtype).T if turn_b else drawn(right, dtype)
    call = compiled(a, b, np.full((left[0], right[1]), np.nan, dtype))
    return min(timed(call, 5) for _ in range(10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--scan", action="store_true")
    given = parser.parse_args()
    with threadpool_limits(1):
        (scan if given.scan else lambda dtype: table(dtype, given.rounds))(given.dtype)


if __name__ == "__main__":
    main()
