"""Updates and schedules never look at a value: they run on arrays that only compute."""

from typing import Any

import numpy as np
import pytest
from numpy.lib.mixins import NDArrayOperatorsMixin

from wengert.base.tree import flatten, map_tree
from wengert.optim import (
    Optimizer,
    adagrad,
    adam,
    adamw,
    constant,
    cosine,
    exponential,
    linear_warmup,
    rmsprop,
    sgd,
    step_decay,
)


class Opaque(NDArrayOperatorsMixin):
    """An array whose type may be read and whose value may not, as while a graph is recorded."""

    def __init__(self, value: Any) -> None:
        self.hidden = np.asarray(value)
        self.shape, self.dtype = self.hidden.shape, self.hidden.dtype

    def astype(self, dtype: Any) -> "Opaque":
        return Opaque(self.hidden.astype(dtype))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> "Opaque":
        assert method == "__call__" and not options, "an update in place, or a reduction"
        return Opaque(ufunc(*map(_open, inputs)))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> "Opaque":
        assert func is np.where and not kwargs, func
        return Opaque(func(*map(_open, args)))

    def _refuse(self, *_: Any) -> Any:
        raise AssertionError("the value was looked at")

    __bool__ = __float__ = __int__ = __index__ = __array__ = __setitem__ = __getitem__ = _refuse
    __iter__ = __len__ = _refuse


def _open(value: Any) -> Any:
    return value.hidden if isinstance(value, Opaque) else value


OPTIMIZERS = [
    sgd(0.1),
    sgd(linear_warmup(cosine(0.1, 20), 3), momentum=0.9, nesterov=True, weight_decay=0.1),
    sgd(step_decay(0.1, [2, 4]), momentum=0.9),
    adam(exponential(0.1, 0.9)),
    adamw(constant(0.1)),
    rmsprop(0.1),
    adagrad(0.1),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize("step", [0, 1, 5, 30])
def test_update_of_hidden_values_is_the_update(optimizer: Optimizer, step: int) -> None:
    p = {"W": np.linspace(-1, 1, 6, dtype="float32").reshape(2, 3), "b": np.ones((), "float32")}
    g = {"W": p["W"] ** 2, "b": p["b"] * 3}
    state = map_tree(lambda leaf: leaf + np.float32(0.5), optimizer.init(p))
    plain = optimizer.update(g, state, p, np.array(step))
    hidden = optimizer.update(*map_tree(Opaque, (g, state, p, np.array(step))))
    for seen, unseen in zip(flatten(plain)[0], flatten(hidden)[0], strict=True):
        assert isinstance(unseen, Opaque) and unseen.dtype == seen.dtype == np.float32
        np.testing.assert_array_equal(unseen.hidden, seen)
