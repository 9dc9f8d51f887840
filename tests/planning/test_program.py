"""What a program's plan tells adds up to its block."""

import numpy as np
import pytest

from planning.networks import NETWORKS
from wengert.compilation import plan
from wengert.transforms import value_and_grad


@pytest.mark.parametrize("network", NETWORKS)
def test_the_parts_are_what_is_alive_and_what_is_retained_at_the_loss(network):
    function, *specs = NETWORKS[network]
    found = plan(function, *specs).program
    moments = found.moments()
    assert tuple(moment.live for moment in moments) == found.live
    assert max(found.live) == found.arranged.layout.load <= found.peak_bytes
    end = found.loss_at
    rounded = sum(-(-s.nbytes // 64) * 64 for s in found.storages
                  if s.forward and s.birth < end < s.death)  # fmt: skip
    assert 0 <= rounded - found.retained_bytes < 64 * len(found.storages)
    at_peak = sum(s.nbytes for s in found.top(len(found.storages)))
    assert found.top(1)[0].nbytes <= at_peak
    for stored in found.storages:
        assert stored.offset + stored.nbytes <= found.peak_bytes
    assert "kernels" in str(found) and found.need.floor <= found.peak_bytes


def test_the_ledgers_are_told_apart():
    function, *specs = NETWORKS["sample"]
    found = plan(function, *specs)
    text = found.ledgers()
    assert f"plan: {found.peak_bytes:,} bytes in one block" in text
    assert f"interpreter: {found.interpreter_bytes:,} bytes" in text
    assert f"process: {found.state_bytes:,} bytes parameters, batch and constants" in text
    assert "█" in text.splitlines()[0]
    kernels, operations = found.svg(), found.svg(interpreter=True)
    assert "over its kernels" in kernels and "Live bytes of sample" in operations


def updates(clip):
    """Return what is said of the updates of a step with momentum, with or without clipping."""
    objective, parameters, *batch = NETWORKS["deep"]

    def step(state, X, y):
        weights, moving = state
        J, gradients = value_and_grad(objective)(weights, X, y)
        norm = np.sqrt(sum(np.sum(g * g) for g in gradients))
        scale = np.minimum(1.0, 1.0 / norm) if clip else 1.0
        moving = [0.9 * m + scale * g for m, g in zip(moving, gradients, strict=True)]
        weights = [w - 0.1 * m for w, m in zip(weights, moving, strict=True)]
        return (weights, moving), J

    state = (list(parameters), list(parameters))
    found = plan(step, state, *batch, backward=False, resident=2 * len(parameters))
    return found.program.updates()


def test_updates_come_early_and_under_clipping_by_the_global_norm_they_cannot():
    (said,) = updates(clip=False)
    assert "early update: 0 of" not in said and "each waits" not in said
    (said,) = updates(clip=True)
    assert "early update: 0 of" in said and "each waits for every gradient" in said
