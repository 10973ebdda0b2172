"""The mathematics of learning: small pure functions on the arrays of one item, batched from outside by `vmap`."""
