"""Losses, and the squared norm of the L2 term."""

# Rules are lambdas, and a lambda cannot say the types of its operands.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.base.errors import DataError, DtypeError, ShapeError
from wengert.operators.activation import floating, sigmoid, softplus
from wengert.operators.broadcasting import nbytes
from wengert.operators.dispatch import recordable
from wengert.operators.record import Cost, Operator, Type
from wengert.operators.reduction import to_dtype
from wengert.operators.samples import Case, cases, real
from wengert.operators.softmax import kept, log_softmax, logsumexp, per_operand, softmax

# -- Softmax cross-entropy ------------------------------------------------------------------------


def is_class_labels(logits: Type | Any, labels: Type | Any) -> bool:
    """Return whether labels are class numbers (and not one row of probabilities an example)."""
    return tuple(labels.shape) == tuple(logits.shape[:-1])


def _cross_entropy_result(logits: Type, labels: Type) -> Type:
    floating("softmax_cross_entropy", logits)
    if not logits.shape or logits.shape[-1] == 0:
        raise ShapeError(
            "softmax_cross_entropy needs logits with classes on the last axis",
            expected="logits of shape (…, classes)",
            got=f"logits of shape {logits.shape}",
        )
    if is_class_labels(logits, labels):
        if labels.dtype.kind not in "iu":
            raise DtypeError(
                "softmax_cross_entropy got class labels that are not integers",
                expected=f"integers of shape {labels.shape}, or probabilities {logits.shape}",
                got=f"{labels.dtype.name} of shape {labels.shape}",
                remedy="labels.astype(int)",
            )
    elif labels.shape != logits.shape:
        raise ShapeError(
            f"softmax_cross_entropy cannot pair logits {logits.shape} with labels {labels.shape}",
            expected=f"integer labels {logits.shape[:-1]}, or probabilities {logits.shape}",
            got=f"labels of shape {labels.shape}",
        )
    return Type(logits.shape[:-1], logits.dtype)


def check_labels(labels: Any, classes: int) -> None:
    """Refuse class labels outside ``0 … classes − 1``, naming the first.

    Raises:
        DataError: a label is out of range.
    """
    labels = np.asarray(labels)
    if labels.size == 0 or (labels.min() >= 0 and labels.max() < classes):
        return
    wrong = np.argwhere((labels < 0) | (labels >= classes))
    place = tuple(int(each) for each in wrong[0])
    at = "" if not place else f"row {place[0]}" if len(place) == 1 else f"place {place}"
    raise DataError(
        f"a label is out of range for {classes} classes",
        expected=f"integers from 0 to {classes - 1}",
        got=f"{at + ' holds ' if at else ''}{labels[place]}"
        + (f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""),
        remedy="count classes from 0, or give the logits more columns",
    )


def _cross_entropy(logits: Any, labels: Any) -> Any:
    logits, labels = np.asarray(logits), np.asarray(labels)
    if not is_class_labels(logits, labels):
        scores = log_softmax(logits, axis=-1)
        np.multiply(scores, labels, out=scores, where=labels != 0, casting="same_kind")
        np.copyto(scores, 0, where=labels == 0)
        out = np.empty(logits.shape[:-1], logits.dtype)
        np.sum(scores, axis=-1, out=out)
        return np.negative(out, out=out)
    check_labels(labels, logits.shape[-1])
    out = logsumexp(logits, axis=(logits.ndim - 1,), keepdims=False)
    chosen = np.take_along_axis(logits, labels[..., None], axis=-1)
    return np.subtract(out, chosen.reshape(out.shape), out=out)


softmax_cross_entropy = recordable("softmax_cross_entropy", _cross_entropy)


def _column(g: Any) -> Any:
    return np.reshape(g, (*g.shape, 1)) if g.shape else g


def _cross_entropy_rule(g: Any, y: Any, logits: Any, labels: Any) -> Any:
    share = softmax(logits, axis=len(logits.shape) - 1)
    if is_class_labels(logits, labels):
        hot = one_hot(labels, classes=logits.shape[-1], dtype=logits.dtype.name)
        return _column(g) * (share - hot)
    wanted = to_dtype(labels, dtype=logits.dtype.name) if labels.dtype != logits.dtype else labels
    return _column(g) * (share * np.sum(wanted, axis=-1, keepdims=True) - wanted)


def _label_rule(g: Any, y: Any, logits: Any, labels: Any) -> Any:
    return -(_column(g) * log_softmax(logits, axis=len(logits.shape) - 1))


def _one_hot_result(labels: Type, *, classes: int, dtype: str) -> Type:
    if labels.dtype.kind not in "iu":
        raise DtypeError("one_hot of no integers", expected="integers", got=labels.dtype.name)
    return Type((*labels.shape, classes), np.dtype(dtype))


def _one_hot(labels: Any, *, classes: int, dtype: str) -> Any:
    labels = np.asarray(labels)
    check_labels(labels, classes)
    out = np.zeros((*labels.shape, classes), dtype)
    np.put_along_axis(out, labels[..., None], 1, axis=-1)
    return out


one_hot = recordable("one_hot", _one_hot)

# -- Losses on pairs ------------------------------------------------------------------------------


def _same_shape(name: str, first: str, x: Type, second: str, t: Type) -> None:
    floating(name, x)
    if x.shape != t.shape:
        raise ShapeError(
            f"{name} needs one {second} for each element of the {first}",
            expected=f"{second} of shape {x.shape}",
            got=f"{first} {x.shape}, {second} {t.shape}",
            remedy="reshape one of them; broadcasting here would pair every row with every other",
        )


def _squared_error_result(prediction: Type, target: Type) -> Type:
    _same_shape("squared_error", "prediction", prediction, "target", target)
    return Type(prediction.shape[:-1], prediction.dtype)


def _difference(prediction: Any, target: Any) -> Any:
    # Complex numbers only come from a check by complex steps, and stay what they are.
    if target.dtype != prediction.dtype and target.dtype.kind != "c":
        target = to_dtype(target, dtype=prediction.dtype.name)
    return prediction - target


def _squared_error(prediction: Any, target: Any) -> Any:
    prediction, target = np.asarray(prediction), np.asarray(target)
    apart = np.asarray(_difference(prediction, target))
    np.multiply(apart, apart, out=apart)
    if apart.ndim == 0:
        return np.multiply(apart, 0.5, out=apart)
    out = np.empty(apart.shape[:-1], apart.dtype)
    np.sum(apart, axis=-1, out=out)
    return np.multiply(out, 0.5, out=out)


squared_error = recordable("squared_error", _squared_error)


def _squared_error_rule(g: Any, y: Any, p: Any, t: Any) -> Any:
    return _column(g) * _difference(p, t)


def _binary_result(logits: Type, labels: Type) -> Type:
    _same_shape("binary_cross_entropy", "logits", logits, "labels", labels)
    return Type(logits.shape, logits.dtype)


def _check_probabilities(labels: Any) -> None:
    # Written so that NaN is refused too; the slack is for a gradient check's small steps.
    if labels.size and not (labels.min() >= -0.01 and labels.max() <= 1.01):
        raise DataError(
            "binary_cross_entropy got a label that is no probability",
            expected="labels from 0 to 1",
            got=f"labels from {labels.min()} to {labels.max()}",
            remedy="(labels + 1) / 2 where they are −1 and 1",
        )


def _binary(logits: Any, labels: Any) -> Any:
    # t·softplus(−o) + (1 − t)·softplus(o): both terms keep their digits where t is 0 or 1.
    logits, labels = np.asarray(logits), np.asarray(labels)
    _check_probabilities(labels)
    if labels.dtype != logits.dtype:
        labels = labels.astype(logits.dtype, order="C")
    out = np.asarray(np.negative(logits, order="C"))
    np.logaddexp(out, 0, out=out)
    np.multiply(out, labels, out=out)
    other = np.asarray(np.logaddexp(logits, 0, order="C"))
    rest = np.asarray(np.subtract(1, labels))
    np.multiply(other, rest, out=other)
    return np.add(out, other, out=out)


binary_cross_entropy = recordable("binary_cross_entropy", _binary)


def _binary_rule(g: Any, y: Any, logits: Any, labels: Any) -> Any:
    if labels.dtype != logits.dtype:
        labels = to_dtype(labels, dtype=logits.dtype.name)
    return g * (sigmoid(logits) - labels)


# -- Squared norm ---------------------------------------------------------------------------------


def _squared_norm(x: Any) -> Any:
    # einsum walks any layout without a copy.
    x = np.asarray(x)
    axes = list(range(x.ndim))
    return np.einsum(x, axes, x, axes, [], out=np.empty((), x.dtype))


squared_norm = recordable("squared_norm", _squared_norm)

# -- Decompositions ------------------------------------------------------------------------------


def _in_dtype_of(x: Any, other: Any) -> Any:
    return x if x.dtype == other.dtype else to_dtype(x, dtype=other.dtype.name)


def _cross_entropy_parts(o: Any, t: Any) -> Any:
    # A logit of −∞ at a class that is not the label's must not become −∞ · 0.
    if is_class_labels(o, t):
        hot = one_hot(t, classes=o.shape[-1], dtype="bool")
        return logsumexp(o, axis=(len(o.shape) - 1,), keepdims=False) - np.sum(
            np.where(hot, o, 0), axis=-1
        )
    scores = log_softmax(o, axis=len(o.shape) - 1) * _in_dtype_of(t, o)
    return -np.sum(np.where(t == 0, 0, scores), axis=-1)


def _squared_error_parts(p: Any, t: Any) -> Any:
    squares = np.square(p - _in_dtype_of(t, p))
    return 0.5 * np.sum(squares, axis=-1) if p.shape else 0.5 * squares


def _binary_parts(o: Any, t: Any) -> Any:
    t = _in_dtype_of(t, o)
    return t * softplus(-o) + (1 - t) * softplus(o)


# -- Records --------------------------------------------------------------------------------------

_DRAW = real(-3, 3)


def _cross_entropy_cases(rng: np.random.Generator) -> list[Case]:
    found: list[Case] = []
    for shape in ((4,), (3, 5), (2, 3, 4), (0, 3)):
        logits = _DRAW(rng, shape)
        labels = rng.integers(0, shape[-1], shape[:-1])
        found.append(((logits, np.asarray(labels)), {}))
        found.append(((logits, rng.uniform(0.1, 1, shape)), {}))
    return found


def _one_hot_cases(rng: np.random.Generator) -> list[Case]:
    shapes_ = ((), (3,), (2, 3), (0,))
    return [
        ((np.asarray(rng.integers(0, 4, shape)),), {"classes": 4, "dtype": "float64"})
        for shape in shapes_
    ]


def _pair_cases(rng: np.random.Generator) -> list[Case]:
    shapes_ = ((), (4,), (2, 3), (2, 3, 4), (0, 3))
    return [((_DRAW(rng, shape), rng.uniform(0, 1, shape)), {}) for shape in shapes_]


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    return [((_DRAW(rng, shape),), {}) for shape in ((), (3,), (2, 3), (2, 3, 2), (0, 2))]


def _masked_pair(logits: Type, labels: Type) -> int:
    """Return the bytes of the workspace of cross-entropy, at its fullest moment."""
    row, wide = kept(logits, (len(logits.shape) - 1,)), nbytes(logits)
    if is_class_labels(logits, labels):
        return wide + row
    return 2 * wide + row


LOSSES: tuple[Operator, ...] = (
    Operator(
        "softmax_cross_entropy", "composite", _cross_entropy, _cross_entropy_result,
        (_cross_entropy_rule, _label_rule),
        latex=r"\operatorname{{cross\_entropy}}({x0}, {x1})",
        cost=Cost(flops=5, transcendental=1, passes=per_operand),
        samples=cases(_cross_entropy_cases), saves=("x0", "x1"), symbol="ℓ",
        workspace=_masked_pair,
        decomposition=_cross_entropy_parts,
    ),
    Operator(
        "one_hot", "composite", _one_hot,
        _one_hot_result, None,
        latex=r"\operatorname{{onehot}}({x})", cost=Cost(flops=1),
        samples=cases(_one_hot_cases), symbol="onehot",
        decomposition=lambda t, *, classes, dtype: to_dtype(
            np.reshape(t, (*t.shape, 1)) == np.arange(classes), dtype=dtype
        ),
    ),
    Operator(
        "squared_error", "composite", _squared_error, _squared_error_result,
        (_squared_error_rule, lambda g, y, p, t: -_squared_error_rule(g, y, p, t)),
        latex=r"\tfrac{{1}}{{2}} \lVert {x0} - {x1} \rVert^2",
        cost=Cost(flops=3, passes=per_operand),
        samples=cases(_pair_cases, analytic=True), saves=("x0", "x1"), symbol="½‖·‖²",
        workspace=lambda p, t: nbytes(p) * (bool(p.shape) + (t.dtype != p.dtype)),
        decomposition=_squared_error_parts,
    ),
    Operator(
        "binary_cross_entropy", "composite", _binary, _binary_result,
        (_binary_rule, lambda g, y, o, t: -(g * o)),
        latex=r"\operatorname{{binary\_cross\_entropy}}({x0}, {x1})",
        cost=Cost(flops=8, transcendental=4), samples=cases(_pair_cases),
        saves=("x0", "x1"), symbol="ℓ",
        workspace=lambda o, t: (2 if t.dtype == o.dtype else 3) * nbytes(o),
        decomposition=_binary_parts,
    ),
    Operator(
        "squared_norm", "composite", _squared_norm,
        lambda x: Type((), floating("squared_norm", x).dtype),
        (lambda g, y, x: (2 * g) * x,),
        latex=r"\lVert {x} \rVert_F^2", cost=Cost(flops=2, passes=per_operand),
        samples=cases(_norm_cases, analytic=True), saves=("x0",), symbol="‖·‖²",
        decomposition=lambda x: np.sum(np.square(x)),
    ),
)  # fmt: skip
