"""TensorFlow implementation of `gradients`, of `precision` and of `memory`.

Graphs and gradient tapes use the variables themselves, which any branch of a graph can assign.
"""

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
    """Return the concrete function for `leaves`.

    A single `tf.function` for all shapes would warn of retracing.
    """

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
    # Convert the gradients of embeddings, which are `tf.IndexedSlices`, to dense tensors.
    return value, [tf.convert_to_tensor(gradient) for gradient in gradients]


def accelerators():
    """Return the kinds of the GPUs and TPUs; see `precision.suited_to`."""
    gpus = tf.config.get_visible_devices("GPU")
    capabilities = [tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus]
    return capabilities + ["tpu"] * len(tf.config.get_visible_devices("TPU"))


def grow_memory(added):
    """Enable memory growth on all GPUs, unless the user has set the variable of TensorFlow; see `memory.grow`."""
    with silence.unless_wanted():  # Without a GPU, CUDA prints a message.
        gpus = tf.config.get_visible_devices("GPU")
    if "TF_FORCE_GPU_ALLOW_GROWTH" not in added:
        return  # The user has set the variable, which takes precedence over `set_memory_growth`.
    for gpu in gpus:
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # The GPU is initialised already.
            warnings.warn(
                f"TensorFlow was initialised on {gpu.name} before `fit` and has allocated all of its memory, which "
                "leaves none for worker processes and other processes. Call "
                "tf.config.experimental.set_memory_growth(gpu, True), or set the environment variable "
                "TF_FORCE_GPU_ALLOW_GROWTH=true, before TensorFlow is first used.",
                stacklevel=4,
            )
        except ValueError:  # The user has split the GPU into virtual devices of fixed sizes.
            pass
