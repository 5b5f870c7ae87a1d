"""A model's predictions as a TensorFlow function whose weights are constants, which converters begin with."""

import keras

from autonas.backends import gradients
from autonas.runtimes import base


def constant_function(model, inputs, traced_for_any_batch=False):
    """The function, under Keras's TensorFlow and JAX backends.

    Weights that are constants and not variables make a conversion two to seven times as quick, and there is no state
    that a converter could lose.

    Args:
        model: A functional `keras.Model`.
        inputs: List of the `InputSpec` of each of its inputs.
        traced_for_any_batch: Whether Keras isn't told the number of rows when it traces the model; TensorFlow only.
            Defaults to `False`.

    Returns:
        A `tf.function` of tensors named `input_<position>`, which returns a dict of tensors `output_<position>`; and
        the list of its `tf.TensorSpec`s.
    """
    import tensorflow as tf

    def predict(*tensors):
        return {f"output_{place}": output for place, output in enumerate(base.predict(model, tensors))}

    if keras.backend.backend() == "jax":
        from jax.experimental import jax2tf

        function = jax2tf.convert(predict, with_gradient=False)
    else:
        values = [variable.numpy() for variable in model.variables]

        def function(*tensors):
            with gradients.substituted(model.variables, [tf.constant(value) for value in values]):
                return predict(*tensors)

        if traced_for_any_batch:
            loose = [tf.TensorSpec((None, *spec.shape[1:]), spec.dtype) for spec in inputs]
            function = tf.function(function, input_signature=loose, autograph=False)

    specs = [tf.TensorSpec(spec.shape, spec.dtype, name=f"input_{place}") for place, spec in enumerate(inputs)]
    return tf.function(lambda *tensors: function(*tensors), input_signature=specs, autograph=False), specs
