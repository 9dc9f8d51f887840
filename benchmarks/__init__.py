"""Training steps side by side: Wengert, NumPy by hand, PyTorch, JAX; ``python -m benchmarks``."""
