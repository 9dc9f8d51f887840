"""Machine code for a plan: kernels, vector mathematics, threads. The only room with llvmlite."""
