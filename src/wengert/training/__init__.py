"""Floor 8: state, step, loop, metrics and the files of a run."""

from wengert.training.callbacks import Callback, EarlyStopping, Report
from wengert.training.checkpoint import load_parameters, save_parameters
from wengert.training.history import History, read_history
from wengert.training.loop import fit
from wengert.training.metrics import accuracy
from wengert.training.run import Run
from wengert.training.state import TrainingState, training_state
from wengert.training.step import training_step

__all__ = [
    "Callback",
    "EarlyStopping",
    "History",
    "Report",
    "Run",
    "TrainingState",
    "accuracy",
    "fit",
    "load_parameters",
    "read_history",
    "save_parameters",
    "training_state",
    "training_step",
]
