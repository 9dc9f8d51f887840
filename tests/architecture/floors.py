"""The floors, read from the contracts in pyproject.toml so that no test states them again."""

import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "src" / "wengert"


def configuration() -> dict:
    """Return pyproject.toml as a dictionary."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def _names(layer: str) -> list[str]:
    return [name.strip().strip("()") for name in layer.replace(":", "|").split("|")]


def layers() -> list[list[str]]:
    """Return the rooms that exist, layer by layer, from the ground up."""
    contracts = configuration()["tool"]["importlinter"]["contracts"]
    floors = next(contract for contract in contracts if contract["id"] == "floors")
    listed = [[n for n in _names(layer) if _exists(n)] for layer in reversed(floors["layers"])]
    return [layer for layer in listed if layer]


def _exists(name: str) -> bool:
    return (SOURCE / name / "__init__.py").exists() or (SOURCE / f"{name}.py").exists()


def rooms() -> list[str]:
    """Return every room that exists, from the ground up."""
    return [name for layer in layers() for name in layer]


def rooms_above(room: str) -> list[str]:
    """Return the rooms on layers above the one where `room` is."""
    stack = layers()
    height = next(i for i, layer in enumerate(stack) if room in layer)
    return [name for layer in stack[height + 1 :] for name in layer]


def modules(room: str) -> list[str]:
    """Return the dotted names of every module in a room."""
    if not (SOURCE / room).is_dir():
        return [f"wengert.{room}"]
    paths = sorted((SOURCE / room).rglob("*.py"))
    dotted = [".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in dotted if not name.endswith("__main__")]
