"""``FILE.py:objective``: the user's own file, run as Python runs it, and what stands in it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from wengert.base.errors import DataError, WengertError
from wengert.cli import sample
from wengert.cli.problems import UsageError, user_line
from wengert.tracing.spec import Spec


@dataclass(frozen=True)
class Program:
    """An objective and the file that it stands in.

    Attributes:
        place: the file, for messages.
        name: the name of a run of it, where the user gives none.
        objective: the function.
        module: the file's content, where ``parameters`` and ``data`` are looked for.
    """

    place: str
    name: str
    objective: Callable[..., Any]
    module: ModuleType

    @property
    def is_sample(self) -> bool:
        """Whether it is the network that comes with Wengert."""
        return self.module is sample

    def parameters(self, seed: int) -> Any:
        """Return the parameters to start from; ``parameters`` may take a seed or not."""
        make = self._function("parameters", "returns the parameters to start from")
        return make(seed) if _takes_an_argument(make) else make()

    def has_data(self) -> bool:
        """Whether there is ``data`` beside the objective."""
        return callable(getattr(self.module, "data", None))

    def data(self) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
        """Return the arrays to train on, and those to validate on or None."""
        make = self._function("data", "returns the arrays of the batch arguments, (X, y)")
        found = make()
        if isinstance(found, tuple) and len(found) == 2 and _both_tuples(found):
            return tuple(found[0]), tuple(found[1])
        if isinstance(found, tuple | list) and found:
            return tuple(found), None
        if hasattr(found, "shape"):
            return (found,), None
        raise DataError(
            f"data() of {self.place} returns something that is no data",
            expected="(X, y), or ((X, y), (X_validation, y_validation)): NumPy arrays whose first "
            "axis is the examples",
            got=type(found).__name__,
        )

    def _function(self, name: str, does: str) -> Callable[..., Any]:
        found = getattr(self.module, name, None)
        if not callable(found):
            raise UsageError(
                f"{self.place} has no function {name}()",
                expected=f"beside {self.objective.__name__} a function {name}() that {does}",
                got="no such name" if found is None else f"{name} = {type(found).__name__}",
                remedy=f"def {name}(): return …",
            )
        return found


def _both_tuples(found: tuple[Any, ...]) -> bool:
    return all(isinstance(part, tuple | list) for part in found)


def _takes_an_argument(function: Callable[..., Any]) -> bool:
    try:
        given = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in given)


def load_program(target: str | None) -> Program:
    """Load ``FILE.py:objective``; None is the sample network."""
    if target is None:
        return Program("the sample network", "digits", sample.objective, sample)
    file, _, name = target.rpartition(":") if ":" in Path(target).name else (target, "", "")
    path = _existing(Path(file), target)
    module = _run(path)
    return Program(str(path), path.stem, _objective(module, path, name or "objective"), module)


def _existing(path: Path, target: str) -> Path:
    if path.is_file():
        return path
    folder = path.parent
    near = [each.name for each in folder.glob("*.py")] if folder.is_dir() else []
    close = get_close_matches(path.name, near, 1)
    raise UsageError(
        f"there is no file {path}",
        expected="FILE.py:objective, a Python file and a function in it",
        got=target if not path.is_dir() else f"{target}, which is a folder",
        remedy=f"{folder / close[0]}" if close else None,
    )


def _run(path: Path) -> ModuleType:
    """Run the user's file, with its folder on the path, as ``python FILE.py`` has it."""
    name = path.stem
    if name in sys.modules and getattr(sys.modules[name], "__file__", None) != str(path.resolve()):
        # A file named like a library must not take the library's place.
        name = f"_user_{name}"
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file", expected="a file whose name ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except SystemExit as error:
        # A file that is also a script: what it runs on its own must stand under a guard.
        raise DataError(
            f"{path} ends Python while it is read",
            got=f"sys.exit({'' if error.code is None else repr(error.code)})",
            where=(user_line(error.__traceback__) or "").partition("\n")[0] or None,
            remedy='put what the file runs by itself under  if __name__ == "__main__":',
        ) from None
    return module


def _objective(module: ModuleType, path: Path, name: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if callable(found):
        return found
    own = [
        key for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]  # fmt: skip
    close = get_close_matches(name, own, 1)
    raise UsageError(
        f"{path} has no function {name}",
        expected=f"one of {', '.join(own)}" if own else "a function, the objective",
        got=name if found is None else f"{name} = {type(found).__name__}",
        remedy=f"{path}:{close[0]}" if close else None,
    )


def parse_spec(text: str) -> Spec:
    """Read a shape and dtype, ``256x784:float32``.

    >>> parse_spec("256x784:float32").shape
    (256, 784)
    """
    shape, _, dtype = text.partition(":")
    try:
        sizes = tuple(int(size) for size in shape.lower().split("x")) if shape else ()
        return Spec(sizes, dtype or "float32")
    except (ValueError, WengertError):
        raise UsageError(
            "--spec could not be read",
            expected="sizes and a dtype, such as 256x784:float32 or 256:int64",
            got=repr(text),
        ) from None


def batch_specs(program: Program, texts: list[str], batch: int) -> tuple[Any, ...]:
    """Return the types of a batch: from ``--spec``, else those of ``data()`` for this batch."""
    if texts:
        return tuple(parse_spec(text) for text in texts)
    if not program.has_data():
        raise UsageError(
            f"the shapes of a batch of {program.place} are not known",
            expected="a function data() beside the objective, or --spec for each batch argument",
            remedy="--spec 256x784:float32 --spec 256:int64",
        )
    arrays, _ = program.data()
    return tuple(_spec_of(argument, batch) for argument in arrays)


def _spec_of(argument: Any, batch: int) -> Any:
    if not hasattr(argument, "shape") or not argument.shape:
        raise UsageError(
            "the shapes of a batch could not be read from data()",
            expected="arrays whose first axis is the examples",
            got=type(argument).__name__,
            remedy="--spec for each batch argument",
        )
    return Spec((batch, *argument.shape[1:]), argument.dtype)
