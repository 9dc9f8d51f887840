"""What a program's plan tells adds up to its block."""

import pytest

from planning.networks import NETWORKS
from wengert.compilation import plan


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
