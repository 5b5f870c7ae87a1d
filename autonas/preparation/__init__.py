"""Preparation: from the arguments and the data of `fit` to everything that a search needs."""
