"""Floor 7: data sources, seeded minibatches and data sets."""

from wengert.data.batches import Batches, split
from wengert.data.datasets import digits, mnist, one_hot, tiny_shakespeare
from wengert.data.sources import load_idx, load_npy, load_npz
from wengert.data.table import Table, load_csv

__all__ = [
    "Batches",
    "Table",
    "digits",
    "load_csv",
    "load_idx",
    "load_npy",
    "load_npz",
    "mnist",
    "one_hot",
    "split",
    "tiny_shakespeare",
]
