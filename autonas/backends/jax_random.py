"""Uniform random numbers of JAX from numpy: XLA would compile a function for every shape of initial weights."""

import contextlib
import math

import jax
import numpy as np

#: Rotations of the rounds of Threefry-2x32 (Salmon et al. 2011), and the constant of its key schedule.
_ROTATIONS, _PARITY = ((13, 15, 26, 6), (17, 29, 16, 24)), np.uint32(0x1BD11BDA)


@contextlib.contextmanager
def by_numpy():
    """Return a context in which `jax.random.uniform` computes numbers of known keys by numpy: the same numbers."""
    original = jax.random.uniform

    def uniform(key, shape=(), dtype=float, minval=0.0, maxval=1.0, **settings):
        is_raw = isinstance(key, jax.Array) and not isinstance(key, jax.core.Tracer) and key.dtype == "uint32"
        if not is_raw or settings or str(np.dtype(dtype)) != "float32" or not jax.config.jax_threefry_partitionable:
            return original(key, shape, dtype, minval, maxval, **settings)
        return jax.numpy.asarray(_uniform(np.asarray(key), shape, np.float32(minval), np.float32(maxval)))

    jax.random.uniform = uniform
    try:
        yield
    finally:
        jax.random.uniform = original


def _uniform(key, shape, low, high):
    bits = _threefry(key, math.prod(shape))
    # The bits are the mantissas of numbers from 1 to 2.
    unit = ((bits >> np.uint32(9)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1.0)
    return np.maximum(low, unit * (high - low) + low).reshape(shape)


def _threefry(key, n):
    """Return `n` random integers of 32 bits: the blocks of the counters 0, 1, ... with both words combined."""
    keys = [key[0], key[1], key[0] ^ key[1] ^ _PARITY]
    counters = np.arange(n, dtype="uint64")
    first, second = (counters >> np.uint64(32)).astype("uint32") + keys[0], counters.astype("uint32") + keys[1]
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            first = first + second
            second = (second << np.uint32(rotation)) | (second >> np.uint32(32 - rotation))
            second = first ^ second
        first = first + keys[(block + 1) % 3]
        second = second + keys[(block + 2) % 3] + np.uint32(block + 1)
    return first ^ second
