"""The workspace rule is the memory that NumPy really holds beside operands and result.

NumPy's iterator buffers are at their smallest here: a ufunc over operands that do not lie alike
goes through buffers of 8,192 elements, whatever the arrays are, and no rule speaks of those.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from operators import checks
from wengert.operators.bodies import BODIES
from wengert.operators.record import Operator
from wengert.operators.registry import OPERATORS

_TOLERANCE = 6_000
# Integer arrays that broadcast against each other go through buffers that cannot be set smaller.
# The series go block by block, and hold a dozen arrays of one block; an order is made line by line.
_BLOCKS, _LINE = 12 * 8 * 1024, 2 * 8 * 300
_BUFFERED = {"take_along_axis": 2 * 8 * 8192, "add_along_axis": 2 * 8 * 8192, "sinc": _BLOCKS,
             "bessel": _BLOCKS, "argsort": _LINE, "argpartition": _LINE,
             "eigvals": 8192}  # fmt: skip
_rng = np.random.default_rng(0)


def _real(*shape: int) -> Any:
    return _rng.uniform(0.2, 0.9, shape)


def _index(limit: int, *shape: int) -> Any:
    return _rng.integers(0, limit, shape)


def _words() -> Any:
    return _rng.integers(0, 2**32, (200, 300), np.uint32)


N = 200
A, B, V = _real(N, 300), _real(N, 300), _real(300)
AXES: list[dict[str, Any]] = [
    {"axis": axis, "keepdims": keepdims}
    for axis in ((0,), (1,), (0, 1))
    for keepdims in (False, True)
]
ALL = slice(None)
Q = _real(N, N) + np.eye(N)
STACK = Q[None] * np.arange(1.0, 4.0).reshape(3, 1, 1)


def windowed(name: str) -> list[checks.Case]:
    """Return stacks of images (one that goes block by block) under windows of several kinds."""
    conv = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    odd = {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2), "groups": 2}
    pool = {"window": (3, 2), "stride": (2, 2), "padding": (1, 0)}
    narrow, wide = _real(90, 2, 30, 29), _real(3, 4, 61, 50)
    filters = _real(6, 2, 3, 3), _real(6, 2, 3, 2)
    found: list[checks.Case] = []
    for x, w, given in ((narrow, filters[0], conv), (wide, filters[1], odd)):
        g = OPERATORS["conv2d"].numpy(x, w, **given)
        found += {
            "conv2d": [((x, w), given), ((x.astype(np.float32), w), given)],
            "conv2d_input": [((g, w), {**given, "image": x.shape[2:]})],
            "conv2d_weight": [((x, g), {**given, "size": w.shape[2:]})],
            "max_pool2d": [((x,), pool)],
            "max_pool2d_pick": [((x, x), pool)],
            "max_pool2d_input": [((OPERATORS["max_pool2d"].numpy(x, **pool), x), pool)],
        }.get(name, [])
        for include in (True, False):
            means = {**pool, "count_include_pad": include}
            y = OPERATORS["avg_pool2d"].numpy(x, **means)
            found += {
                "avg_pool2d": [((x,), means)],
                "avg_pool2d_input": [((y,), {**means, "image": x.shape[2:]})],
            }.get(name, [])
    return found


# Large operands for every operator that is not elementwise.
LARGE: dict[str, list[checks.Case]] = {
    **{name: [((A,), each) for each in AXES]
       for name in ("sum", "mean", "max", "min", "prod", "any", "all", "logsumexp")},
    **{name: [((A,), {**each, "ddof": 1}) for each in AXES] for name in ("var", "std")},
    **{name: [((A,), {"axis": axis, "keepdims": False}) for axis in (0, 1, None)]
       for name in ("argmax", "argmin")},
    **{name: [((A,), {"axis": axis}) for axis in (0, 1)] for name in ("softmax", "log_softmax")},
    "arccosh": [((1 + A,), {}), ((1 + A.T,), {})],
    "ldexp": [((A, _index(5, N, 300)), {}), ((V, _index(5, N, 300)), {})],
    **{name: [((_index(9, N, 300),), {}), ((_index(9, 300, N).T,), {})]
       for name in ("invert", "bitwise_count")},
    **{name: [((_index(9, N, 300), _index(9, N, 300)), {}), ((_index(9, 300),) * 2, {})]
       for name in ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift",
                    "gcd", "lcm")},
    **{name: [((A,), {"axis": axis}) for axis in (0, 1)]
       for name in ("cumsum", "cumprod", "running_max", "running_min")},
    "argsort": [((A,), {"axis": axis}) for axis in (0, 1)],
    "argpartition": [((A,), {"axis": axis, "kth": (50,)}) for axis in (0, 1)],
    "searchsorted": [((np.sort(V), A), {"side": "left"}), ((np.sort(V), B), {"side": "right"})],
    **{name: [((A,), {"order": order}) for order in (0, 1, 2)] for name in ("sinc", "bessel")},
    "recurrence": [((A, B), {"axis": axis}) for axis in (0, 1)],
    "where": [((A > 0.5, A, B), {}), ((A > 0.5, A, V), {}), ((_index(2, N, 300), A, B), {})],
    "exclusive_product": [((A,), {"axis": (1,)}), ((A,), {"axis": (0,)}), ((A,), {"axis": (0, 1)}),
                          ((_real(20, 30, 40),), {"axis": (0, 2)})],
    "reshape": [((A,), {"shape": (300, N)}), ((A.T,), {"shape": (N, 300)})],
    "transpose": [((A,), {"axes": (1, 0)})],
    "broadcast_to": [((V,), {"shape": (N, 300)})],
    "concatenate": [((A, B), {"axis": 0}), ((A, B, A), {"axis": 1})],
    "cast": [((A,), {"dtype": "float32"}), ((A,), {"dtype": "float64"})],
    "identity": [((A,), {})],
    "stop_gradient": [((A,), {})],
    "index": [((A,), {"template": (slice(1, 50),)}),
              ((A, _index(N, 500)), {"template": ("#0",)}),
              ((A, _index(300, 400)), {"template": (ALL, "#0")}),
              ((A, _index(N, 9000), _index(300, 9000)), {"template": ("#0", "#1")}),
              ((_real(20, 30, 40), _index(30, 50)), {"template": (ALL, "#0", ALL)}),
              ((_real(20, 30, 40), _index(20, 50), _index(40, 50)),
               {"template": ("#0", ALL, "#1")})],
    "index_add": [((_real(50, 300),), {"template": (slice(1, 51),), "shape": (N, 300)}),
                  ((_real(500, 300), _index(N, 500)), {"template": ("#0",), "shape": (N, 300)}),
                  ((_real(N, 400), _index(300, 400)), {"template": (ALL, "#0"), "shape": (N, 300)}),
                  ((_real(9000), _index(N, 9000), _index(300, 9000)),
                   {"template": ("#0", "#1"), "shape": (N, 300)})],
    "index_update": [((A, _real(50, 300)), {"template": (slice(1, 51),)}),
                     ((A, _real(500, 300), _index(N, 500)), {"template": ("#0",)}),
                     ((A, _real(N, 400), _index(300, 400)), {"template": (ALL, "#0")})],
    "add_at": [((A, _real(500, 300), _index(N, 500)), {"template": ("#0",)}),
               ((A, _real(9000), _index(N, 9000), _index(300, 9000)), {"template": ("#0", "#1")})],
    "take_along_axis": [((A, _index(300, N, 300)), {"axis": 1}),
                        ((A, _index(N, 90, 300)), {"axis": 0})],
    "add_along_axis": [((_real(N, 70), _index(300, N, 70)), {"axis": 1, "shape": (N, 300)}),
                       ((_real(90, 300), _index(N, 90, 300)), {"axis": 0, "shape": (N, 300)})],
    "matmul": [((A, B.T.copy()), {}), ((A, B.T), {}), ((A.T, B), {}), ((A, V), {}),
               ((_real(5, 40, 50), _real(50, 60)), {}), ((_real(5, 40, 50), _real(5, 50, 60)), {}),
               ((A, B.T.astype(np.float32)), {}), ((A.astype(np.float32), V), {})],
    "einsum": [((A, B.T.copy()), {"subscripts": "ij,jk->ik"}), ((A,), {"subscripts": "ij->j"}),
               ((A, B), {"subscripts": "ij,ij->i"}), ((_real(N, N),), {"subscripts": "ii->i"}),
               ((A, B, V), {"subscripts": "ij,ij,j->i"}), ((A,), {"subscripts": "ij->ji"})],
    "leaky_relu": [((A,), {"slope": 0.1})],
    "softmax_cross_entropy": [((A, _index(300, N)), {}), ((A, B), {}),
                              ((_real(20, 30, 40), _index(40, 20, 30)), {}),
                              ((A.astype(np.float32), B), {})],
    "one_hot": [((_index(300, N),), {"classes": 300, "dtype": "float64"})],
    "squared_error": [((A, B), {}), ((A.astype(np.float32), B), {})],
    "binary_cross_entropy": [((A, B), {}), ((A, (B > 0.5).astype(int)), {})],
    "squared_norm": [((A,), {}), ((A.T,), {})],
    **{name: [((Q,), {}), ((Q.astype(np.float32),), {}), ((STACK,), {})]
       for name in ("inv", "slogdet", "eig", "eigvals", "svdvals")},
    **{name: [((Q,), {}), ((STACK,), {})] for name in ("det", "cofactor")},
    "cholesky": [((Q @ Q.T,), {}), (((Q @ Q.T).astype(np.float32),), {})],
    "solve": [((Q, A), {}), ((Q.astype(np.float32), A.astype(np.float32)), {})],
    **{name: [((Q,), {"lower": True}), ((STACK,), {"lower": True}),
              ((Q.astype(np.float32),), {"lower": True})] for name in ("eigh", "eigvalsh")},
    **{name: [((x,), {key: value}) for x in (A, Q, STACK, A.T.copy())]
       for name, key, value in (("svd", "full", False), ("qr", "complete", False),
                                ("pinv", "rcond", 1e-15))},
    "over_gaps": [((Q, _real(N), _real(N)), {"apart": True}),
                  ((STACK, _real(3, N), _real(3, N)), {"apart": False})],
    **{name: [((A,), {"n": 300, "axis": 1, "norm": "ortho"}),
              ((A,), {"n": 150, "axis": 0, "norm": "backward"})]
       for name in ("fft", "ifft", "rfft", "irfft")},
    "must_vanish": [((0 * A,), {})],
    "phase_free": [((Q + 0j,), {})],
    "euclidean_norm": [((A,), each) for each in AXES],
    "threefry": [((*(_words(),) * 4,), {"bits": bits}) for bits in (32, 64)],
    "random_bits": [((_words()[0, :2],), {"shape": (N, 300), "place": 1, "bits": bits})
                    for bits in (32, 64)],
    "unit_interval": [((_words(),), {"dtype": "float32", "middle": True}),
                      ((_words().astype(np.uint64),), {"dtype": "float64", "middle": False})],
    "bounded_integer": [((_words(),), {"low": -2, "high": 5})],
    # What does not lie in C order goes block by block through one buffer more.
    **{name: [((A,), {}), ((A.astype(np.float32),), {})]
       for name in ("normal_ppf", "exponential_isf")},
    **{name: windowed(name) for name in ("conv2d", "conv2d_input", "conv2d_weight", "avg_pool2d",
       "avg_pool2d_input", "max_pool2d", "max_pool2d_input", "max_pool2d_pick")},
}  # fmt: skip


def _cases(record: Operator) -> list[checks.Case]:
    if record.name in LARGE:
        return LARGE[record.name]
    count = len(checks.draws(record)[0][0])
    if count == 1:
        return [((A,), {}), ((A.astype(np.float32),), {}), ((A.T,), {})]
    return [((A, B), {}), ((A, V), {}), ((A.T, B.T), {}), ((V, A), {})]


def peak_beside_result(record: Operator, operands: tuple[Any, ...], attributes: Any) -> int:
    record.numpy(*operands, **attributes)  # whatever is set up once is set up
    size = np.setbufsize(16)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        result = record.numpy(*operands, **attributes)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        np.setbufsize(size)
    results = result if record.parts else (result,)
    shares = any(np.may_share_memory(y, each) for each in operands for y in results)
    return peak - (0 if shares else sum(y.nbytes for y in results))


# What loops and branches hold is what their bodies do: tests/planning sees to that.
@pytest.mark.parametrize("name", sorted(set(OPERATORS) - set(BODIES)))
def test_workspace_is_what_numpy_holds(name: str) -> None:
    record = OPERATORS[name]
    for operands, attributes in _cases(record):
        said = 0 if record.workspace is None else record.workspace(
            *checks.types(operands), **attributes)  # fmt: skip
        held = peak_beside_result(record, operands, attributes)
        what = checks.describe(record, operands, attributes)
        slack = _TOLERANCE + _BUFFERED.get(name, 0)
        assert abs(held - said) <= slack, f"{what}: {held} bytes, the rule says {said}"
