"""Series to forecast."""

import numpy as np


def wave(length=240, noise=0.1):
    """A wave of 12 steps around a rising line."""
    time = np.arange(length)
    return 500 + time / 4 + 10 * np.sin(time * np.pi / 6) + noise * np.random.default_rng(0).normal(size=length)
