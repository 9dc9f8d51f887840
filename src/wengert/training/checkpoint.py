"""The checkpoint: state, place in the data and the options of the run, in one atomic file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from wengert.base.errors import DataError, OptionError
from wengert.base.files import write_atomically
from wengert.base.tree import Structure, flatten, path_text, paths, unflatten
from wengert.training.state import TrainingState

Array = np.ndarray[Any, np.dtype[Any]]
VERSION = 1
# One key only: the order of several is not the same from one write to the next.
_KEY = "wengert"


@dataclass(frozen=True)
class Position:
    """Where training stands between two steps.

    Attributes:
        epoch: epochs that are complete.
        batch: minibatches of the next epoch that are done.
        examples: examples of that epoch that are done.
        sums: for each metric its sum over those examples.
        history_bytes: length of the history file at this moment.
        seconds: time spent on the run so far.
        stopped: why a callback ended the run, None where none did.
    """

    epoch: int = 0
    batch: int = 0
    examples: int = 0
    sums: Mapping[str, float] = field(default_factory=dict[str, float])
    history_bytes: int = 0
    seconds: float = 0.0
    stopped: str | None = None


@dataclass(frozen=True)
class Checkpoint:
    """A state, its place, and the options that it is only good for."""

    state: TrainingState
    position: Position
    options: Mapping[str, Any]


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint."""
    leaves, structure = flatten(checkpoint.state)
    named = dict(zip(_state_names(structure), map(_plain, leaves), strict=True))
    described = {
        "version": VERSION,
        "position": asdict(checkpoint.position),
        "options": dict(checkpoint.options),
        "digest": digest(named.values()),
    }
    content = safetensors.save(named, metadata={_KEY: json.dumps(described, ensure_ascii=False)})
    write_atomically(path, content)


def load(path: Path, like: TrainingState, options: Mapping[str, Any]) -> Checkpoint:
    """Read a checkpoint into the containers of ``like``.

    Raises:
        DataError: the file is damaged. OptionError: it belongs to a run with other options.
    """
    arrays, described = _read(path)
    _same_options(path, described["options"], options)
    structure = flatten(like)[1]
    names = _state_names(structure)
    if set(names) != set(arrays) or digest(arrays[name] for name in names) != described["digest"]:
        raise _damaged(path, "arrays that are not those that were saved")
    state = unflatten(structure, [arrays[name] for name in names])
    return Checkpoint(state, Position(**described["position"]), described["options"])


def _read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    arrays, text = read_arrays(path)
    try:
        described = json.loads(text or "")
        version = described["version"]
        complete = {"position", "options", "digest"} <= set(described)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, "no description of a run") from error
    if version != VERSION:
        raise DataError(
            f"{path} was written by another version of Wengert",
            expected=f"checkpoint version {VERSION}",
            got=str(version),
            remedy="finish the run with that version, or start again with resume=False",
        )
    if not complete:
        raise _damaged(path, "an incomplete description of a run")
    return arrays, described


def read_arrays(path: Path) -> tuple[dict[str, Array], str | None]:
    """Return the arrays of a safetensors file by name, and Wengert's text in its header."""
    try:
        content = path.read_bytes()
        arrays = safetensors.load(content)
        width = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + width])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise DataError(f"{path} could not be read", got=error.strerror or str(error)) from error
    return arrays, header.get("__metadata__", {}).get(_KEY)


def _damaged(path: Path, got: str) -> DataError:
    return DataError(
        f"{path} is damaged",
        expected="a file as a run of Wengert writes it",
        got=got,
        remedy="delete it or start again with resume=False",
    )


def _same_options(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    if names:
        raise OptionError(
            f"the run in {path.parent} cannot be resumed: {' and '.join(names)} changed",
            expected="; ".join(f"{name}: {old.get(name)}" for name in names),
            got="; ".join(f"{name}: {new.get(name)}" for name in names),
            remedy="go back to the old options, choose another directory, or resume=False",
        )


def digest(arrays: Iterable[Array]) -> str:
    """Return a fingerprint of the bits, shapes and dtypes of arrays."""
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        plain = _plain(array)
        found.update(f"{plain.dtype.str}{plain.shape}".encode())
        found.update(plain.reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _plain(leaf: Any) -> Array:
    # Not ascontiguousarray, which gives a scalar an axis.
    return np.asarray(leaf, order="C")


def _state_names(structure: Structure) -> list[str]:
    return [f"{path[0]}{path_text(path[1:])}" for path in paths(structure)]


def save_parameters(path: str | Path, parameters: Any) -> None:
    """Write parameters as safetensors; a nested container's names are joined by dots.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "parameters.safetensors"
    >>> save_parameters(file, {"layers": [{"W": np.ones(2)}]})
    >>> sorted(safetensors.load(file.read_bytes()))
    ['layers.0.W']
    """
    leaves, structure = flatten(parameters)
    named = dict(zip(_parameter_names(structure), map(_plain, leaves), strict=True))
    write_atomically(Path(path), safetensors.save(named))


def load_parameters(path: str | Path, like: Any) -> Any:
    """Read parameters into a container like ``like``, whose arrays give shapes and dtypes.

    Raises:
        DataError: the file is missing or damaged, or holds other parameters.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "parameters.safetensors"
    >>> save_parameters(file, {"W": np.arange(2.0)})
    >>> load_parameters(file, like={"W": np.zeros(2)})
    {'W': array([0., 1.])}
    """
    arrays, _ = read_arrays(Path(path))
    leaves, structure = flatten(like)
    names = _parameter_names(structure)
    wanted = dict(zip(names, map(_type_text, leaves), strict=True))
    found = {name: _type_text(array) for name, array in arrays.items()}
    if wanted != found:
        odd = [n for n in dict.fromkeys((*wanted, *found)) if wanted.get(n) != found.get(n)]
        raise DataError(
            f"{path} holds other parameters",
            expected=", ".join(f"{name}: {wanted.get(name, 'absent')}" for name in odd),
            got=", ".join(f"{name}: {found.get(name, 'absent')}" for name in odd),
        )
    return unflatten(structure, [arrays[name] for name in names])


def _type_text(array: Any) -> str:
    return f"{array.dtype} {array.shape}"


def _parameter_names(structure: Structure) -> list[str]:
    where = list(paths(structure))
    dotted = [".".join(map(str, path)) or "parameters" for path in where]
    if len(set(dotted)) == len(dotted):
        return dotted
    return [path_text(path) for path in where]
