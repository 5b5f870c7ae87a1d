"""Conversion of a Keras model to a TensorFlow function with constant weights, the input of the converters."""

from collections.abc import Sequence
from typing import Any

import keras

from autonas.backends import gradients
from autonas.runtimes import base
from autonas.runtimes.base import InputSpec


def constant_function(model: keras.Model, inputs: Sequence[InputSpec], traced_for_any_batch: bool = False) -> Any:
    """Return a model's prediction as a TensorFlow function, under Keras's TensorFlow or JAX backend.

    The weights are constants instead of variables: a conversion is several times as fast, and a converter can't lose
    any state.

    Args:
        model: A functional `keras.Model`.
        inputs: List of the `InputSpec`s of the model's inputs.
        traced_for_any_batch: Whether Keras traces the model with an unknown number of rows, under TensorFlow only.
            Defaults to `False`.

    Returns:
        Tuple of a `tf.function` of tensors named `input_<position>`, which returns a dict of tensors
        `output_<position>`, and the list of the inputs' `tf.TensorSpec`s.
    """
    import tensorflow as tf

    def predict(*tensors: Any) -> Any:
        return {f"output_{position}": output for position, output in enumerate(base.predict(model, tensors))}

    if keras.backend.backend() == "jax":
        from jax.experimental import jax2tf

        function = jax2tf.convert(predict, with_gradient=False)
    else:
        values = [variable.numpy() for variable in model.variables]

        def function(*tensors: Any) -> Any:
            with gradients.substituted(model.variables, [tf.constant(value) for value in values]):
                return predict(*tensors)

        if traced_for_any_batch:
            batchless_specs = [tf.TensorSpec((None, *spec.shape[1:]), spec.dtype) for spec in inputs]
            function = tf.function(function, input_signature=batchless_specs, autograph=False)

    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{position}") for position, spec in enumerate(inputs)]
    return tf.function(lambda *tensors: function(*tensors), input_signature=specs, autograph=False), specs
