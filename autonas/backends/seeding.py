"""Seeds for the random numbers of Keras: initial weights, dropout and augmentation."""

import contextlib
import random
import sys
import threading

import keras
import numpy as np

from autonas.backends import silence

#: Lock of all code that builds layers: Keras draws their seeds from the random state of the process, which all threads
#: share, so that a layer of one thread would change the numbers of another.
BUILDING = threading.RLock()


@contextlib.contextmanager
def seeded(seed, number):
    """Return a context in which networks are built with random numbers that depend on a seed and a trial only.

    Initial weights and the seeds of dropout and augmentation are drawn when layers are built. Therefore building needs
    this context, and training doesn't. A lock lets one thread in at a time, so that searches in several threads are
    reproducible.

    The random states of Python and numpy are restored at the end. Keras's global generator and the random states of
    TensorFlow and PyTorch keep the seed, since layers without a generator of their own draw from them in training.

    Args:
        seed: Seed of the search.
        number: Number of the trial.
    """
    with BUILDING:
        python_state, numpy_state = random.getstate(), np.random.get_state()
        # Keras imports TensorFlow here on any backend, if installed, and TensorFlow prints messages.
        with contextlib.nullcontext() if "tensorflow" in sys.modules else silence.unless_wanted():
            keras.utils.set_random_seed(int(np.random.default_rng([seed, number]).integers(2**31)))
        try:
            with _without_compilation():
                yield
            # Layers without a seed generator use one of this thread, which is created at its first use.
            keras.random.uniform((1,))
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def _without_compilation():
    """Return a context in which the initial weights of a network are drawn without compiled functions."""
    if keras.backend.backend() != "jax":
        return contextlib.nullcontext()
    from autonas.backends import jax_random

    return jax_random.by_numpy()
