"""The floors hold, and a contract that is broken is seen to be broken."""

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from architecture.floors import REPOSITORY, SOURCE, configuration, layers, rooms

CONTRACTS = {c["id"]: c["name"] for c in configuration()["tool"]["importlinter"]["contracts"]}

# contract -> where a line is planted, and the line
PLANTED = {
    "reference-alone": ("differentiation", "import wengert.reference"),
    "only-prune": ("differentiation", "import wengert.rewriting"),
    "planning-reads-graphs": ("planning", "import wengert.tracing"),
    "layers-are-numpy": ("nn", "import wengert.operators"),
    "llvm-in-native": ("tracing", "import llvmlite"),
    "light-ground": ("graph", "import scipy"),
    "no-frameworks": ("operators", "import torch"),
}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as run; run(['--no-cache'])"
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def copy_of_the_house(root: Path) -> Path:
    shutil.copytree(SOURCE, root / "src" / "wengert", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", root / "pyproject.toml")
    return root / "src" / "wengert"


def plant(house: Path, room: str, line: str) -> None:
    folder = house / room
    target = folder / "planted.py" if folder.is_dir() else house / f"{room}.py"
    with target.open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def verdict(output: str, contract: str) -> str:
    line = next(line for line in output.splitlines() if line.startswith(CONTRACTS[contract]))
    return line.removeprefix(CONTRACTS[contract]).split()[0]


def test_every_contract_is_kept() -> None:
    result = lint(REPOSITORY)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_floor_sees_an_import_from_above(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    stack = layers()
    planted = [
        (low, high) for below, above in pairwise(stack)
        for low in below for high in above
    ]  # fmt: skip
    for low, high in planted:
        plant(house, low, f"import wengert.{high}")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    for low, high in planted:
        assert f"wengert.{low} is not allowed to import wengert.{high}" in result.stdout


def test_neighbours_on_one_floor_do_not_meet(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    planted = [(layer[0], layer[1]) for layer in layers() if len(layer) > 1]
    for left, right in planted:
        plant(house, left, f"import wengert.{right}")
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    for left, right in planted:
        assert f"wengert.{left} is not allowed to import wengert.{right}" in result.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_each_special_contract_sees_its_violation(contract: str, tmp_path: Path) -> None:
    room, line = PLANTED[contract]
    plant(copy_of_the_house(tmp_path), room, line)
    result = lint(tmp_path)
    assert verdict(result.stdout, contract) == "BROKEN", result.stdout + result.stderr


def test_every_contract_has_a_planted_violation() -> None:
    assert set(PLANTED) == set(CONTRACTS) - {"floors"}


def test_differentiation_may_use_prune(tmp_path: Path) -> None:
    house = copy_of_the_house(tmp_path)
    (house / "rewriting" / "prune.py").touch()
    plant(house, "differentiation", "import wengert.rewriting.prune")
    assert verdict(lint(tmp_path).stdout, "only-prune") == "KEPT"


def test_a_room_without_a_floor_is_refused(tmp_path: Path) -> None:
    attic = copy_of_the_house(tmp_path) / "attic"
    attic.mkdir()
    (attic / "__init__.py").touch()
    result = lint(tmp_path)
    assert result.returncode != 0
    assert "attic" in result.stdout


def test_every_room_below_native_is_kept_from_llvm() -> None:
    contracts = configuration()["tool"]["importlinter"]["contracts"]
    sources = next(c["source_modules"] for c in contracts if c["id"] == "llvm-in-native")
    assert set(sources) == {f"wengert.{room}" for room in rooms()} - {"wengert.native"}
