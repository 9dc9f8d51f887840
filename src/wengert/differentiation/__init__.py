"""Floor 3: a graph becomes the graph that also computes its gradients."""
