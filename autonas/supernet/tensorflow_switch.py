"""Switch between branches for TensorFlow that recomputes parts of the selected branch for its gradient."""

import functools

import tensorflow as tf

from autonas.backends import tensorflow_residuals

#: Maximum number of residuals of a branch. Results of further convolutions are computed again for the gradient.
_MOST_RESIDUALS = 4


def applies(branches):
    """Return whether `switch` supports `branches`, which draw no random numbers, so that they can be recomputed.

    Args:
        branches: List of functional models.
    """
    return all(variable.name != "seed_generator_state" for branch in branches for variable in branch.variables)


def switch(chosen, run, options, inputs, weights):
    """Return the result of the selected branch.

    The default gradient of a switch in TensorFlow has an output for each intermediate tensor of each branch. For small
    branches this costs more time than computing the selected branch twice. Here, all branches share a few outputs for
    the results of convolutions, and only the rest is computed twice.

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

    shapes = {}

    def forward(option, leaves):
        with tensorflow_residuals.recorded(_MOST_RESIDUALS) as residuals:
            output, others = run(option, *tf.nest.pack_sequence_as(arguments, leaves))
        shapes[option] = [tensor.shape for tensor in residuals]
        missing = [tf.zeros(())] * (_MOST_RESIDUALS - len(residuals))
        return tf.identity(output), others, [*residuals, *missing]

    def slopes(option, leaves, residuals, upstream):
        """Return the gradients of a branch in all inputs and weights."""
        known = [tf.ensure_shape(tensor, shape) for tensor, shape in zip(residuals, shapes[option], strict=False)]
        sources = [*known, *leaves]
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(sources)
            with tensorflow_residuals.replayed(known) as replaced:
                output, _ = run(option, *tf.nest.pack_sequence_as(arguments, leaves))
        gradients = tape.gradient(output, sources, upstream)
        # A residual depends on the leaves and on earlier residuals.
        for index in reversed(range(len(known))):
            if gradients[index] is not None:
                inner = tape.gradient(replaced[index], sources, gradients[index])
                gradients = list(map(_sum, gradients, inner))
        of_leaves = zip(leaves, gradients[len(known) :], strict=True)
        return [tf.zeros_like(leaf) if gradient is None else gradient for leaf, gradient in of_leaves]

    @tf.custom_gradient
    def switched(*leaves):
        output, others, residuals = tf.switch_case(
            chosen, [functools.partial(forward, option, leaves) for option in options]
        )

        def gradient(upstream, *_):
            return tf.switch_case(
                chosen, [functools.partial(slopes, option, leaves, residuals, upstream) for option in options]
            )

        return (output, others), gradient

    return switched(*leaves)


def _sum(first, second):
    """Return the sum of two gradients, of which `None` is zero."""
    if first is None or second is None:
        return second if first is None else first
    return first + second
