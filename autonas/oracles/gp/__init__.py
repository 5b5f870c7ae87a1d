"""Gaussian processes: surrogates and acquisition functions of Bayesian optimisation."""
