"""A test that fails when a network holds more than it may."""

import numpy as np
import pytest

from planning.networks import NETWORKS
from wengert.base.errors import BudgetError, OptionError
from wengert.testing import PeakExceeded, assert_peak
from wengert.tracing.spec import Spec


def test_within_the_bytes_the_plan_comes_back():
    function, *specs = NETWORKS["deep"]
    assert assert_peak(function, specs, max=4300800).peak_bytes == 4300800


def test_one_byte_more_fails_and_says_why():
    function, *specs = NETWORKS["deep"]
    with pytest.raises(AssertionError) as error:
        assert_peak(function, specs, max=4300799)
    text = str(error.value)
    assert "1 bytes more than allowed" in text and "networks.py:" in text
    assert "alive there: " in text and "a batch of at most 299" in text
    assert isinstance(error.value, PeakExceeded | BudgetError)


def test_a_budget_may_be_planned_within():
    function, *specs = NETWORKS["recurrent"]
    with pytest.raises(PeakExceeded):
        assert_peak(function, specs, max="3MB")
    assert assert_peak(function, specs, max="3MB", memory="3MB").overhead > 0


def test_a_function_without_a_batch_fails_without_one():
    with pytest.raises(PeakExceeded):
        assert_peak(lambda W: np.sum(np.tanh(W @ W)), [Spec((50, 50))], max=10)


def test_bytes_that_make_no_sense():
    with pytest.raises(OptionError, match="assert_peak: max"):
        assert_peak(lambda W: np.sum(W), [Spec((5,))], max="12 apples")
