"""The examples run, and reach what they say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from cli.commands import carry_out

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
def test_mnist_reaches_what_it_promises(shared_data) -> None:
    if not (shared_data / "mnist").is_dir():
        pytest.skip(f"no mnist/ in {shared_data}")
    run = example("mnist").main(shared_data / "mnist")
    assert run.history["validation.accuracy"][-1] >= 0.955
    assert {array.dtype.name for array in run.parameters.values()} == {"float32"}


def test_regression_predicts_better_than_the_mean(capsys) -> None:
    run = example("regression").main()
    assert run.history["validation.mean_error"][-1] < 0.1
    assert "of a spread of" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_with_an_objective_can_be_planned(path: Path, capsys) -> None:
    module = example(path.stem)
    if not hasattr(module, "objective") or path.stem in ("mnist", "regression"):
        pytest.skip("its data or parameters are not there by themselves")
    assert carry_out(capsys, "explain", f"{path}:objective")[0] == 0
