"""Networks, forward, in plain NumPy."""

import numpy as np


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def mlp_cross_entropy(W1, b1, W2, b2, X, labels):
    hidden = np.maximum(0, X @ W1 + b1)
    scores = hidden @ W2 + b2
    scores -= scores.max(axis=1, keepdims=True)
    log_prob = scores - np.log(np.sum(np.exp(scores), axis=1, keepdims=True))
    return -log_prob[np.arange(len(labels)), labels].mean()


def mlp_cross_entropy_arguments(rng):
    return (rng.standard_normal((6, 10)), np.zeros(10) + 0.1, rng.standard_normal((10, 3)),
            np.zeros(3), rng.standard_normal((20, 6)), rng.integers(0, 3, 20))  # fmt: skip


def lstm(x, h, c, W, b):
    outputs = np.zeros((x.shape[0], *h.shape))
    n = h.shape[-1]
    for t in range(x.shape[0]):
        gates = np.concatenate([x[t], h], axis=-1) @ W + b
        i, f, o = (_sigmoid(gates[:, k * n : (k + 1) * n]) for k in range(3))
        g = np.tanh(gates[:, 3 * n :])
        c = f * c + i * g
        h = o * np.tanh(c)
        outputs[t] = h
    return outputs, c


def lstm_arguments(rng):
    return (rng.standard_normal((7, 4, 5)), np.zeros((4, 6)), np.zeros((4, 6)),
            0.3 * rng.standard_normal((11, 24)), np.zeros(24))  # fmt: skip


def gru(x, h, Wz, Wr, Wh):
    for xt in x:
        both = np.hstack([xt, h])
        z, r = _sigmoid(both @ Wz), _sigmoid(both @ Wr)
        candidate = np.tanh(np.hstack([xt, r * h]) @ Wh)
        h = (1 - z) * h + z * candidate
    return h


def gru_arguments(rng):
    return (rng.standard_normal((6, 3, 4)), np.zeros((3, 5)),
            *(0.3 * rng.standard_normal((9, 5)) for _ in range(3)))  # fmt: skip


def attention(x, Wq, Wk, Wv, Wo):
    B, T, C = x.shape
    heads = 2

    def split(y):
        return y.reshape(B, T, heads, C // heads).transpose(0, 2, 1, 3)

    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(C // heads)
    mask = np.triu(np.ones((T, T), dtype=bool), k=1)
    scores = np.where(mask, -np.inf, scores)
    y = (_softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(B, T, C)
    return y @ Wo


def attention_arguments(rng):
    return rng.standard_normal((2, 5, 8)), *(rng.standard_normal((8, 8)) for _ in range(4))


def transformer_block(x, Wqkv, Wo, W1, W2, gain):
    def norm(x):
        return gain * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)

    q, k, v = np.split(norm(x) @ Wqkv, 3, axis=-1)
    weights = _softmax(np.einsum("td,sd->ts", q, k) / np.sqrt(q.shape[-1]))
    x = x + weights @ v @ Wo
    hidden = norm(x) @ W1
    gelu = 0.5 * hidden * (1 + np.tanh(np.sqrt(2 / np.pi) * (hidden + 0.044715 * hidden**3)))
    return x + gelu @ W2


def transformer_block_arguments(rng):
    d = 6
    return (rng.standard_normal((5, d)), rng.standard_normal((d, 3 * d)),
            rng.standard_normal((d, d)), rng.standard_normal((d, 4 * d)),
            rng.standard_normal((4 * d, d)), np.ones(d))  # fmt: skip


def conv2d_loops(images, weights, bias):
    K, _, _, C = weights.shape
    N, H, W, _ = images.shape
    out = np.empty((N, H - K + 1, W - K + 1, C), dtype=images.dtype)
    for i in range(H - K + 1):
        for j in range(W - K + 1):
            out[:, i, j, :] = np.sum(
                images[:, i : i + K, j : j + K, :, np.newaxis] * weights[np.newaxis], axis=(1, 2, 3)
            )
    return out + bias


def conv2d_loops_arguments(rng):
    return rng.standard_normal((2, 7, 8, 3)), rng.standard_normal((3, 3, 3, 4)), np.ones(4)


def conv2d_windows(images, weights):
    windows = np.lib.stride_tricks.sliding_window_view(images, weights.shape[2:], axis=(2, 3))
    return np.tensordot(windows, weights, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


def conv2d_windows_arguments(rng):
    return rng.standard_normal((2, 3, 8, 9)), rng.standard_normal((4, 3, 3, 3))


def im2col_convolution(x, w):
    N, C, H, W = x.shape
    F, _, k, _ = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    columns = np.zeros((N, C, k, k, H, W))
    for i in range(k):
        for j in range(k):
            columns[:, :, i, j, :, :] = x[:, :, i : i + H, j : j + W]
    columns = columns.transpose(0, 4, 5, 1, 2, 3).reshape(N * H * W, -1)
    return (columns @ w.reshape(F, -1).T).reshape(N, H, W, F).transpose(0, 3, 1, 2)


def im2col_convolution_arguments(rng):
    return rng.standard_normal((2, 3, 6, 6)), rng.standard_normal((4, 3, 3, 3))


def max_pool_loops(x):
    N, H, W, C = x.shape
    out = np.empty([N, H // 2, W // 2, C], dtype=x.dtype)
    for i in range(H // 2):
        for j in range(W // 2):
            out[:, i, j, :] = np.max(x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :], axis=(1, 2))
    return out


def max_pool_loops_arguments(rng):
    return (rng.standard_normal((2, 8, 6, 3)),)


def batch_norm(x, gamma, beta):
    mean = x.mean(axis=(0, 2, 3), keepdims=True)
    std = np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + 1e-5)
    y = (x - mean) / std * gamma.reshape(1, -1, 1, 1) + beta.reshape(1, -1, 1, 1)
    return np.maximum(y, 0.1 * y)


def batch_norm_arguments(rng):
    return rng.standard_normal((4, 3, 5, 5)), rng.random(3), rng.standard_normal(3)


def embedding_bag(table, words, lengths):
    vectors = table[words]
    keep = np.arange(words.shape[1]) < lengths[:, None]
    return np.sum(vectors * keep[..., None], axis=1) / lengths[:, None]


def embedding_bag_arguments(rng):
    return rng.standard_normal((20, 6)), rng.integers(0, 20, (5, 7)), rng.integers(1, 8, 5)


def word2vec(centre, context, pairs, negatives):
    u = centre[pairs[:, 0]]
    positive = np.einsum("bd,bd->b", u, context[pairs[:, 1]])
    negative = np.einsum("bd,bkd->bk", u, context[negatives])
    return np.mean(np.logaddexp(0, -positive)) + np.mean(np.logaddexp(0, negative))


def word2vec_arguments(rng):
    return (rng.standard_normal((12, 5)), rng.standard_normal((12, 5)),
            rng.integers(0, 12, (9, 2)), rng.integers(0, 12, (9, 4)))  # fmt: skip


def autoencoder(X, layers):
    h = X
    for W, b in layers:
        h = np.tanh(h.dot(W) + b)
    return ((h - X) ** 2).mean()


def autoencoder_arguments(rng):
    sizes = (8, 4, 2, 4, 8)
    layers = [(rng.standard_normal((a, b)), np.zeros(b)) for a, b in zip(sizes, sizes[1:])]
    return rng.standard_normal((10, 8)), layers


def variational_autoencoder(x, We, Wd, noise):
    mean, log_var = np.split(np.tanh(x @ We), 2, axis=1)
    z = mean + np.exp(0.5 * log_var) * noise
    logits = z @ Wd
    reconstruction = np.sum(np.logaddexp(0, logits) - (x > 0) * logits, axis=1)
    kl = -0.5 * np.sum(1 + log_var - mean**2 - np.exp(log_var), axis=1)
    return np.mean(reconstruction + kl)


def variational_autoencoder_arguments(rng):
    return (rng.standard_normal((6, 7)), rng.standard_normal((7, 6)), rng.standard_normal((3, 7)),
            rng.standard_normal((6, 3)))  # fmt: skip


def neural_ode(x, W1, W2):
    for _ in range(10):
        k = np.tanh(x @ W1) @ W2
        x = x + 0.1 * np.tanh((x + 0.05 * k) @ W1) @ W2
    return x


def neural_ode_arguments(rng):
    return rng.standard_normal((4, 3)), rng.standard_normal((3, 8)), rng.standard_normal((8, 3))


def graph_convolution(adjacency, X, W1, W2):
    A = adjacency + np.eye(len(adjacency))
    D = np.diag(np.power(A.sum(axis=0), -0.5))
    S = D @ A @ D
    return _softmax(S @ np.maximum(S @ X @ W1, 0) @ W2, axis=1)


def graph_convolution_arguments(rng):
    A = (rng.random((10, 10)) < 0.3).astype(float)
    return (np.maximum(A, A.T), rng.standard_normal((10, 4)), rng.standard_normal((4, 5)),
            rng.standard_normal((5, 3)))  # fmt: skip


def contrastive(a, b):
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = b / np.linalg.norm(b, axis=1, keepdims=True)
    logits = a @ b.T / 0.5
    loss = np.diag(logits - np.log(np.exp(logits).sum(1, keepdims=True))).mean()
    return -loss


def contrastive_arguments(rng):
    return rng.standard_normal((6, 5)), rng.standard_normal((6, 5))


def adam_by_hand(w, X, y):
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    for t in range(1, 11):
        g = X.T @ (X @ w - y) / len(y)
        m[:] = 0.9 * m + 0.1 * g
        v[:] = 0.999 * v + 0.001 * g**2
        w = w - 0.1 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w


def adam_by_hand_arguments(rng):
    return rng.standard_normal(4), rng.standard_normal((20, 4)), rng.standard_normal(20)


def ctc_loss(logits, labels):
    """The forward recursion in logarithms, blank = 0."""
    log_prob = logits - np.logaddexp.reduce(logits, axis=1)[:, None]
    extended = np.zeros(2 * len(labels) + 1, dtype=int)
    extended[1::2] = labels
    alpha = np.full(len(extended), -1e30)
    alpha[:2] = log_prob[0, extended[:2]]
    for t in range(1, len(logits)):
        shifted = np.concatenate([[-1e30], alpha[:-1]])
        skipped = np.concatenate([[-1e30, -1e30], alpha[:-2]])
        allowed = (extended != 0) & (extended != np.roll(extended, 2))
        best = np.logaddexp(alpha, shifted)
        alpha = np.where(allowed, np.logaddexp(best, skipped), best) + log_prob[t, extended]
    return -np.logaddexp(alpha[-1], alpha[-2])


def ctc_loss_arguments(rng):
    return rng.standard_normal((10, 5)), np.array([1, 3, 2])
