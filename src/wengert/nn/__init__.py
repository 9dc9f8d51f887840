"""Floor 7: layers, initialisation and losses in plain NumPy."""

from wengert.nn import functional as functional
from wengert.nn import init as init
