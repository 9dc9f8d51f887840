"""Nested containers: flatten to leaves, rebuild, and name each leaf by its path.

Dictionaries keep their insertion order; named tuples and dataclass instances keep their type.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from wengert.base.errors import ShapeError

Key = str | int


@dataclass(frozen=True, slots=True)
class Structure:
    """The shape of a nested container without its leaves.

    ``kind`` is "leaf", "none", "static", "list", "tuple", "dict", "namedtuple" or "dataclass".
    A static part is a value that is fixed when a function is traced (a number that is not an
    array, a text): it stands in ``keys`` and takes no leaf.
    """

    kind: str
    keys: tuple[Any, ...] = ()
    children: tuple[Structure, ...] = ()
    type: type | None = None

    def leaf_count(self) -> int:
        """Return how many leaves a container of this structure has."""
        return 1 if self.kind == "leaf" else sum(child.leaf_count() for child in self.children)


LEAF = Structure("leaf")


def parts_of(tree: Any) -> tuple[str, tuple[Any, ...], list[Any], type | None] | None:
    """Return kind, keys, children and type of a container; None for what is a leaf."""
    if isinstance(tree, Mapping):
        mapping = cast("Mapping[Any, Any]", tree)
        return "dict", tuple(mapping), list(mapping.values()), None
    if isinstance(tree, tuple) and hasattr(cast(Any, tree), "_fields"):
        named = cast(Any, tree)
        return "namedtuple", tuple(named._fields), list(named), _type(named)
    if isinstance(tree, list | tuple):
        items = list(cast("list[Any]", tree))
        return (
            ("list" if isinstance(tree, list) else "tuple"),
            tuple(range(len(items))),
            items,
            None,
        )
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = tuple(field.name for field in dataclasses.fields(tree))
        return "dataclass", names, [getattr(tree, name) for name in names], type(tree)
    return None


def _type(value: Any) -> type[Any]:
    return type(value)  # pyright: ignore[reportUnknownVariableType]


def flatten(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], Structure]:
    """Return the leaves of a nested container, left to right, and its structure.

    >>> flatten({"W": 1, "b": (2, 3)})[0]
    [1, 2, 3]
    """
    leaves: list[Any] = []
    return leaves, _visit(tree, is_leaf, leaves)


# Functions of the module and not inside one another: those would hold the leaves in a cycle, and
# with them all their memory, until Python's collector comes by.
def _visit(node: Any, is_leaf: Callable[[Any], bool] | None, leaves: list[Any]) -> Structure:
    if is_leaf is not None and is_leaf(node):
        leaves.append(node)
        return LEAF
    if node is None:
        return Structure("none")
    parts = parts_of(node)
    if parts is None:
        leaves.append(node)
        return LEAF
    kind, keys, children, type_ = parts
    return Structure(kind, keys, tuple(_visit(c, is_leaf, leaves) for c in children), type_)


def unflatten(structure: Structure, leaves: list[Any] | tuple[Any, ...]) -> Any:
    """Rebuild a container from its structure and leaves; the inverse of :func:`flatten`.

    >>> leaves, structure = flatten({"W": 1, "b": (2, 3)})
    >>> unflatten(structure, [10, 20, 30])
    {'W': 10, 'b': (20, 30)}
    """
    return leaves[0] if structure.kind == "leaf" else _build(structure, iter(leaves))


def _build(node: Structure, supply: Iterator[Any]) -> Any:
    if node.kind == "leaf":
        return next(supply)
    if node.kind == "none":
        return None
    if node.kind == "static":
        return node.keys[0]
    children = [_build(child, supply) for child in node.children]
    if node.kind == "dict":
        return dict(zip(node.keys, children, strict=True))
    if node.kind == "list":
        return children
    if node.kind == "tuple":
        return tuple(children)
    make = cast("Callable[..., Any]", node.type)
    return make(**dict(zip(node.keys, children, strict=True)))


def map_tree(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Apply ``function`` leaf by leaf to containers of the same structure.

    >>> map_tree(lambda a, b: a + b, {"W": 1}, {"W": 10})
    {'W': 11}

    Raises:
        ShapeError: the containers differ.
    """
    leaves, structure = flatten(tree)
    columns: list[list[Any]] = []
    for other in others:
        column, shape = flatten(other)
        if shape != structure:
            raise ShapeError(
                "two containers are walked together",
                expected=f"the keys {list(paths(structure))}",
                got=f"{list(paths(shape))}",
                remedy="build both with the same keys in the same order",
            )
        columns.append(column)
    return unflatten(structure, [function(*row) for row in zip(leaves, *columns, strict=True)])


def paths(structure: Structure) -> Iterator[tuple[Key, ...]]:
    """Yield the path of each leaf, in the order of :func:`flatten`.

    >>> list(paths(flatten({"W": 1, "b": (2, 3)})[1]))
    [('W',), ('b', 0), ('b', 1)]
    """
    if structure.kind == "leaf":
        yield ()
    if not structure.children:
        return
    for key, child in zip(structure.keys, structure.children, strict=True):
        for rest in paths(child):
            yield (key, *rest)


def path_text(path: tuple[Key, ...]) -> str:
    """Write a path as the user would index it.

    >>> path_text(("layers", 0, "W"))
    "['layers'][0]['W']"
    """
    return "".join(f"[{key!r}]" for key in path)
