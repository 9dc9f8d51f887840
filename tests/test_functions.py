"""The functions that NumPy lacks: the same numbers on arrays and in a graph, and their refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert.functions as F
import wengert.nn.functional as public
from wengert.base.errors import DataError, DtypeError, OptionError, ShapeError
from wengert.checking import check_gradients
from wengert.reference.interpreter import run
from wengert.tracing.spec import Spec
from wengert.tracing.trace import trace
from wengert.transforms import grad

rng = np.random.default_rng(0)
X = rng.normal(size=(5, 4))
LABELS = np.array([0, 3, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]

IMAGES = rng.normal(size=(2, 4, 7, 6))
FILTERS = rng.normal(size=(6, 2, 3, 2))
BIAS = rng.normal(size=6)

CALLS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "relu": (F.relu, (X,)),
    "leaky_relu": (lambda x: F.leaky_relu(x, slope=0.2), (X,)),
    "sigmoid": (F.sigmoid, (X,)),
    "softplus": (F.softplus, (X,)),
    "gelu": (F.gelu, (X,)),
    "softmax": (F.softmax, (X,)),
    "softmax over rows": (lambda x: F.softmax(x, axis=0), (X,)),
    "log_softmax": (F.log_softmax, (X,)),
    "logsumexp": (F.logsumexp, (X,)),
    "logsumexp of rows": (lambda x: F.logsumexp(x, axis=-1, keepdims=True), (X,)),
    "cross-entropy of classes": (F.softmax_cross_entropy, (X, LABELS)),
    "cross-entropy of rows": (F.softmax_cross_entropy, (X, ONE_HOT)),
    "cross-entropy, sum": (lambda x, t: F.softmax_cross_entropy(x, t, "sum"), (X, LABELS)),
    "cross-entropy, each": (lambda x, t: F.softmax_cross_entropy(x, t, "none"), (X, LABELS)),
    "cross-entropy of one": (F.softmax_cross_entropy, (X[0], np.array(2))),
    "squared_error": (F.squared_error, (X, ONE_HOT)),
    "squared_error of one": (F.squared_error, (X[0], ONE_HOT[0])),
    "squared_error of numbers": (F.squared_error, (np.array(2.0), np.array(3.0))),
    "binary_cross_entropy": (F.binary_cross_entropy, (X, ONE_HOT)),
    "conv2d": (lambda x, w, b: F.conv2d(x, w, b, groups=2), (IMAGES, FILTERS, BIAS)),
    "conv2d with options": (
        lambda x, w: F.conv2d(x, w, stride=2, padding=(1, 2), dilation=(1, 3), groups=2),
        (IMAGES, FILTERS),
    ),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, (3, 2)), (IMAGES,)),
    "avg_pool2d of pixels": (
        lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
        (IMAGES,),
    ),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), (IMAGES,)),
    "max_pool2d, overlapping": (lambda x: F.max_pool2d(x, 3, (2, 1), 1), (IMAGES,)),
    "l2": (lambda x: F.l2({"W": x, "b": (x[0],)}, 0.1), (X,)),
    "stop_gradient": (F.stop_gradient, (X,)),
}


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_graph_gives_the_numbers_of_the_plain_call(name: str) -> None:
    function, arguments = CALLS[name]
    plain = function(*arguments)
    (traced,) = run(trace(function, *arguments), list(arguments))
    np.testing.assert_array_equal(traced, plain)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"stop_gradient"}))
def test_gradients_to_order_two(name: str) -> None:
    function, arguments = CALLS[name]
    check_gradients(function, *arguments, order=2)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_float32_stays_float32(name: str) -> None:
    function, arguments = CALLS[name]
    single = [x.astype(np.float32) if x.dtype == float else x for x in arguments]
    assert function(*single).dtype == np.float32
    assert trace(function, *single).outputs[0].dtype == np.float32


@pytest.mark.parametrize("name", sorted(CALLS))
def test_a_scalar_is_a_numpy_scalar_as_numpys_own_would_be(name: str) -> None:
    function, arguments = CALLS[name]
    found = function(*arguments)
    assert isinstance(found, np.ndarray if np.shape(found) else np.float64)


def test_numbers_are_taken_as_arrays() -> None:
    assert F.relu(-2.0) == 0.0
    assert F.softmax([0.0, 0.0]).tolist() == [0.5, 0.5]


def test_one_hot_labels_of_another_dtype_do_not_promote() -> None:
    single = X.astype(np.float32)
    for labels in (ONE_HOT, ONE_HOT.astype(int), ONE_HOT.astype(bool)):
        assert F.softmax_cross_entropy(single, labels).dtype == np.float32
        found = grad(F.softmax_cross_entropy)(single, labels)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, (F.softmax(X) - ONE_HOT) / 5, rtol=1e-5, atol=1e-7)


def test_formulas() -> None:
    np.testing.assert_allclose(
        F.softmax_cross_entropy(X, LABELS), -np.mean(np.log(F.softmax(X))[np.arange(5), LABELS])
    )
    np.testing.assert_allclose(
        F.squared_error(X, ONE_HOT), 0.5 * np.mean(np.sum((X - ONE_HOT) ** 2, axis=1))
    )
    p = F.sigmoid(X)
    np.testing.assert_allclose(
        F.binary_cross_entropy(X, ONE_HOT),
        -np.mean(ONE_HOT * np.log(p) + (1 - ONE_HOT) * np.log(1 - p)),
    )
    np.testing.assert_allclose(F.l2([X, ONE_HOT], 0.3), 0.15 * (np.sum(X**2) + np.sum(ONE_HOT**2)))
    np.testing.assert_allclose(
        F.gelu(X), 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))
    )


def test_no_gradient_passes_a_stop() -> None:
    found = grad(lambda x: np.sum(x * F.stop_gradient(x)))(X)
    np.testing.assert_array_equal(found, X)


def test_l2_gives_lambda_times_each_array() -> None:
    found = grad(lambda p: F.l2(p, 0.1))({"W": X, "b": [X[0]]})
    np.testing.assert_allclose(found["W"], 0.1 * X)
    np.testing.assert_allclose(found["b"][0], 0.1 * X[0])


def test_every_function_is_public() -> None:
    assert public.__all__ == F.__all__
    assert all(getattr(public, name) is getattr(F, name) for name in F.__all__)


def test_images_of_a_shape_that_is_worked_out_by_hand() -> None:
    assert F.conv2d(IMAGES, FILTERS, stride=(2, 1), padding=1, groups=2).shape == (2, 6, 4, 7)
    assert F.max_pool2d(IMAGES, 3, stride=2).shape == (2, 4, 3, 2)
    ones = np.ones((1, 1, 2, 2))
    assert F.avg_pool2d(ones, 2, 2, 1).tolist() == [[[[0.25, 0.25], [0.25, 0.25]]]]
    assert F.avg_pool2d(ones, 2, 2, 1, count_include_pad=False).tolist() == [[[[1, 1], [1, 1]]]]


def test_the_bias_of_a_convolution_is_added_by_filter() -> None:
    plain = F.conv2d(IMAGES, FILTERS, groups=2)
    found = F.conv2d(IMAGES, FILTERS, BIAS, groups=2)
    np.testing.assert_array_equal(found, plain + BIAS[:, None, None])


# -- Refusals -----------------------------------------------------------------------------------


def both_ways(function: Any, *arguments: Any, only_data: bool = False) -> list[Any]:
    """Return the call on arrays, and the call that traces and runs."""
    runs = [lambda: function(*arguments)]
    if not only_data:
        runs.append(lambda: trace(function, *map(np.asarray, arguments)))
    else:
        runs.append(lambda: run(trace(function, *arguments), list(arguments)))
    return runs


@pytest.mark.parametrize(("label", "place"), [(4, "row 2 holds 4"), (-1, "row 2 holds -1")])
def test_label_out_of_range_names_row_value_and_classes(label: int, place: str) -> None:
    labels = np.array([0, 3, label, 1, label])
    for call in both_ways(F.softmax_cross_entropy, X, labels, only_data=True):
        with pytest.raises(DataError) as caught:
            call()
        text = str(caught.value)
        assert place in text and "4 classes" in text and "0 to 3" in text and "1 more" in text


def test_label_out_of_range_in_a_single_example() -> None:
    with pytest.raises(DataError, match=r"got:\s+9"):
        F.softmax_cross_entropy(X[0], np.array(9))


@pytest.mark.parametrize(
    ("logits", "labels", "error", "words"),
    [
        (X, LABELS.astype(float), DtypeError, r"labels\.astype\(int\)"),
        (X, LABELS[:3], ShapeError, r"cannot pair logits \(5, 4\) with labels \(3,\)"),
        (X, np.ones((5, 3)), ShapeError, r"probabilities \(5, 4\)"),
        (X.astype(int), LABELS, DtypeError, "real floating-point"),
        (np.ones((5, 0)), LABELS, ShapeError, "classes on the last axis"),
        (np.array(1.0), np.array(0), ShapeError, "classes on the last axis"),
        (np.ones((0, 4)), np.ones(0, int), DataError, "empty batch"),
        (np.ones((0, 4)), np.ones((0, 4)), DataError, "empty batch"),
    ],
)
def test_cross_entropy_refuses(logits: Any, labels: Any, error: Any, words: str) -> None:
    for call in both_ways(F.softmax_cross_entropy, logits, labels):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("function", [F.squared_error, F.binary_cross_entropy])
def test_nothing_is_broadcast_in_silence(function: Any) -> None:
    for call in both_ways(function, np.ones((5, 1)), np.ones(5)):
        with pytest.raises(ShapeError, match="pair every row with every other"):
            call()


@pytest.mark.parametrize("labels", [[-1.0, 1.0], [0.0, np.nan], [2.0, 0.0]])
def test_binary_labels_are_probabilities(labels: list[float]) -> None:
    for call in both_ways(F.binary_cross_entropy, np.ones(2), np.array(labels), only_data=True):
        with pytest.raises(DataError, match="from 0 to 1"):
            call()


def test_the_sum_over_an_empty_batch_is_zero() -> None:
    assert F.softmax_cross_entropy(np.ones((0, 4)), np.ones(0, int), "sum") == 0


def test_an_unknown_reduction_is_told() -> None:
    with pytest.raises(OptionError, match="'average'"):
        F.squared_error(X, ONE_HOT, "average")  # type: ignore[arg-type]


@pytest.mark.parametrize("slope", ["a", None, np.inf])
def test_a_slope_that_is_no_number_is_told(slope: Any) -> None:
    with pytest.raises(OptionError, match="slope"):
        F.leaky_relu(X, slope)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax, F.logsumexp])
def test_an_axis_that_is_not_there_is_told(function: Any) -> None:
    for call in both_ways(lambda x: function(x, axis=2), X):
        with pytest.raises(ShapeError, match="axis of 0 … 1"):
            call()


@pytest.mark.parametrize("name", ["relu", "sigmoid", "softplus", "gelu", "softmax", "logsumexp"])
def test_integers_are_refused_with_what_to_write(name: str) -> None:
    for call in both_ways(getattr(F, name), np.ones((2, 2), int)):
        with pytest.raises(DtypeError, match=r'x\.astype\("float32"\)'):
            call()


def test_l2_refuses_what_is_no_array_of_floats() -> None:
    with pytest.raises(DtypeError, match=r"parameters\['b'\]"):
        F.l2({"W": X, "b": np.ones(2, int)})
    with pytest.raises(DtypeError, match="str"):
        F.l2({"W": X, "b": "x"})
    with pytest.raises(OptionError, match="no parameters"):
        F.l2({})


def test_refusals_in_a_trace_name_the_users_variable_and_line() -> None:
    def objective(scores: Any, classes: Any) -> Any:
        return F.softmax_cross_entropy(scores, classes)

    with pytest.raises(ShapeError) as caught:
        trace(objective, Spec((5, 4), "float64"), Spec((3,), "int64"))
    text = str(caught.value)
    assert "scores: float64 (5, 4)" in text and "classes: int64 (3,)" in text
    assert "test_functions.py" in text


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: F.conv2d(x, FILTERS, stride=0), OptionError, "conv2d: stride"),
        (lambda x: F.conv2d(x, FILTERS, padding=(1, -1)), OptionError, "conv2d: padding"),
        (lambda x: F.conv2d(x, FILTERS, dilation=1.5), OptionError, "at least 1"),
        (lambda x: F.conv2d(x, FILTERS, groups=True), OptionError, "got:\\s+True"),
        (lambda x: F.conv2d(x, FILTERS, stride=(1, 2, 3)), OptionError, "pair"),
        (lambda x: F.conv2d(x, FILTERS), ShapeError, r"filters of shape \(6, 4, 3, 2\)"),
        (lambda x: F.conv2d(x[0], FILTERS), ShapeError, r"x\[None\] for one image"),
        (lambda x: F.conv2d(x, FILTERS, BIAS[:5], groups=2), ShapeError, "each of the 6 filters"),
        (lambda x: F.conv2d(x, FILTERS, [1] * 6, groups=2), DtypeError, "bias"),
        (lambda x: F.conv2d(x.astype(int), FILTERS, groups=2), DtypeError, "float32"),
        (lambda x: F.max_pool2d(x, 8), ShapeError, "at least 8 × 8 pixels"),
        (lambda x: F.max_pool2d(x, 2, padding=2), ShapeError, "padding alone"),
        (lambda x: F.avg_pool2d(x, "2"), OptionError, "avg_pool2d: window"),
        (lambda x: F.avg_pool2d(x, 2, stride=-1), OptionError, "avg_pool2d: stride"),
        (lambda x: F.max_pool2d(x[0, 0], 2), ShapeError, "of one channel"),
    ],
)
def test_images_that_do_not_fit_are_told(call: Any, error: Any, words: str) -> None:
    for run_ in both_ways(call, IMAGES):
        with pytest.raises(error, match=words):
            run_()
