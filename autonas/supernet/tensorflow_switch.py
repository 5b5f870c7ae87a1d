"""A switch between branches on TensorFlow that computes the chosen one again for its gradient."""

import keras
import tensorflow as tf


def applies(branches):
    """Whether branches can be switched so: they draw no random numbers and have weights that are variables.

    Args:
        branches: List of functional models.
    """
    variables = [variable for branch in branches for variable in branch.variables]
    return all(
        isinstance(variable.value, tf.Variable) and variable.name != "seed_generator_state" for variable in variables
    )


def switch(chosen, branches, positions, inputs, training):
    """The output of the chosen branch.

    TensorFlow's own gradient of a switch hands on what the gradient of *each* branch needs, which for small branches
    costs more than to compute the chosen one twice: a step of a cell with 8 operations an edge takes a fifth less.

    Args:
        chosen: Position of the branch, an integer tensor.
        branches: List of functional models, or of `None` for one that passes its input on.
        positions: List with, for each branch, the positions of its inputs in `inputs`.
        inputs: List of tensors.
        training: As in `keras.layers.Layer.call`.
    """

    def run(place, inputs):
        arguments = [inputs[position] for position in positions[place]]
        return arguments[0] if branches[place] is None else branches[place].call(arguments, training=training)

    def gradients(place, inputs, variables, slope):
        """Of the output of a branch in all inputs and variables: zeros for those of other branches."""
        own = set() if branches[place] is None else {id(each.value) for each in branches[place].trainable_variables}
        used = {id(inputs[position]) for position in positions[place]} | own
        sources = [each for each in [*inputs, *variables] if id(each) in used]
        # The first time, statistics were assigned for good.
        with keras.StatelessScope(), tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            output = run(place, inputs)
        slopes = tape.gradient(output, sources, slope, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found = {id(source): tf.convert_to_tensor(slope) for source, slope in zip(sources, slopes, strict=True)}
        others = {id(each): tf.zeros(each.shape, each.dtype) for each in variables if id(each) not in found}
        others |= {id(each): tf.zeros_like(each) for each in inputs if id(each) not in found}
        return [(found | others)[id(each)] for each in [*inputs, *variables]]

    @tf.custom_gradient
    def switched(*inputs):
        outputs = tf.switch_case(chosen, [lambda place=place: tf.identity(run(place, inputs)) for place in places])

        def gradient(slope, variables=()):
            branch_gradients = [lambda place=place: gradients(place, inputs, variables, slope) for place in places]
            found = tf.switch_case(chosen, branch_gradients)
            return found[: len(inputs)], found[len(inputs) :]

        return outputs, gradient

    places = range(len(branches))
    chosen = tf.convert_to_tensor(chosen)
    return switched(*inputs)
