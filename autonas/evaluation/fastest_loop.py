"""The fastest training loop for a backend and a data set."""

import keras

from autonas.evaluation import loops


def make_loop(model, dataset, distribution=None, by_batch=False):
    """Return the fastest training loop for the backend and the data set, on all devices of `distribution`.

    Args:
        model: A compiled `keras.Model`.
        dataset: An `ArrayDataset`, or a stream.
        distribution: As in `BatchLoop`. Defaults to `None`.
        by_batch: Whether the loop must call the hooks for batches of Keras callbacks. Defaults to `False`.
    """
    if dataset.is_stream:
        return dataset.loop(model)
    if not model.trainable_variables:
        return loops.FittedLoop(model, dataset, distribution)
    if keras.backend.backend() == "tensorflow" and not by_batch:
        from autonas.evaluation import tensorflow_loop

        return tensorflow_loop.TensorFlowLoop(model, dataset)
    if _runs_in_one_loop_of_jax(model, distribution) and not by_batch:
        from autonas.evaluation import jax_loop

        return jax_loop.JaxLoop(model, dataset)
    return loops.BatchLoop(model, dataset, distribution)


def _runs_in_one_loop_of_jax(model, distribution):
    """Return whether a model is trained on one device of JAX, without steps that branch or are slow in a loop."""
    # Loss scaling branches in each step.
    is_scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    if keras.backend.backend() != "jax" or distribution is not None or is_scaled:
        return False
    from autonas.backends import jax_convolution

    return not jax_convolution.is_slow_in_loops(model)
