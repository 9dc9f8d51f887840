"""Objectives of one or two operators, backward pass and workspace included, against the plan."""

import numpy as np
import pytest

from planning.test_plan_is_what_runs import OBJECTS, measured_peak
from wengert import functions
from wengert.planning.plan import plan_graph
from wengert.tracing.spec import Spec
from wengert.transforms import cond, joint, scan

A, B, C, W = Spec((300, 400)), Spec((300, 400)), Spec((400,)), Spec((400, 200))
T, U = Spec((20, 60, 100)), Spec((20, 100, 60))


def F32(spec):
    return Spec(spec.shape, "float32")


def _rnn(w, t, h):
    def step(h, x):
        h = np.tanh(h @ w + x)
        return h, np.exp(h)

    h, ys = scan(step, h, t)
    return np.sum(h) + np.sum(ys)


ZOO = dict(
    gelu=(lambda a: np.sum(functions.gelu(a)), A),
    softplus=(lambda a: np.sum(functions.softplus(a)), A),
    leaky=(lambda a: np.sum(functions.leaky_relu(a)), A),
    lsm=(lambda a: np.sum(functions.log_softmax(a) * a), A),
    lse=(lambda a: np.sum(functions.logsumexp(a, axis=1)), A),
    lse0=(lambda a: np.sum(functions.logsumexp(a, axis=0)), A),
    lseall=(lambda a: functions.logsumexp(a), A),
    softmax0=(lambda a: np.sum(functions.softmax(a, axis=0) ** 2), A),
    bce=(lambda a, b: functions.binary_cross_entropy(a, functions.sigmoid(b)), A, B),
    sce=(lambda a, b: functions.softmax_cross_entropy(a, functions.softmax(b)), A, B),
    sq=(lambda a, b: functions.squared_error(a, b), A, B),
    l2=(lambda a, b: functions.l2([a, b], 0.1), A, B),
    var0=(lambda a: np.sum(np.var(a, axis=0)), A),
    var1=(lambda a: np.sum(np.var(a, axis=1, keepdims=True) * a), A),
    std=(lambda a: np.std(a), A),
    std1=(lambda a: np.sum(np.std(a, axis=1)), A),
    mx=(lambda a: np.sum(np.max(a, axis=1)), A),
    mn=(lambda a: np.sum(np.min(a, axis=0)), A),
    prod=(lambda a: np.sum(np.prod(a, axis=1)), A),
    prod0=(lambda a: np.sum(np.prod(a, axis=0)), A),
    power=(lambda a: np.sum(np.abs(a) ** 1.7), A),
    powerv=(lambda a, b: np.sum(np.exp(a) ** b), A, B),
    div=(lambda a, b: np.sum(a / (b * b + 1)), A, B),
    arctan2=(lambda a, b: np.sum(np.arctan2(a, b)), A, B),
    tr=(lambda a: np.sum(np.exp(a.T)), A),
    trb=(lambda a, c: np.sum(np.exp(a.T + a[:, :1].T)), A, C),
    mm=(lambda w, a: np.sum((a @ w) ** 2), W, A),
    mmt=(lambda w, a: np.sum((w.T @ a.T) ** 2), W, A),
    bmm=(lambda t, u: np.sum((t @ u) ** 2), T, U),
    bmmT=(lambda t, u: np.sum((t @ np.swapaxes(t, 1, 2)) ** 2), T, U),
    ein=(lambda t, u: np.sum(np.einsum("bij,bjk->bik", t, u) ** 2), T, U),
    ein2=(lambda t, u: np.sum(np.einsum("bij,bji->b", t, u) ** 2), T, U),
    ein3=(lambda t, u, w: np.sum(np.einsum("bij,bjk,j->ik", t, u, w) ** 2), T, U, Spec((100,))),
    mv=(lambda a, c: np.sum((a @ c) ** 2), A, C),
    outer=(lambda c: np.sum(np.outer(c, c) ** 2), C),
    dot=(lambda a, b: np.dot(np.ravel(a), np.ravel(b)), A, B),
    sl=(lambda a: np.sum(np.exp(a[::2, 1:])), A),
    neg=(lambda a: np.sum(a[::-1] * a), A),
    fancy=(lambda a: np.sum(a[np.array([0, 0, 5] * 90)] ** 2), A),
    fancy2=(lambda a: np.sum(a[np.arange(300), np.arange(300)] ** 2), A),
    taa=(lambda a: np.sum(np.take_along_axis(a, np.zeros((300, 5), int), axis=1) ** 2), A),
    cat=(lambda a, b: np.sum(np.concatenate([a, b, a], axis=1) ** 2), A, B),
    stack=(lambda a, b: np.sum(np.stack([a, b], axis=-1) ** 3), A, B),
    clip=(lambda a: np.sum(np.clip(a, -1, 1) ** 2), A),
    where=(lambda a, b: np.sum(np.where(a > b, a, b * 2)), A, B),
    cast=(lambda a: np.sum(a.astype("float64") ** 2), F32(A)),
    f32=(lambda a: np.mean(np.tanh(a * 2 + 1)), F32(A)),
    f32sum=(lambda a: np.sum(np.exp(a), axis=0).sum(), F32(A)),
    bc=(lambda c, a: np.sum(np.broadcast_to(c, (300, 400)) * a), C, A),
    resh=(lambda a: np.sum(np.exp(a.T.reshape(200, 600))), A),
    T3=(
        lambda t: np.sum(
            np.exp(np.transpose(t, (2, 0, 1)).reshape(100, 1200)) @ np.ones((1200, 3))
        ),
        T,
    ),
    meanT=(lambda t: np.sum(np.mean(t, axis=(0, 2)) ** 2), T),
    varT=(lambda t: np.sum(np.var(t, axis=(0, 2)) ** 2), T),
    sumT=(lambda t: np.sum(np.sum(np.transpose(t, (1, 0, 2)), axis=1) ** 2), T),
    maxT=(lambda t: np.sum(np.max(t, axis=(0, 2))), T),
    softT=(lambda t: np.sum(functions.softmax(t, axis=1) ** 2), T),
    sortless=(lambda a: np.sum(np.abs(np.sign(a) * a)), A),
    logs=(lambda a: np.sum(np.log1p(np.exp(a)) + np.expm1(a) + np.sqrt(np.square(a) + 1)), A),
    scan=(lambda w, t, h: _rnn(w, t, h), Spec((400, 400)), Spec((30, 40, 400)), Spec((40, 400))),
    branch=(lambda a: np.sum(cond(np.sum(a) > 0, np.exp, lambda a: np.exp(a), a)), A),
    hyper=(
        lambda a: np.sum(
            np.sinh(a) * np.cosh(a)
            + np.tan(a)
            + np.arctan(a)
            + np.log2(np.exp2(a))
            + np.log10(np.exp(a))
        ),
        A,
    ),
)


@pytest.mark.parametrize("name", ZOO)
def test_the_true_peak_is_the_plans(name):
    function, *specs = ZOO[name]
    graph = joint(function, *specs)
    random = np.random.default_rng(0)
    leaves = [(random.normal(size=spec.shape) * 0.5).astype(spec.dtype) for spec in specs]
    said = plan_graph(graph).peak_bytes
    # Arrays of at most 1,024 bytes may come from NumPy's cache, which is counted before.
    assert -1024 <= measured_peak(graph, leaves) - said < OBJECTS
