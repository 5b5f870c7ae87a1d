"""Randomness of networks: what Keras draws follows from a seed."""

import contextlib
import random
import sys
import threading

import keras
import numpy as np

from autonas.backends import silence

#: Keras seeds layers from the random state of the process, which other threads may be using at the same time.
_LOCK = threading.RLock()


@contextlib.contextmanager
def seeded(seed, number):
    """Make what is built in this context follow from the seed and the trial's number.

    Initial weights and the generators of dropout and augmentation are drawn when layers are built, so that only
    building needs this context, not training. Threads take turns: two searches in one process don't change each other's
    numbers. The caller's global random states are left as they were.
    """
    with _LOCK:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        # On any backend Keras imports TensorFlow for this, if there is one, which introduces itself.
        with contextlib.nullcontext() if "tensorflow" in sys.modules else silence.unless_wanted():
            keras.utils.set_random_seed(int(np.random.default_rng([seed, number]).integers(2**31)))
        try:
            yield
            # Layers without a generator of their own draw from one of this thread, which its first use makes.
            keras.random.uniform((1,))
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
