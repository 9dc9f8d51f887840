"""What is retained at the loss: every storage with its reason, and bytes that add up."""

import numpy as np
import pytest

import wengert as wg
from planning.networks import NETWORKS
from wengert.compilation import plan
from wengert.planning.plan import plan_graph
from wengert.planning.retained import retention
from wengert.planning.timeline import timeline
from wengert.tracing.spec import Spec
from wengert.transforms import joint


@pytest.mark.parametrize("network", NETWORKS)
def test_the_bytes_add_up_to_what_is_retained_at_the_loss(network):
    function, *specs = NETWORKS[network]
    data = plan_graph(joint(function, *specs))
    found = retention(data)
    assert sum(reason.nbytes for reason in found.reasons) == found.nbytes == data.retained_bytes
    # Counted once more, from the curve.
    assert timeline(data)[data.loss_at].retained == found.nbytes
    for reason in found.reasons:
        assert reason.terms and reason.birth < data.loss_at < reason.death
        assert all(term.location is not None for term in reason.terms)
        assert reason.dropped is not None and reason.dropped.peak_bytes > 0
    assert f"{found.nbytes:,} bytes retained" in found.text()


def test_formulas_and_lines_are_told_by_the_plan_of_a_function():
    function, *specs = NETWORKS["deep"]
    found = plan(function, *specs).retention()
    text = str(found)
    assert "∂J/∂" in text and "networks.py:" in text and "dropped and recomputed" in text
    assert all(len(line) <= 90 for line in found.text(90).splitlines())


def cheaper(function, label, *specs):
    return plan(function, *specs).why(label).cheaper


def test_max_pool_would_be_content_with_places():
    def objective(W, X):
        h = X * W
        return np.sum(wg.nn.functional.max_pool2d(h, 2) ** 2)

    said = cheaper(objective, "h", Spec((1, 1, 1, 4)), Spec((8, 16, 16, 4)))
    assert said is not None and "a place in each window" in said and "2.05 kB" in said


def test_a_mask_drawn_by_chance_would_be_content_with_its_key():
    def objective(W, X, key):
        mask = wg.random.default_rng(key).random(X.shape) > 0.5
        return np.sum(np.where(mask, X @ W, 0.0) ** 2)

    said = cheaper(objective, "mask", Spec((9, 9)), Spec((50, 9)), wg.random.key(0))
    assert said is not None and "the key it is drawn from" in said


def test_tanh_is_content_with_its_output_and_relu_with_bits():
    def objective(W, X):
        z = X @ W
        h = np.tanh(z)
        u = h @ W
        return np.sum(wg.nn.functional.relu(u))

    found = plan(objective, Spec((20, 20)), Spec((64, 20)))
    assert {reason.label for reason in found.retention().reasons} >= {"h"}
    assert not found.why("z").retained
    last = found.retention().reasons
    assert any(r.cheaper and "one bit an element decides the derivative of relu" in r.cheaper
               for r in last)  # fmt: skip
