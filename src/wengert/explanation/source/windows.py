"""Convolution and pooling as small functions in plain NumPy, as they stand above emitted text.

Each keeps the order of arithmetic of the operator's record, so that the bits are the same.
"""

from __future__ import annotations

_CONVOLVED = ("stride", "padding", "dilation", "groups")
_POOLED = ("window", "stride", "padding")

# operator -> the attributes that its function takes
WINDOWED: dict[str, tuple[str, ...]] = {
    "conv2d": _CONVOLVED,
    "conv2d_input": ("image", *_CONVOLVED),
    "conv2d_weight": ("size", *_CONVOLVED),
    "avg_pool2d": (*_POOLED, "count_include_pad"),
    "avg_pool2d_input": ("image", *_POOLED, "count_include_pad"),
    "max_pool2d": _POOLED,
    "max_pool2d_input": _POOLED,
    "max_pool2d_pick": _POOLED,
}

# name -> (text, other functions that it calls)
WINDOW_HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pad_images": ('''\
def pad_images(x, padding, fill=0):
    """Images with rows and columns of padding around them."""
    around = [(0, 0), (0, 0), *((p, p) for p in padding)]
    return np.pad(x, around, constant_values=fill)''', ()),
    "windows": ('''\
def windows(x, size, stride, dilation=(1, 1)):
    """A view (batch, channels, rows and columns of the window, rows and columns of places)."""
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation)]
    slide = np.lib.stride_tricks.sliding_window_view
    view = slide(x, reach, (2, 3), writeable=True)[:, :, :: stride[0], :: stride[1]]
    return view[..., :: dilation[0], :: dilation[1]].transpose(0, 1, 4, 5, 2, 3)''', ()),
    "without_padding": ('''\
def without_padding(x, padding):
    """Images without the padding around them."""
    (top, left), (height, width) = padding, x.shape[2:]
    return np.ascontiguousarray(x[:, :, top : height - top, left : width - left])''', ()),
    "as_columns": ('''\
def as_columns(x, size, stride, padding, dilation, groups, dtype):
    """The windows of padded images as columns: (batch, groups, cells, places)."""
    cells = windows(pad_images(x.astype(dtype), padding), size, stride, dilation)
    n, c, kh, kw, rows, columns = cells.shape
    cells = np.ascontiguousarray(cells)
    return cells.reshape(n, groups, c // groups * kh * kw, rows * columns), (rows, columns)''',
        ("pad_images", "windows")),
    "conv2d": ('''\
def conv2d(x, w, stride, padding, dilation, groups):
    """Filters laid on every place of images, not flipped."""
    dtype = np.result_type(x, w)
    cells, places = as_columns(x, w.shape[2:], stride, padding, dilation, groups, dtype)
    filters = np.ascontiguousarray(w, dtype).reshape(groups, len(w) // groups, cells.shape[2])
    return (filters @ cells).reshape(len(x), len(w), *places)''', ("as_columns",)),
    "conv2d_input": ('''\
def conv2d_input(g, w, image, stride, padding, dilation, groups):
    """The adjoint of conv2d in the images."""
    dtype, (n, m, rows, columns) = np.result_type(g, w), g.shape
    filters = np.ascontiguousarray(w, dtype).reshape(groups, m // groups, w[0].size)
    g = np.ascontiguousarray(g, dtype).reshape(n, groups, m // groups, rows * columns)
    cells = filters.swapaxes(1, 2) @ g
    cells = cells.reshape(n, w.shape[1] * groups, *w.shape[2:], rows, columns)
    wide = [size + 2 * p for size, p in zip(image, padding)]
    x = np.zeros((n, w.shape[1] * groups, *wide), dtype)
    there = windows(x, w.shape[2:], stride, dilation)
    for i, j in np.ndindex(*w.shape[2:]):
        there[:, :, i, j] += cells[:, :, i, j]
    return without_padding(x, padding)''', ("windows", "without_padding")),
    "conv2d_weight": ('''\
def conv2d_weight(x, g, size, stride, padding, dilation, groups):
    """The adjoint of conv2d in the filters."""
    dtype, (n, m, rows, columns) = np.result_type(x, g), g.shape
    cells, _ = as_columns(x, size, stride, padding, dilation, groups, dtype)
    g = np.ascontiguousarray(g, dtype).reshape(n, groups, m // groups, rows * columns)
    w = np.zeros((groups, m // groups, cells.shape[2]), dtype)
    for image in range(n):
        w += g[image] @ cells[image].swapaxes(1, 2)
    return w.reshape(m, x.shape[1] // groups, *size)''', ("as_columns",)),
    "window_counts": ('''\
def window_counts(image, window, stride, padding, count_include_pad, dtype):
    """How many cells each mean is of."""
    ones = pad_images(np.ones((1, 1, *image), dtype), padding, fill=int(count_include_pad))
    return np.sum(windows(ones, window, stride), axis=(2, 3))''', ("pad_images", "windows")),
    "avg_pool2d": ('''\
def avg_pool2d(x, window, stride, padding, count_include_pad):
    """The mean of each window."""
    cells = windows(pad_images(x, padding), window, stride)
    total = np.zeros(cells.shape[:2] + cells.shape[4:], x.dtype)
    for i, j in np.ndindex(*window):
        total += cells[:, :, i, j]
    places = (window, stride, padding)
    return total / window_counts(x.shape[2:], *places, count_include_pad, x.dtype)''',
        ("pad_images", "windows", "window_counts")),
    "avg_pool2d_input": ('''\
def avg_pool2d_input(g, image, window, stride, padding, count_include_pad):
    """The adjoint of avg_pool2d."""
    share = g / window_counts(image, window, stride, padding, count_include_pad, g.dtype)
    x = pad_images(np.zeros(g.shape[:2] + image, g.dtype), padding)
    there = windows(x, window, stride)
    for i, j in np.ndindex(*window):
        there[:, :, i, j] += share
    return without_padding(x, padding)''',
        ("pad_images", "windows", "window_counts", "without_padding")),
    "max_pool2d": ('''\
def max_pool2d(x, window, stride, padding):
    """The maximum of each window; padding never is one."""
    cells = windows(pad_images(x, padding, fill=-np.inf), window, stride)
    top = np.full(cells.shape[:2] + cells.shape[4:], -np.inf, x.dtype)
    for i, j in np.ndindex(*window):
        top = np.maximum(top, cells[:, :, i, j])
    return np.ascontiguousarray(top)''', ("pad_images", "windows")),
    "window_ties": ('''\
def window_ties(x, window, stride, padding, dtype):
    """Which cells of each window are its maximum, and how many."""
    cells = windows(pad_images(x, padding, fill=np.nan), window, stride)
    ties = cells == max_pool2d(x, window, stride, padding)[:, :, None, None]
    return ties, np.maximum(np.sum(ties, axis=(2, 3)), 1).astype(dtype)''',
        ("pad_images", "windows", "max_pool2d")),
    "max_pool2d_input": ('''\
def max_pool2d_input(g, x, window, stride, padding):
    """The adjoint of max_pool2d at x: elements that tie share equally."""
    ties, count = window_ties(x, window, stride, padding, g.dtype)
    share = g / count
    found = pad_images(np.zeros(x.shape, g.dtype), padding)
    there = windows(found, window, stride)
    for i, j in np.ndindex(*window):
        there[:, :, i, j] += np.where(ties[:, :, i, j], share, 0)
    return without_padding(found, padding)''',
        ("window_ties", "pad_images", "windows", "without_padding")),
    "max_pool2d_pick": ('''\
def max_pool2d_pick(v, x, window, stride, padding):
    """The elements of v where x has the maximum of its window; their mean where several tie."""
    ties, count = window_ties(x, window, stride, padding, v.dtype)
    cells = windows(pad_images(v, padding), window, stride)
    total = np.zeros(count.shape, v.dtype)
    for i, j in np.ndindex(*window):
        total += np.where(ties[:, :, i, j], cells[:, :, i, j], 0)
    return total / count''', ("window_ties", "pad_images", "windows")),
}  # fmt: skip
