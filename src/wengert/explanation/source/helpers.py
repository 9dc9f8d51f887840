"""Composite operators as small functions in plain NumPy, as they stand above the emitted text.

Each keeps the order of arithmetic of the operator's record, so that the bits are the same.
"""

from __future__ import annotations

from wengert.explanation.source.draws import DRAW_HELPERS
from wengert.explanation.source.matrices import MATRIX_HELPERS
from wengert.explanation.source.windows import WINDOW_HELPERS

_SIGMOID = '''\
def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (e + 1)'''

_LOG_SOFTMAX = '''\
def log_softmax(x, axis):
    """Logarithm of the softmax along an axis."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))'''

_LOGSUMEXP = '''\
def logsumexp(x, axis, keepdims=False):
    """log(sum(exp(x))) along axes, without overflow."""
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    total = np.sum(np.exp(x - top), axis=axis, keepdims=keepdims)
    with np.errstate(divide="ignore"):
        return np.log(total) + top.reshape(total.shape)'''

_CHECK_LABELS = '''\
def check_labels(labels, classes):
    """Refuse labels outside 0 ... classes - 1."""
    if np.any((labels < 0) | (labels >= classes)):
        raise ValueError(f"a label is out of range for {classes} classes")'''

# name -> (text, other helpers that it calls)
HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "check_labels": (_CHECK_LABELS, ()),
    "sigmoid": (_SIGMOID, ()),
    "log_softmax": (_LOG_SOFTMAX, ()),
    "logsumexp": (_LOGSUMEXP, ()),
    "relu": ('''\
def relu(x):
    """The positive part."""
    return np.maximum(x, 0)''', ()),
    "leaky_relu": ('''\
def leaky_relu(x, slope):
    """x where it is positive, slope * x elsewhere."""
    return np.maximum(x, x * slope) if slope <= 1 else np.minimum(x, x * slope)''', ()),
    "softplus": ('''\
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return np.logaddexp(x, 0)''', ()),
    "gelu": ('''\
def gelu(x):
    """Gaussian error linear unit, in the form with tanh."""
    z = np.clip(x, -30.0, 30.0)
    return sigmoid((z + z * z * z * 0.044715) * 1.5957691216057308) * x''', ("sigmoid",)),
    "softmax": ('''\
def softmax(x, axis):
    """exp(x) divided by its sum along an axis."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)''', ()),
    "softmax_cross_entropy": ('''\
def softmax_cross_entropy(logits, labels):
    """-log of the softmax at the label, for class numbers or for probabilities."""
    if labels.shape != logits.shape[:-1]:
        scores = np.where(labels == 0, 0, log_softmax(logits, axis=-1))
        scores = np.multiply(scores, labels, out=scores, where=labels != 0, casting="same_kind")
        return -np.sum(scores, axis=-1)
    check_labels(labels, logits.shape[-1])
    chosen = np.take_along_axis(logits, labels[..., None], axis=-1)
    return logsumexp(logits, axis=-1) - chosen.reshape(labels.shape)''',
        ("log_softmax", "check_labels", "logsumexp")),
    "one_hot": ('''\
def one_hot(labels, classes, dtype):
    """A row for each label: 1 at its place, 0 elsewhere."""
    check_labels(labels, classes)
    rows = np.zeros((*labels.shape, classes), dtype)
    np.put_along_axis(rows, labels[..., None], 1, axis=-1)
    return rows''', ("check_labels",)),
    "squared_error": ('''\
def squared_error(prediction, target):
    """Half of the sum of squared differences along the last axis."""
    difference = prediction - target.astype(prediction.dtype)
    square = difference * difference
    return (np.sum(square, axis=-1) if square.ndim else square) * 0.5''', ()),
    "binary_cross_entropy": ('''\
def binary_cross_entropy(logits, labels):
    """-log of the probability of the label, for labels from 0 to 1."""
    labels = labels.astype(logits.dtype)
    return np.logaddexp(-logits, 0) * labels + np.logaddexp(logits, 0) * (1 - labels)''', ()),
    "squared_norm": ('''\
def squared_norm(x):
    """The sum of the squares of all elements."""
    axes = list(range(x.ndim))
    return np.einsum(x, axes, x, axes, [])''', ()),
    "multiply_or_zero": ('''\
def multiply_or_zero(g, d):
    """g * d, and 0 where g is 0, whatever d is."""
    out = np.zeros(np.broadcast_shapes(g.shape, d.shape), np.result_type(g, d))
    return np.multiply(g, d, out=out, where=g != 0)''', ()),
    "divide_or_zero": ('''\
def divide_or_zero(g, d):
    """g / d, and 0 where g is 0, whatever d is."""
    out = np.zeros(np.broadcast_shapes(g.shape, d.shape), np.result_type(g, d, 1.0))
    return np.divide(g, d, out=out, where=g != 0)''', ()),
    "power_derivative": ('''\
def power_derivative(x, p):
    """p * x ** (p - 1), and 0 where p is 0."""
    out = np.zeros(np.broadcast_shapes(x.shape, p.shape), np.result_type(x, p))
    return np.power(x, p - 1, out=out, where=p != 0) * p''', ()),
    "exclusive_product": ('''\
def exclusive_product(x, axis):
    """The product along axes of all elements but the one in place."""
    kept = [each for each in range(x.ndim) if each not in axis]
    moved = np.transpose(x, (*kept, *axis))
    flat = moved.reshape(*(x.shape[each] for each in kept), -1 if x.size else 0)
    before, after = np.ones_like(flat), np.ones_like(flat)
    np.cumprod(flat[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(flat[..., :0:-1], axis=-1, out=after[..., -2::-1])
    product = (before * after).reshape(moved.shape)
    back = np.argsort((*kept, *axis))
    return np.ascontiguousarray(np.transpose(product, back)).reshape(x.shape)''', ()),
    "sinc": ('''\
def sinc(x, order):
    """The derivative of sin(pi x) / (pi x) of this order: a power series, or a recurrence."""
    if order == 0:
        return np.asarray(np.sinc(x), order="C")
    wide = x.astype(np.float64)
    is_near = np.abs(wide) < 1.2
    u, near = np.where(is_near, wide, 0), np.zeros(x.shape)
    for k in range((order + 1) // 2, (order + 1) // 2 + 24):
        weight = (-1) ** k * np.pi ** (2 * k) / (2 * k + 1) / math.factorial(2 * k - order)
        near += weight * u ** (2 * k - order)
    u = np.where(is_near, 1, wide)
    far = np.sinc(u)
    for n in range(1, order + 1):
        far = (np.pi ** (n - 1) * np.sin(np.pi * u + n * np.pi / 2) - n * far) / u
    return np.where(is_near, near, far).astype(x.dtype, order="C")''', ()),
    "bessel": ('''\
def bessel(x, order):
    """The modified Bessel function of the first kind of a whole order."""
    if order == 0:
        return np.asarray(np.i0(x), order="C")
    wide = x.astype(np.float64)
    is_near = np.abs(wide) < 20.0
    half = np.where(is_near, wide, 0) / 2
    term = half**order / math.factorial(order)
    near = np.array(term)
    for k in range(1, 60):
        term = term * half * half / (k * (k + order))
        near += term
    u, far = np.where(is_near, 0, wide), np.zeros(x.shape)
    for k in range(256):
        angle = 2 * np.pi * k / 256
        far += np.exp(u * math.cos(angle)) * (math.cos(order * angle) / 256)
    return np.where(is_near, near, far).astype(x.dtype, order="C")''', ()),
    "recurrence": ('''\
def recurrence(a, b, axis):
    """s with s[i] = a[i] * s[i - 1] + b[i] along an axis, and s[0] = b[0]."""
    s = np.empty(a.shape, np.result_type(a, b))
    rows, factors, terms = (np.moveaxis(each, axis, 0) for each in (s, a, b))
    for i in range(len(rows)):
        rows[i] = terms[i] if i == 0 else factors[i] * rows[i - 1] + terms[i]
    return s''', ()),
    "place": ('''\
def place(g, key, shape):
    """Zeros with g at the places of a basic index."""
    out = np.zeros(shape, g.dtype)
    out[key] = g
    return out''', ()),
    "add_at": ('''\
def add_at(g, key, shape):
    """Zeros with g added at the places of an index, as often as they occur."""
    out = np.zeros(shape, g.dtype)
    np.add.at(out, key, g)
    return out''', ()),
    "updated": ('''\
def updated(x, key, v):
    """A copy of x with v at the places of an index; of several for one place the last."""
    out = np.array(x, order="C")
    out[key] = v
    return out''', ()),
    "added_at": ('''\
def added_at(x, key, v):
    """A copy of x with v added at the places of an index, one after the other."""
    out = np.array(x, order="C")
    np.add.at(out, key, v)
    return out''', ()),
    "add_along_axis": ('''\
def add_along_axis(g, indices, axis, shape):
    """Zeros with g added at the places along one axis that the indices name."""
    rank = len(shape)
    key = [np.arange(n).reshape([-1 if i == k else 1 for i in range(rank)])
           for k, n in enumerate(shape)]
    key[axis] = indices
    out = np.zeros(shape, g.dtype)
    np.add.at(out, tuple(key), g)
    return out''', ()),
    **DRAW_HELPERS,
    **WINDOW_HELPERS,
    **MATRIX_HELPERS,
}  # fmt: skip
