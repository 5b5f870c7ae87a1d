"""TensorFlow implementation of `gradients`, of `precision` and of `memory`.

Graphs and gradient tapes use the variables themselves, which any branch of a graph can assign.
"""

import functools
import warnings

import keras
import tensorflow as tf
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig
from tensorflow.python.eager import record

from autonas.backends import silence

#: Serialised `tf.compat.v1.ConfigProto` of functions that aren't simplified.
_NOT_SIMPLIFIED = tf.compat.v1.ConfigProto(
    allow_soft_placement=True,
    graph_options=tf.compat.v1.GraphOptions(rewrite_options=RewriterConfig(disable_meta_optimizer=True)),
).SerializeToString()


def compiled(function, variables, simplified=True):
    traces = {}

    def call(*arguments):
        tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, arguments)
        leaves = keras.tree.flatten(tensors)
        key = (repr(keras.tree.map_structure(lambda _: 0, tensors)), *((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in traces:
            trace = _trace(function, tensors, leaves)
            traces[key] = trace if simplified else functools.partial(_call_as_it_is, trace)
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


def _call_as_it_is(trace, *leaves):
    """Call a concrete function without simplifying its graph."""
    outputs = tf.raw_ops.StatefulPartitionedCall(
        args=[*leaves, *trace.captured_inputs],
        Tout=[output.dtype for output in trace.outputs],
        f=trace,
        config_proto=_NOT_SIMPLIFIED,
    )
    return None if trace.structured_outputs is None else tf.nest.pack_sequence_as(trace.structured_outputs, outputs)


def is_tracing():
    return not tf.executing_eagerly()


def reusable(function, inlined=True):
    traces = {}

    def call(values, inputs):
        arguments = [values, inputs]
        leaves = [tf.convert_to_tensor(leaf) for leaf in keras.tree.flatten(arguments)]
        # The gradient of a function is a single function, which would also compute derivatives that nobody asks for.
        # Inside the branch of a switch, tapes don't know the derivatives that are asked for.
        is_known = not tf.compat.v1.get_default_graph().outer_graph.building_function
        is_constant = tuple(
            is_known and leaf.dtype.is_floating and not record.should_record_backprop([leaf])
            for leaf in leaves[: len(values)]
        )
        if is_constant not in traces:
            traces[is_constant] = tf.function(
                functools.partial(with_constants, is_constant, arguments),
                autograph=False,
                jit_compile=False,
                experimental_attributes=None if inlined else {"_noinline": True},
            )
        return traces[is_constant](*leaves)

    def with_constants(is_constant, arguments, *leaves):
        values = [
            tf.stop_gradient(leaf) if constant else leaf for leaf, constant in zip(leaves, is_constant, strict=False)
        ]
        leaves = [*values, *leaves[len(values) :]]
        return function(*keras.tree.pack_sequence_as(arguments, leaves))

    return call


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
