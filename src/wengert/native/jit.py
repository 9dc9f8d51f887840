"""From LLVM IR to addresses: one session, objects from the disk where they are known.

No optimisation pipeline runs by default: kernels are written with explicit vectors, and code
generation at level 2 is all they need. What is compiled is identified by a key, so that a kernel
known to this process or to the disk is not even written down.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from weakref import WeakValueDictionary

from wengert.native.cache import Cache, default, digest
from wengert.native.llvm import VERSION, Module, binding, ir
from wengert.native.target import host

# What a kernel's code depends on beside its key: these files wrote it.
_WRITERS = ("native", "operators")
_SOURCES = (".py", ".ll")


@dataclass(frozen=True, slots=True)
class Code:
    """A function that can be compiled.

    Attributes:
        key: all that its instructions depend on: equal keys, equal code.
        define: adds the function, under the name it is given, to a module.
    """

    key: str
    define: Callable[[Module, str], None] = field(compare=False)


def written(define: Callable[[Module, str], None]) -> Code:
    """Return code whose key is its own IR (written down once to find out, whatever its name)."""
    module = ir.Module()
    define(module, "kernel")
    return Code(str(module), define)


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Kernel:
    """A function in memory: it stays there as long as this object lives."""

    address: int
    library: Library


class Library:
    """An object file in memory, with the addresses of its functions."""

    def __init__(self, session: Session, tracker: object, addresses: dict[str, int]) -> None:
        # The tracker frees the code when it goes, and must go before the session does.
        self._session, self._tracker = session, tracker
        self.addresses = addresses


class Session:
    """Everything compiled in this process.

    Args:
        cache: where objects are kept between processes.
    """

    def __init__(self, cache: Cache) -> None:
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        target = binding.Target.from_default_triple()
        self._triple: str = target.triple
        self._machine = target.create_target_machine(
            cpu=host().cpu, features=host().features, opt=2, reloc="pic", codemodel="default"
        )
        self._lljit = binding.create_lljit_compiler()
        self._cache = cache
        self._kernels: WeakValueDictionary[str, Kernel] = WeakValueDictionary()
        self._lock = threading.RLock()
        self._numbers = itertools.count()
        self.compiled = 0

    def load(self, codes: Sequence[Code]) -> list[Kernel]:
        """Return a kernel for each code; equal codes share one, in one object for all new ones."""
        names = ["k" + digest(code.key) for code in codes]
        with self._lock:
            found = {name: self._kernels.get(name) for name in names}
            new = {n: c for n, c in zip(names, codes, strict=True) if found[n] is None}
            if new:
                key = digest(*new)
                library = self.library(key, tuple(new), lambda: self._object(_module(new)))
                for name in new:
                    found[name] = Kernel(library.addresses[name], library)
            kernels = [kernel for name in names if (kernel := found[name]) is not None]
            self._kernels.update(zip(names, kernels, strict=True))
            return kernels

    def text(self, text: str, names: Iterable[str], *, optimise: bool = False) -> Library:
        """Return the functions of a module written by hand, with the pipeline where asked for."""

        def make() -> bytes:
            return self._object(text, optimise=optimise)

        return self.library(digest(text, str(optimise)), tuple(names), make)

    def library(self, key: str, names: Sequence[str], make: Callable[[], bytes]) -> Library:
        """Load the object of this key from the disk, or make it and keep it."""
        name = digest(key, self._triple, host().cpu, host().features, VERSION, _writers())
        with self._lock:
            kept = self._cache.get(name)
            if kept is not None:
                # What LLVM refuses is as good as not there.
                with suppress(RuntimeError):
                    return self._link(kept, names)
            made = make()
            self._cache.put(name, made)
            return self._link(made, names)

    def _object(self, text: str, *, optimise: bool = False) -> bytes:
        module = binding.parse_assembly(text)
        module.triple = self._triple
        module.data_layout = str(self._machine.target_data)
        module.verify()
        if optimise:
            builder = binding.create_pass_builder(
                self._machine, binding.create_pipeline_tuning_options(speed_level=2)
            )
            builder.getModulePassManager().run(module, builder)
        self.compiled += 1
        return self._machine.emit_object(module)

    def _link(self, data: bytes, names: Sequence[str]) -> Library:
        builder = binding.JITLibraryBuilder().add_object_img(data).add_current_process()
        for name in names:
            builder.export_symbol(name)
        tracker = builder.link(self._lljit, f"library{next(self._numbers)}")
        return Library(self, tracker, {name: int(tracker[name]) for name in names})


@cache
def session() -> Session:
    """Return the session of this process."""
    return Session(default())


def _module(codes: dict[str, Code]) -> str:
    module = ir.Module()
    for name, code in codes.items():
        code.define(module, name)
    return str(module)


@cache
def _writers() -> str:
    root = Path(__file__).parents[1]
    files = sorted(each for room in _WRITERS for each in _files(str(root / room)))
    return digest(*files)


def _files(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(entry.path)
            elif entry.name.endswith(_SOURCES):
                told = entry.stat()
                yield f"{entry.path} {told.st_size} {told.st_mtime_ns}"
