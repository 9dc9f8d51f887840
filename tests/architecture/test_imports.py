"""What importing each floor does not import, seen from fresh interpreters."""

import ast
import json
import subprocess
import sys

import pytest

from architecture.floors import SOURCE, modules, rooms, rooms_above

FRAMEWORKS = {"torch", "jax", "tensorflow", "onnx", "sklearn", "matplotlib", "pandas"}
LIGHT = FRAMEWORKS | {"llvmlite", "rich", "safetensors", "scipy"}
PLAIN = FRAMEWORKS | {"llvmlite", "rich", "safetensors"}

# room -> libraries that importing all of it must leave alone
LEFT_ALONE = {
    "base": LIGHT, "graph": LIGHT,
    "operators": PLAIN, "tracing": PLAIN, "differentiation": PLAIN, "rewriting": PLAIN,
    "batching": PLAIN, "reference": PLAIN, "planning": PLAIN, "native": PLAIN - {"llvmlite"},
    "transforms": PLAIN, "checking": PLAIN, "functions": PLAIN, "compilation": PLAIN,
    "execution": PLAIN, "explanation": PLAIN, "nn": PLAIN, "optim": PLAIN, "data": PLAIN,
    "testing": PLAIN, "random": PLAIN,
    "training": FRAMEWORKS, "cli": FRAMEWORKS,
}  # fmt: skip

# room -> third-party libraries that its files may name at all, even inside functions
NAMED = {
    "base": {"numpy"}, "graph": {"numpy"},
    "operators": {"numpy", "scipy"}, "tracing": {"numpy"}, "differentiation": {"numpy"},
    "batching": {"numpy"}, "rewriting": {"numpy"}, "reference": {"numpy"}, "planning": {"numpy"},
    "native": {"numpy", "llvmlite"},
    "transforms": {"numpy"}, "checking": {"numpy"}, "functions": {"numpy", "scipy"},
    "compilation": {"numpy"}, "execution": {"numpy"}, "explanation": {"numpy"},
    "nn": {"numpy"}, "optim": {"numpy"}, "data": {"numpy", "sklearn"}, "testing": {"numpy"},
    "random": {"numpy"},
    "training": {"numpy", "rich", "safetensors"},
    "cli": {"numpy", "rich", "sklearn"},
}  # fmt: skip

IMPORT_SECONDS = 0.3


def loaded_by(*names: str) -> set[str]:
    """Return every module that a fresh interpreter holds after these imports."""
    program = "\n".join(
        [
            "import sys, json",
            *(f"import {name}" for name in names),
            "print(json.dumps([*sys.modules]))",
        ]
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout))


def named_in(path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    plain = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    sourced = [
        node.module or "" for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0
    ]  # fmt: skip
    return {name.split(".")[0] for name in plain + sourced}


def test_the_tables_name_every_room() -> None:
    assert set(LEFT_ALONE) == set(NAMED) == set(rooms())


@pytest.mark.parametrize("room", rooms())
def test_importing_a_room_leaves_alone(room: str) -> None:
    loaded = loaded_by(*modules(room))
    heavy = {name.split(".")[0] for name in loaded} & LEFT_ALONE[room]
    assert not heavy, f"importing wengert.{room} imports {sorted(heavy)}"
    above = {f"wengert.{other}" for other in rooms_above(room)} & loaded
    assert not above, f"importing wengert.{room} imports {sorted(above)}"


@pytest.mark.parametrize("room", rooms())
def test_a_room_names_only_its_libraries(room: str) -> None:
    folder = SOURCE / room
    paths = sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{room}.py"]
    own = {"wengert", *sys.stdlib_module_names}
    for path in paths:
        foreign = named_in(path) - own - NAMED[room]
        assert not foreign, f"{path.relative_to(SOURCE)} imports {sorted(foreign)}"


def test_the_look_sees_an_import_of_a_heavy_library() -> None:
    assert "scipy" in {name.split(".")[0] for name in loaded_by("wengert.graph", "scipy")}


def test_importing_wengert_imports_no_room_and_no_library() -> None:
    loaded = loaded_by("wengert")
    assert not {name for name in loaded if name.startswith("wengert.")}
    assert not {name.split(".")[0] for name in loaded} & (LIGHT | {"numpy"})


def seconds_to_import(statement: str) -> float:
    """Return the shortest of several runs, as load on the machine only ever adds time."""
    program = (
        f"import time; start = time.perf_counter()\n{statement}\nprint(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    return min(float(run.stdout) for run in runs)


def test_importing_wengert_is_quick() -> None:
    assert seconds_to_import("import wengert") < IMPORT_SECONDS


def test_the_clock_sees_a_slow_import() -> None:
    assert seconds_to_import("time.sleep(0.05)") >= 0.05
