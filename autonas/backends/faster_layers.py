"""Forms of layers that a backend computes faster, for the time in which a model is traced."""

import contextlib

import keras


@contextlib.contextmanager
def faster(model):
    """Return a context in which layers are traced in forms that the backend computes faster.

    These are batch normalisation on TensorFlow, as one operation, and convolutions on JAX, as matrix products. On
    TensorFlow, results of convolutions are kept for gradients, see `tensorflow_residuals`.

    Args:
        model: A `keras.Model`.
    """
    with contextlib.ExitStack() as contexts:
        if keras.backend.backend() == "jax":
            from autonas.backends import jax_convolution

            contexts.enter_context(jax_convolution.by_products(model))
        elif keras.backend.backend() == "tensorflow":
            from autonas.backends import tensorflow_normalization, tensorflow_residuals

            contexts.enter_context(tensorflow_normalization.fused(model))
            contexts.enter_context(tensorflow_residuals.separated(model))
        yield
