"""The machine that kernels are made for: vector width, features, cores, caches."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wengert.base.dtypes import Dtype
from wengert.native.llvm import binding

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}
# Where the machine does not tell: what nearly every processor of the last ten years has.
_USUAL = {1: 32 * 2**10, 2: 2**20, 3: 8 * 2**20}


@dataclass(frozen=True, slots=True)
class Target:
    """A processor as kernels see it.

    Attributes:
        cpu: LLVM's name of it.
        features: LLVM's feature string, sorted.
        vector_bytes: the widest vector worth using: 64 with AVX-512, 32 with AVX2, 16 else.
        fma: whether it multiplies and adds with one rounding in one instruction.
        cores: how many this process may use.
        l1, l2, l3: bytes of data cache (l1 and l2 of one core).
    """

    cpu: str
    features: str
    vector_bytes: int
    fma: bool
    cores: int
    l1: int
    l2: int
    l3: int

    def lanes(self, dtype: Dtype) -> int:
        """Return how many elements a full vector holds."""
        return max(self.vector_bytes // max(dtype.itemsize, 1), 1)


@cache
def host() -> Target:
    """Return the machine this process runs on."""
    has = {name for name, on in binding.get_host_cpu_features().items() if on}
    return Target(
        cpu=str(binding.get_host_cpu_name()),
        features=str(binding.get_host_cpu_features().flatten()),
        vector_bytes=vector_bytes(has),
        fma="fma" in has or platform.machine() in ("arm64", "aarch64"),
        cores=cores(),
        l1=_cache_bytes(1),
        l2=_cache_bytes(2),
        l3=_cache_bytes(3),
    )


def vector_bytes(features: set[str]) -> int:
    """Return the widest vector worth using with these features.

    >>> vector_bytes({"avx2"}), vector_bytes({"avx2", "avx512f", "avx512dq"}), vector_bytes(set())
    (32, 64, 16)
    """
    if {"avx512f", "avx512dq"} <= features:
        return 64
    return 32 if "avx2" in features else 16


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(len(os.sched_getaffinity(0)), 1)
    return os.cpu_count() or 1


def _cache_bytes(level: int) -> int:
    for folder in sorted(_CACHES.glob("index*")):
        try:
            if int((folder / "level").read_text()) != level:
                continue
            if (folder / "type").read_text().strip() != "Instruction":
                return _bytes((folder / "size").read_text().strip()) or _USUAL[level]
        except (OSError, ValueError):
            continue
    return _USUAL[level]


def _bytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(found[1]) * _UNITS.get(found[2], 1) if found else 0
