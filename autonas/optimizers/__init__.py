"""Keras optimizers that update one flat vector of all weights."""
