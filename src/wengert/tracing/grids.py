"""np.mgrid and np.ogrid while a function is traced: what they make can be written into."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.tracing.active import active
from wengert.tracing.bare import bare
from wengert.tracing.known import wrapped


class Grid:
    """One of NumPy's objects that make grids of what stands in the brackets."""

    def __init__(self, numpys: Any) -> None:
        self.numpys = numpys

    def __getitem__(self, key: Any) -> Any:
        # A traced end says itself that it is no plain number.
        found, recorder = self.numpys[bare(key)], active.get()
        return found if recorder is None else wrapped(recorder, found, ())


GRIDS: dict[str, Any] = {"mgrid": Grid(np.mgrid), "ogrid": Grid(np.ogrid)}
