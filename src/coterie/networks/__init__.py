"""Networks as tuples of pure functions that act on one example; what is carried are trees of arrays."""
