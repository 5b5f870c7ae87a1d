"""Randomness of networks: what Keras draws follows from a seed."""

import contextlib
import random
import sys

import keras
import numpy as np

from autonas.backends import silence


@contextlib.contextmanager
def seeded(seed, number):
    """Initial weights, dropout and augmentation follow from the seed and the trial's number; the caller's global
    random states are left as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    # On any backend Keras imports TensorFlow for this, if there is one, which introduces itself.
    with contextlib.nullcontext() if "tensorflow" in sys.modules else silence.unless_wanted():
        keras.utils.set_random_seed(int(np.random.default_rng([seed, number]).integers(2**31)))
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
