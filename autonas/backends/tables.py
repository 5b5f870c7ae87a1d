"""Updates of the rows of a table, an embedding of words for example, of which a training step uses a few."""

import keras
from keras import ops


def update(table, state, gradient, change):
    """Update the rows of a table that have a gradient. The other rows and their state stay as they are.

    On TensorFlow, the gradient of an embedding lists the rows that the inputs name, and only these are computed.

    Args:
        table: Keras variable `(rows, columns)`.
        state: Keras variable of the state of an optimizer, with the same shape.
        gradient: Gradient of the table.
        change: Function of gradients and states of some rows, both `(n, columns)`, that returns the numbers to subtract
            from the rows of the table, and the new states.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if isinstance(gradient, tf.IndexedSlices):
            rows, positions = tf.unique(gradient.indices)
            sums = tf.math.unsorted_segment_sum(tf.cast(gradient.values, "float32"), positions, tf.size(rows))
            changes, states = change(sums, tf.gather(state.value, rows))
            state.value.scatter_update(tf.IndexedSlices(states, rows))
            table.value.scatter_sub(tf.IndexedSlices(tf.cast(changes, table.dtype), rows))
            return
    gradient = ops.cast(gradient, "float32")
    has_gradient = ops.any(ops.not_equal(gradient, 0.0), axis=1, keepdims=True)
    changes, states = change(gradient, state.value)
    state.assign(ops.where(has_gradient, states, state.value))
    table.assign(table - ops.cast(ops.where(has_gradient, changes, 0.0), table.dtype))
