"""TensorFlow: graphs and tapes over the real variables, which may be assigned in any branch of a graph."""

import warnings

import keras
import tensorflow as tf

from autonas.backends import silence


def compiled(function, variables):
    traces = {}

    def call(*arguments):
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)
        leaves = keras.tree.flatten(tensors)
        key = (repr(keras.tree.map_structure(lambda _: 0, tensors)), *((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in traces:
            traces[key] = _trace(function, tensors, leaves)
        return traces[key](*leaves)

    return call


def _trace(function, tensors, leaves):
    """The concrete function: a `tf.function` would take new shapes for needless traces, and warn of them."""

    def flat(*leaves):
        return function(*keras.tree.pack_sequence_as(tensors, leaves))

    signature = [tf.TensorSpec(leaf.shape, leaf.dtype) for leaf in leaves]
    return tf.function(flat, autograph=False, jit_compile=False).get_concrete_function(*signature)


def value_and_gradient(function, variables):
    return _with_tape(function, [variable.value for variable in variables])


def value_and_gradient_at(function, values):
    values = [tf.convert_to_tensor(value) for value in values]
    return _with_tape(lambda: function(values), values)


def _with_tape(function, sources):
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(sources)
        value = function()
    gradients = tape.gradient(value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    # Those of embeddings come as the rows that were looked up.
    return value, [tf.convert_to_tensor(gradient) for gradient in gradients]


def accelerators():
    gpus = tf.config.get_visible_devices("GPU")
    found = [tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus]
    return found + ["tpu"] * len(tf.config.get_visible_devices("TPU"))


def grow_memory(added):
    with silence.unless_wanted():  # CUDA tells that there is none.
        gpus = tf.config.get_visible_devices("GPU")
    if "TF_FORCE_GPU_ALLOW_GROWTH" not in added:
        return  # The variable counts for more than what is set here.
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # It was in use before.
            warnings.warn(
                f"TensorFlow was using {gpu.name} before `fit` and has taken all of its memory: other processes, "
                "worker processes included, find none. Call tf.config.experimental.set_memory_growth(gpu, True), or "
                "set the environment variable TF_FORCE_GPU_ALLOW_GROWTH=true, before TensorFlow is first used.",
                stacklevel=4,
            )
        except ValueError:  # The user has split it into virtual devices of fixed sizes.
            pass
