"""The public names are a frozen fact: changing them means changing the list beside this file."""

import ast
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import wengert
from architecture.floors import SOURCE

LIST = Path(__file__).with_name("public_surface.txt")
NAMES = [name for name in wengert.__all__ if not name.startswith("__")]


def imported_for_static_tools() -> set[str]:
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    guarded = [
        node for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]  # fmt: skip
    imports = [n for block in guarded for n in block.body if isinstance(n, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def test_the_surface_is_the_list() -> None:
    assert sorted(wengert.__all__) == LIST.read_text(encoding="utf-8").split()


def test_static_tools_and_the_interpreter_see_the_same_names() -> None:
    assert imported_for_static_tools() == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(wengert, name)
    assert name in dir(wengert)
    if isinstance(value, ModuleType) or callable(value):
        assert inspect.getdoc(value), f"wengert.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'grda'"):
        _ = wengert.grda
