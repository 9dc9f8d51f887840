"""What kernels are made of: loop nests, gathers, products."""
