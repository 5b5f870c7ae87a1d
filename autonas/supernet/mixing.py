"""Mixing layers: all options of a decision at once, one of them chosen at run time or all of them weighted."""

import functools

import keras
import numpy as np
from keras import ops


class Selector:
    """The state of one decision of a supernet, shared by all places where the decision is met.

    Args:
        name: Full name of the decision.
        labels: List of its options.
        default: The option chosen to begin with.

    Attributes:
        allowed: Set of the labels that every place can offer.
        index: Variable, int32 scalar: the position in `labels` of the option chosen in select mode.
        logits: Trainable variable of shape `(len(labels),)`: the architecture parameters of blend and sample mode.
        noise: Variable of the shape of `logits`: the Gumbel noise of sample mode.
    """

    def __init__(self, name, labels, default):
        self.name = name
        self.labels = list(labels)
        self.allowed = set(labels)
        shape = (len(self.labels),)
        self.index = keras.Variable(self.labels.index(default), dtype="int32", trainable=False, name="index")
        self.logits = keras.Variable("zeros", shape=shape, dtype="float32", name="logits")
        self.noise = keras.Variable("zeros", shape=shape, dtype="float32", trainable=False, name="noise")

    def restrict(self, labels):
        """Leaves only `labels` of those allowed."""
        self.allowed &= set(labels)

    def mask(self):
        """Array of the shape of `logits`: 0 for an allowed label, very low for others."""
        return np.array([0.0 if label in self.allowed else -1e9 for label in self.labels], "float32")

    def probabilities(self):
        """The distribution over labels, softmax(logits), as a tensor."""
        return ops.softmax(self.logits + self.mask())


class Mode:
    """How the mixing layers of a supernet work; what is set here holds for functions traced from then on.

    Attributes:
        name: `"select"`, `"sample"` or `"blend"`; see `Supernet`.
        has_auxiliary_skip: Whether layers in blend mode add their input, times `auxiliary_skip`.
        auxiliary_skip: Variable, scalar.
        temperature: Variable, scalar: that of the softmax of sample mode.
    """

    def __init__(self):
        self.name = "select"
        self.has_auxiliary_skip = False
        self.auxiliary_skip = keras.Variable(1.0, dtype="float32", trainable=False, name="auxiliary_skip")
        self.temperature = keras.Variable(1.0, dtype="float32", trainable=False, name="temperature")


class Mixing(keras.layers.Layer):
    """What mixing layers share: weights of options, and the choice between them.

    Args:
        selector: The decision's `Selector`.
        mode: The supernet's `Mode`.
        options: List with a tuple of labels for each option.
    """

    def __init__(self, selector, mode, options):
        super().__init__()
        self.selector = selector
        self.mode = mode
        self.options = [tuple(labels) for labels in options]
        # Variables are known to a layer, and to whatever calls it as a function of its variables, by being attributes.
        self.index, self.logits, self.noise = selector.index, selector.logits, selector.noise
        self.auxiliary_skip, self.temperature = mode.auxiliary_skip, mode.temperature

    def option_of(self, label):
        """Position of the option that `label` belongs to; the first for a label that is of another place."""
        return next((place for place, labels in enumerate(self.options) if label in labels), 0)

    def chosen(self):
        """Position of the chosen option, as a tensor."""
        places = [self.option_of(label) for label in self.selector.labels]
        if places == list(range(len(places))):
            return ops.convert_to_tensor(self.index)
        return ops.take(np.array(places, "int32"), self.index)

    def weights_of_options(self, logits):
        """The softmax over the labels of this place, summed over those of each option, `(len(options),)`."""
        membership = np.array(
            [[label in labels for label in self.selector.labels] for labels in self.options], "float32"
        )
        outside = np.where(membership.any(axis=0), 0.0, -1e9).astype("float32")
        return ops.matmul(membership, ops.softmax(logits + self.selector.mask() + outside))

    def gate(self, chosen):
        """1, with the gradient of the chosen option's weight under Gumbel noise (the straight-through estimator)."""
        weights = self.weights_of_options((self.logits + self.noise) / self.temperature)
        weight = ops.take(weights, chosen)
        return 1.0 + weight - ops.stop_gradient(weight)

    def call_option(self, place, inputs, training):
        """The outputs of the option at `place`, a list of tensors."""
        raise NotImplementedError

    def switch(self, chosen, inputs, training):
        """The outputs of the chosen option, computed alone."""
        places = range(len(self.options))
        return ops.switch(chosen, [lambda place=place: self.call_option(place, inputs, training) for place in places])

    def blend(self, inputs, training):
        """The sum of the outputs of all options, each times its weight."""
        weights = self.weights_of_options(self.logits)
        results = [self.call_option(place, inputs, training) for place in range(len(self.options))]
        weighted = [
            [ops.cast(weights[place], part.dtype) * part for part in parts] for place, parts in enumerate(results)
        ]
        return [functools.reduce(ops.add, parts) for parts in zip(*weighted, strict=True)]

    def mix(self, inputs, training):
        if self.mode.name == "blend":
            return self.blend(inputs, training)
        chosen = self.chosen()
        outputs = self.switch(chosen, inputs, training)
        if self.mode.name == "sample":
            gate = self.gate(chosen)
            outputs = [ops.cast(gate, output.dtype) * output for output in outputs]
        return outputs


class LayerMixing(Mixing):
    """One of several branches on the same tensors, or their weighted sum.

    Args:
        selector: The decision's `Selector`.
        mode: The supernet's `Mode`.
        options: List with a tuple of labels for each branch.
        branches: List of functional models, each with one output; `None` for a branch that passes a tensor on.
        positions: List with, for each branch, the positions of its inputs among the layer's.
        skips: Whether the first of the layer's inputs, of the shape of the output, may be added in blend mode.
    """

    def __init__(self, selector, mode, options, branches, positions, skips):
        super().__init__(selector, mode, options)
        self.branches = branches
        self.positions = positions
        self.skips = skips
        self.is_nested = False
        layers = [layer for branch in branches if branch is not None for layer in branch.layers]
        #: The mixing layers in its branches, one level down.
        self.inner = [layer for layer in layers if isinstance(layer, Mixing)]
        for layer in self.inner:
            layer.is_nested = True

    def compute_output_spec(self, inputs, training=None):
        for branch, positions in zip(self.branches, self.positions, strict=True):
            like = inputs[positions[0]] if branch is None else branch.outputs[0]
        return keras.KerasTensor(like.shape, like.dtype)

    def call(self, inputs, training=None):
        (outputs,) = self.mix(inputs, training)
        if self.mode.name == "blend" and self.mode.has_auxiliary_skip and self.skips:
            outputs = outputs + ops.cast(self.auxiliary_skip, outputs.dtype) * inputs[0]
        return outputs

    def call_option(self, place, inputs, training):
        arguments = [inputs[position] for position in self.positions[place]]
        branch = self.branches[place]
        return arguments if branch is None else [branch.call(arguments, training=bool(training))]

    def switch(self, chosen, inputs, training):
        if keras.backend.backend() == "tensorflow":
            from autonas.supernet import tensorflow_switch

            # Branches with switches of their own would be computed again at each level; and TensorFlow doesn't know how
            # to take the gradient of a switch around such a one.
            is_flat = not self.is_nested and not self.inner
            if is_flat and tensorflow_switch.applies([branch for branch in self.branches if branch is not None]):
                return [tensorflow_switch.switch(chosen, self.branches, self.positions, inputs, bool(training))]
        if keras.backend.backend() != "jax":
            return super().switch(chosen, inputs, training)
        # JAX can't assign a variable inside a branch, so that the new values are handed out and assigned outside.
        states = [[] if branch is None else branch.non_trainable_variables for branch in self.branches]

        def run(place):
            values = [[variable.value for variable in state] for state in states]
            arguments = [inputs[position] for position in self.positions[place]]
            branch = self.branches[place]
            if branch is None:
                return arguments, values
            weights = [variable.value for variable in branch.trainable_variables]
            output, values[place] = branch.stateless_call(weights, values[place], arguments, training=bool(training))
            return [output], values

        functions = [lambda place=place: run(place) for place in range(len(self.options))]
        outputs, values = ops.switch(chosen, functions)
        for variables, news in zip(states, values, strict=True):
            for variable, new in zip(variables, news, strict=True):
                variable.assign(new)
        return outputs


class InputMixing(Mixing):
    """One selection of several tensors, or their weighted sums.

    Args:
        selector: The decision's `Selector`.
        mode: The supernet's `Mode`.
        options: List with a tuple of labels for each selection.
        selections: List with, for each selection, the positions of its tensors among the layer's inputs.
    """

    def __init__(self, selector, mode, options, selections):
        super().__init__(selector, mode, options)
        self.selections = selections

    def compute_output_spec(self, inputs, training=None):
        return [keras.KerasTensor(inputs[place].shape, inputs[place].dtype) for place in self.selections[0]]

    def call(self, inputs, training=None):
        return list(self.mix(inputs, training))

    def call_option(self, place, inputs, training):
        return [inputs[position] for position in self.selections[place]]


class WidthMixing(Mixing):
    """The first channels of a tensor, as many as were chosen; zeros for the others (Wan et al. 2020).

    Args:
        selector: The decision's `Selector`.
        mode: The supernet's `Mode`.
        widths: List with the number of channels of each label.
    """

    def __init__(self, selector, mode, widths):
        super().__init__(selector, mode, [(label,) for label in selector.labels])
        self.widths = widths

    def compute_output_spec(self, inputs, training=None):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def call(self, inputs, training=None):
        masks = (np.arange(inputs.shape[-1]) < np.array(self.widths)[:, None]).astype("float32")
        if self.mode.name == "blend":
            mask = ops.matmul(self.weights_of_options(self.logits), masks)
        else:
            chosen = self.chosen()
            mask = ops.take(masks, chosen, axis=0)
            mask = mask * self.gate(chosen) if self.mode.name == "sample" else mask
        return inputs * ops.cast(mask, inputs.dtype)
