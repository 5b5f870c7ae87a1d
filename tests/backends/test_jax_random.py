"""Uniform random numbers of JAX from numpy: the numbers of JAX, without a compiled function for each shape."""

import keras
import numpy as np
import pytest

if keras.backend.backend() != "jax":
    pytest.skip("They are numbers of JAX; see test_on_jax.py.", allow_module_level=True)

import jax

from autonas.backends import jax_random, seeding

KEY = jax.numpy.array([3, 2**32 - 5], "uint32")


@pytest.mark.parametrize("shape", [(), (1,), (3, 3, 16, 32), (0, 4)])
def test_numbers_are_those_of_jax(shape):
    expected = jax.random.uniform(KEY, shape, "float32", -0.3, 0.7)
    with jax_random.by_numpy():
        numbers = jax.random.uniform(KEY, shape, "float32", -0.3, 0.7)
    assert isinstance(numbers, jax.Array) and numbers.dtype == expected.dtype
    # XLA may round a product and a sum at once.
    np.testing.assert_allclose(numbers, expected, atol=1e-7)


def test_numbers_of_other_types_and_of_traced_keys_are_those_of_jax():
    expected = jax.random.uniform(KEY, (4,), "bfloat16"), jax.random.uniform(KEY, (4,))
    with jax_random.by_numpy():
        assert (jax.random.uniform(KEY, (4,), "bfloat16") == expected[0]).all()
        assert (jax.jit(lambda key: jax.random.uniform(key, (4,)))(KEY) == expected[1]).all()


def test_layers_are_built_without_compiled_random_numbers():
    original, compiled = jax.random.uniform, []

    def listen(event, duration, **details):
        if event.endswith("backend_compile_duration"):
            compiled.append(details.get("fun_name"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        with seeding.seeded(0, 0):
            keras.layers.Dense(19).build((None, 23))
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert "jit(_uniform)" not in compiled
    assert jax.random.uniform is original
