"""Floor 7: data sources, seeded minibatches and data sets."""
