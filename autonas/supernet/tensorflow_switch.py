"""Switch between branches for TensorFlow that recomputes the selected branch for its gradient."""

import keras
import tensorflow as tf


def applies(branches):
    """Return whether `switch` supports `branches`.

    Recomputation requires that the branches draw no random numbers, and that their weights are TensorFlow variables.

    Args:
        branches: List of functional models.
    """
    variables = [variable for branch in branches for variable in branch.variables]
    return all(
        isinstance(variable.value, tf.Variable) and variable.name != "seed_generator_state" for variable in variables
    )


def switch(chosen, branches, positions, inputs, training):
    """Return the output of the selected branch.

    The default gradient of a switch in TensorFlow keeps the intermediate tensors of all branches. For small branches
    this costs more time than computing the selected branch twice.

    Args:
        chosen: Index of the branch, an integer tensor.
        branches: List of functional models, or `None` for a branch that returns its input.
        positions: List with, for each branch, the list of the indices of its inputs in `inputs`.
        inputs: List of tensors.
        training: As in `keras.layers.Layer.call`.
    """

    def run(option, inputs):
        arguments = [inputs[position] for position in positions[option]]
        return arguments[0] if branches[option] is None else branches[option].call(arguments, training=training)

    def gradients(option, inputs, variables, upstream):
        """Return the gradients of a branch in all inputs and variables, zeros for variables of other branches."""
        branch = branches[option]
        own = set() if branch is None else {id(variable.value) for variable in branch.trainable_variables}
        used = {id(inputs[position]) for position in positions[option]} | own
        sources = [tensor for tensor in [*inputs, *variables] if id(tensor) in used]
        # The forward pass has assigned the statistics already: discard the assignments of the recomputation.
        with keras.StatelessScope(), tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            output = run(option, inputs)
        slopes = tape.gradient(output, sources, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        computed = {id(source): tf.convert_to_tensor(slope) for source, slope in zip(sources, slopes, strict=True)}
        zeros = {id(tensor): tf.zeros(tensor.shape, tensor.dtype) for tensor in variables if id(tensor) not in computed}
        zeros |= {id(tensor): tf.zeros_like(tensor) for tensor in inputs if id(tensor) not in computed}
        return [(computed | zeros)[id(tensor)] for tensor in [*inputs, *variables]]

    @tf.custom_gradient
    def switched(*inputs):
        outputs = tf.switch_case(chosen, [lambda option=option: tf.identity(run(option, inputs)) for option in options])

        # TensorFlow passes the argument `variables` by name.
        def gradient(upstream, variables=()):
            functions = [lambda option=option: gradients(option, inputs, variables, upstream) for option in options]
            slopes = tf.switch_case(chosen, functions)
            return slopes[: len(inputs)], slopes[len(inputs) :]

        return outputs, gradient

    options = range(len(branches))
    chosen = tf.convert_to_tensor(chosen)
    return switched(*inputs)
