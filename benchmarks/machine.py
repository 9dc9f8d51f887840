"""The machine and what is installed on it."""

from __future__ import annotations

import os
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise

import numpy as np

from benchmarks.cases import Array

PACKAGES = ("wengert", "numpy", "scipy", "llvmlite", "torch", "jax", "jaxlib")


def describe() -> dict[str, str]:
    """Return the machine's name, its cores, and versions."""
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    return found | {name: _version(name) for name in PACKAGES}


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    facts: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                key, _, value = line.partition(":")
                facts.setdefault(key.strip(), value.strip())
    except OSError:
        return platform.processor() or platform.machine()
    flags = facts.get("flags", "").split()
    best = next((f for f in ("amx_tile", "avx512f", "avx2", "avx") if f in flags), "")
    name = facts.get("model name", platform.machine())
    family = f"family {facts.get('cpu family', '?')}, model {facts.get('model', '?')}"
    return f"{name} ({family}{', ' + best if best else ''})"


def triad(threads: int, numbers: int = 10_000_000, seconds: float = 0.5) -> float:
    """Return the bytes a second of a ← b + s·c: two arrays read, one written, by NumPy.

    NumPy makes one pass for a ← b + c and two for a product in it, so s is 1.
    """
    a, b, c = np.ones((3, numbers), np.float32)
    edges = np.linspace(0, numbers, threads + 1).astype(int)
    parts = [slice(low, high) for low, high in pairwise(edges)]

    def add(part: slice) -> Array:
        return np.add(b[part], c[part], out=a[part])

    best, end = float("inf"), time.perf_counter() + seconds
    with ThreadPoolExecutor(threads) as pool:
        while time.perf_counter() < end:
            begin = time.perf_counter()
            list(pool.map(add, parts))
            best = min(best, time.perf_counter() - begin)
    return 12 * numbers / best
