"""What a run says while it goes on."""

import io

import pytest
from rich.console import Console

from training.networks import data, objective, parameters
from wengert.training import fit, progress
from wengert.training.history import number
from wengert.training.progress import Reporter, epoch_line


def reported(monkeypatch, patience: float, show=None, terminal: bool = True) -> str:
    monkeypatch.setattr(progress, "PATIENCE", patience)
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=120, highlight=False)
    reporter = Reporter(show, console)
    for done in range(1, 4):
        reporter.step(done, 10, 32, 0.25, "1/2")
    reporter.say("epoch 1/2 [done]")
    reporter.close()
    return file.getvalue()


def test_a_bar_with_rate_time_left_and_objective_on_a_terminal(monkeypatch) -> None:
    text = reported(monkeypatch, 0.0)
    for word in ("epoch 1/2", "steps/s", "examples/s", "J = 0.25", "0:0"):
        assert word in text
    assert "[done]" in text


def test_no_bar_for_what_is_soon_over_nor_without_a_terminal_nor_unasked(monkeypatch) -> None:
    assert "steps/s" not in reported(monkeypatch, 60.0)
    assert reported(monkeypatch, 0.0, terminal=False) == "epoch 1/2 [done]\n"
    assert reported(monkeypatch, 0.0, show=False) == ""


def test_a_number_that_is_not_finite_is_said() -> None:
    assert number(float("nan")) is None
    assert "ratio not finite" in epoch_line({"epoch": 1, "ratio": None}, 2)


def test_the_bar_goes_away_when_training_fails(monkeypatch, capsys) -> None:
    closed = []
    monkeypatch.setattr(progress.Reporter, "close", lambda self: closed.append(True))
    with pytest.raises(ZeroDivisionError):
        fit(lambda p, X, y: 1 / 0, parameters(), data(), epochs=1)
    with pytest.raises(FloatingPointError):
        fit(lambda p, X, y: objective(p, X, y)[0] / 0.0, parameters(), data(), epochs=1)
    assert closed
