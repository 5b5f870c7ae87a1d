"""Switch between branches for TensorFlow that recomputes the selected branch for its gradient."""

import functools

import tensorflow as tf


def applies(branches):
    """Return whether `switch` supports `branches`, which draw no random numbers, so that they can be recomputed.

    Args:
        branches: List of functional models.
    """
    return all(variable.name != "seed_generator_state" for branch in branches for variable in branch.variables)


def switch(chosen, run, options, inputs, weights):
    """Return the result of the selected branch.

    The default gradient of a switch in TensorFlow keeps the intermediate tensors of all branches. For small branches
    this costs more time than computing the selected branch twice.

    Args:
        chosen: Index of the branch, an integer tensor.
        run: Function from the index of a branch, `inputs` and `weights` to its output tensor and nested lists of other
            tensors, which have no gradient.
        options: Sequence of the indices of the branches.
        inputs: List of tensors.
        weights: Nested lists of tensors.
    """
    chosen = tf.convert_to_tensor(chosen)
    arguments = [list(inputs), weights]
    leaves = [tf.convert_to_tensor(leaf) for leaf in tf.nest.flatten(arguments)]

    def forward(option, leaves):
        output, others = run(option, *tf.nest.pack_sequence_as(arguments, leaves))
        return tf.identity(output), others

    def slopes(option, leaves, upstream):
        """Return the gradients of a branch in all inputs and weights."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(leaves)
            output, _ = forward(option, leaves)
        return tape.gradient(output, leaves, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    @tf.custom_gradient
    def switched(*leaves):
        results = tf.switch_case(chosen, [functools.partial(forward, option, leaves) for option in options])

        def gradient(upstream, *_):
            return tf.switch_case(chosen, [functools.partial(slopes, option, leaves, upstream) for option in options])

        return results, gradient

    return switched(*leaves)
