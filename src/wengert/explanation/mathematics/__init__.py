"""The derivation of a joint graph: from operations to terms, from terms to printed lines."""
