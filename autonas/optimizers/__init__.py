"""Optimizers: Keras optimizers over one flat vector of all weights."""
