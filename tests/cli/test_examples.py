"""The examples run, and reach what they say."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
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


def bars(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images with a bar that stands or lies at one of five places, and which of the ten."""
    labels = rng.integers(0, 10, count)
    images = rng.uniform(0, 0.3, (count, 1, 28, 28)).astype("float32")
    for image, label in zip(images[:, 0], labels, strict=True):
        lying = image.T if label < 5 else image
        lying[3 + 5 * (label % 5) :][:3] += 0.7
    return images, labels


def test_lenet_learns_where_bars_are(tmp_path) -> None:
    rng = np.random.default_rng(0)
    run = example("lenet").train(bars(rng, 640), bars(rng, 100), epochs=5, directory=tmp_path)
    assert run.history["validation.accuracy"][-1] >= 0.9
    assert {array.dtype.name for array in run.parameters.values()} == {"float32"}


@pytest.mark.slow
def test_lenet_reaches_what_it_promises(shared_data, capsys) -> None:
    if not (shared_data / "mnist").is_dir():
        pytest.skip(f"no mnist/ in {shared_data}")
    run = example("lenet").main(shared_data / "mnist")
    assert run.history["validation.accuracy"][-1] >= 0.96


def test_regression_predicts_better_than_the_mean(capsys) -> None:
    run = example("regression").main()
    assert run.history["validation.mean_error"][-1] < 0.1
    assert "of a spread of" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_example_with_an_objective_can_be_planned(path: Path, capsys) -> None:
    module = example(path.stem)
    if not hasattr(module, "objective") or path.stem in ("mnist", "lenet", "regression"):
        pytest.skip("its data or parameters are not there by themselves")
    assert carry_out(capsys, "explain", f"{path}:objective")[0] == 0
