"""Floor 6: where tracing, differentiation, rewriting and planning are put together."""
