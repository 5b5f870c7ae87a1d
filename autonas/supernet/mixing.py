"""Mixing layers: the options of a decision, of which one is selected at run time or all are added with weights."""

import contextlib
import functools

import keras
import numpy as np
from keras import ops

from autonas.backends import replaced_calls

#: Number added to the logits of excluded labels, which makes their probability 0.
_EXCLUDED = -1e9


class Selector:
    """State of a decision of a supernet, shared by all mixing layers of the decision.

    Args:
        name: Full name of the decision.
        labels: List of the labels of its options.
        default: Label that is selected initially.
        mode: The `Mode` of the supernet.

    Attributes:
        allowed: Set of the labels that all mixing layers of the decision support.
        index: Variable, int32 scalar: the index in `labels` of the selected option.
        logits: Trainable variable of shape `(len(labels),)`: the architecture parameters.
        noise: Variable of the shape of `logits`: the Gumbel noise of mode `"sample"`, or the logarithms of the drawn
            weights of mode `"blend"`.
    """

    def __init__(self, name, labels, default, mode):
        self.name = name
        self.mode = mode
        # Keras Tuner makes integers of truth values. `True` would be another key in JSON.
        self.labels = [int(label) if isinstance(label, bool) else label for label in labels]
        self.allowed = set(self.labels)
        shape = (len(self.labels),)
        self.index = keras.Variable(self.labels.index(default), dtype="int32", trainable=False, name="index")
        self.logits = keras.Variable("zeros", shape=shape, dtype="float32", name="logits")
        self.noise = keras.Variable("zeros", shape=shape, dtype="float32", trainable=False, name="noise")

    def restrict(self, labels):
        """Remove all labels that aren't in `labels` from the allowed labels."""
        self.allowed &= set(labels)

    def remove(self, labels):
        """Make the probability of `labels` 0, while the other labels share it in proportion to theirs."""
        is_removed = np.array([label in labels for label in self.labels])
        self.logits.assign(np.where(is_removed, _EXCLUDED, ops.convert_to_numpy(self.logits)))

    @contextlib.contextmanager
    def without(self, labels):
        """Return a context in which `labels` are removed; see `remove`."""
        logits = ops.convert_to_numpy(self.logits)
        self.remove(labels)
        try:
            yield
        finally:
            self.logits.assign(logits)

    def mask(self):
        """Return an additive mask, a tensor of the shape of `logits`: 0 for allowed labels, `_EXCLUDED` for others."""
        return ops.convert_to_tensor([0.0 if label in self.allowed else _EXCLUDED for label in self.labels], "float32")

    def scores(self):
        """Return the logarithms of the probabilities of the labels up to a constant, a tensor of the shape of `logits`.

        They are the logits a, or log(elu(a) + 1) if weights are drawn: the logarithms of the concentrations of a
        Dirichlet distribution, whose mean is proportional to them.
        """
        logits = ops.convert_to_tensor(self.logits)
        if not self.mode.draws_weights:
            return logits
        return ops.minimum(logits, 0.0) + ops.log1p(ops.maximum(logits, 0.0))

    def probabilities(self):
        """Return the distribution over the allowed labels, a tensor."""
        return ops.softmax(self.scores() + self.mask())


class Mode:
    """Mode of the mixing layers of a supernet. A change affects functions that are traced after it.

    Attributes:
        name: `"select"`, `"sample"` or `"blend"`; see `Supernet`.
        draws_weights: Whether the weights of mode `"blend"` are drawn from Dirichlet distributions (DrNAS, Chen et al.
            2021) by `Supernet.draw_weights`.
        has_auxiliary_skip: Whether layers in mode `"blend"` add their input, scaled by `auxiliary_skip`.
        traces: The `sharing.Traces` of the current call of the supernet, or `None`.
        auxiliary_skip: Variable, scalar: weight of the auxiliary skip connection.
        temperature: Variable, scalar: temperature of the softmax in mode `"sample"`.
    """

    def __init__(self):
        self.name = "select"
        self.draws_weights = False
        self.has_auxiliary_skip = False
        self.traces = None
        self.auxiliary_skip = keras.Variable(1.0, dtype="float32", trainable=False, name="auxiliary_skip")
        self.temperature = keras.Variable(1.0, dtype="float32", trainable=False, name="temperature")


class Mixing(keras.layers.Layer):
    """Base class of mixing layers: selection among options and their weighted sum.

    An option can have several labels. A `Repeat`, for example, has a mixing layer with the options "end here" and "go
    deeper", whose second option has the labels of all larger depths.

    Args:
        selector: The `Selector` of the decision.
        mode: The `Mode` of the supernet.
        options: List with a tuple of labels for each option.
    """

    def __init__(self, selector, mode, options):
        super().__init__()
        self.selector = selector
        self.mode = mode
        self.options = [tuple(labels) for labels in options]
        # Keras tracks the variables of a layer by its attributes.
        self.index, self.logits, self.noise = selector.index, selector.logits, selector.noise
        self.auxiliary_skip, self.temperature = mode.auxiliary_skip, mode.temperature

    def call(self, inputs, training=None):
        if self.mode.traces is None:
            return self.compute(inputs, bool(training))
        return self.mode.traces.call(self, inputs, bool(training))

    def compute(self, inputs, training):
        """Return the output of the layer, a tensor or a list of tensors.

        Args:
            inputs: List of tensors.
            training: Whether the layer is called in training.
        """
        raise NotImplementedError

    def variables_in_use(self):
        """Return the list of the variables that the layer reads or assigns in the current mode."""
        own = {
            "select": [self.index],
            "sample": [self.index, self.logits, self.noise, self.temperature],
            "blend": [self._blended(), *([self.auxiliary_skip] if self.mode.has_auxiliary_skip else [])],
        }
        return own[self.mode.name]

    def settings(self):
        """Return the settings that determine the function of the layer, besides its branches, as a list."""
        is_allowed = [label in self.selector.allowed for label in self.selector.labels]
        mode = [self.mode.name, self.mode.draws_weights, self.mode.has_auxiliary_skip]
        return [*mode, self.options, self.selector.labels, is_allowed]

    def option_of(self, label):
        """Return the index of the option with the label `label`, or 0 if no option of this layer has the label."""
        return next((option for option, labels in enumerate(self.options) if label in labels), 0)

    def chosen(self):
        """Return the index of the selected option, a tensor."""
        option_by_label = [self.option_of(label) for label in self.selector.labels]
        if option_by_label == list(range(len(option_by_label))):
            return ops.convert_to_tensor(self.index)
        return ops.take(np.array(option_by_label, "int32"), self.index)

    def weights_of_options(self, logits):
        """Return the probabilities of the options, `(len(options),)`.

        The probability of an option is the sum over its labels of the softmax over all labels of this layer.
        """
        membership = np.array(
            [[label in labels for label in self.selector.labels] for labels in self.options], "float32"
        )
        outside = np.where(membership.any(axis=0), 0.0, _EXCLUDED).astype("float32")
        return ops.matmul(membership, ops.softmax(ops.add(logits + self.selector.mask(), outside)))

    def blend_weights(self):
        """Return the weights of the options in mode `"blend"`, `(len(options),)`."""
        return self.weights_of_options(self._blended())

    def _blended(self):
        """Return the variable whose softmax is the weights in mode `"blend"`."""
        return self.noise if self.mode.draws_weights else self.logits

    def gate(self, chosen):
        """Return 1 with the gradient of the probability of the option `chosen` under Gumbel noise.

        This is the straight-through estimator of GDAS.
        """
        weights = self.weights_of_options((self.logits + self.noise) / self.temperature)
        weight = ops.take(weights, chosen)
        return 1.0 + weight - ops.stop_gradient(weight)

    def call_option(self, option, inputs, training):
        """Return the list of output tensors of the option with index `option`."""
        raise NotImplementedError

    def switch(self, chosen, inputs, training):
        """Return the outputs of the option `chosen` without computing the other options."""
        options = range(len(self.options))
        return ops.switch(
            chosen, [lambda option=option: self.call_option(option, inputs, training) for option in options]
        )

    def blend(self, inputs, training):
        """Return the sum of the outputs of all options, weighted by `blend_weights`."""
        weights = ops.unstack(self.blend_weights())
        outputs = [self.call_option(option, inputs, training) for option in range(len(self.options))]
        weighted = [
            [ops.cast(weights[option], tensor.dtype) * tensor for tensor in tensors]
            for option, tensors in enumerate(outputs)
        ]
        return [functools.reduce(ops.add, tensors) for tensors in zip(*weighted, strict=True)]

    def mix(self, inputs, training):
        """Return the list of outputs of the layer in the current mode."""
        if self.mode.name == "blend":
            return self.blend(inputs, training)
        chosen = self.chosen()
        outputs = self.switch(chosen, inputs, training)
        if self.mode.name == "sample":
            gate = self.gate(chosen)
            outputs = [ops.cast(gate, output.dtype) * output for output in outputs]
        return outputs


class LayerMixing(Mixing):
    """Mixing layer of a `LayerChoice` or `Repeat`, whose options are branches of the graph.

    Args:
        selector: The `Selector` of the decision.
        mode: The `Mode` of the supernet.
        options: List with a tuple of labels for each branch.
        branches: List of functional models with one output, or `None` for a branch that returns its input.
        positions: List with, for each branch, the list of the indices of its inputs among the inputs of the layer.
        skips: Whether the first input has the shape of the output, so that the auxiliary skip can be added.
    """

    def __init__(self, selector, mode, options, branches, positions, skips):
        super().__init__(selector, mode, options)
        self.branches = branches
        self.positions = positions
        self.skips = skips
        self.is_nested = False
        layers = [layer for branch in branches if branch is not None for layer in branch.layers]
        #: The mixing layers directly in the branches, without deeper ones.
        self.inner = [layer for layer in layers if isinstance(layer, Mixing)]
        for layer in self.inner:
            layer.is_nested = True

    def compute_output_spec(self, inputs, training=None):
        for branch, positions in zip(self.branches, self.positions, strict=True):
            output = inputs[positions[0]] if branch is None else branch.outputs[0]
        return keras.KerasTensor(output.shape, output.dtype)

    def variables_in_use(self):
        inside = [variable for branch in self.branches if branch is not None for variable in branch.variables]
        unique = {id(variable): variable for variable in [*super().variables_in_use(), *inside]}
        return list(unique.values())

    def settings(self):
        return [*super().settings(), self.positions, self.skips, self.is_nested]

    def compute(self, inputs, training):
        (outputs,) = self.mix(inputs, training)
        if self.mode.name == "blend" and self.mode.has_auxiliary_skip and self.skips:
            outputs = outputs + ops.cast(self.auxiliary_skip, outputs.dtype) * inputs[0]
        return outputs

    def call_option(self, option, inputs, training):
        arguments = [inputs[position] for position in self.positions[option]]
        branch = self.branches[option]
        return arguments if branch is None else [branch.call(arguments, training=training)]

    def switch(self, chosen, inputs, training):
        # Variables can't be assigned inside a branch of a switch: the branches return the new values.
        branches = [branch for branch in self.branches if branch is not None]
        weights = [[variable.value for variable in branch.trainable_variables] for branch in branches]
        states = [[variable.value for variable in branch.non_trainable_variables] for branch in branches]

        def run(option, inputs, weights):
            """Return the output of a branch and, in training, the new states of all branches."""
            branch = self.branches[option]
            arguments = [inputs[position] for position in self.positions[option]]
            output, new_states = arguments[0], list(states)
            if branch is not None:
                index = branches.index(branch)
                output, new_states[index] = branch.stateless_call(
                    weights[index], states[index], arguments, training=training
                )
            return output, new_states if training else []

        output, new_states = self._switched(chosen, run, inputs, weights)
        # Only training changes states.
        for branch, values in zip(branches if training else [], new_states, strict=True):
            for variable, value in zip(branch.non_trainable_variables, values, strict=True):
                variable.assign(value)
        return [output]

    def _switched(self, chosen, run, inputs, weights):
        options = range(len(self.options))
        if keras.backend.backend() == "tensorflow":
            from autonas.supernet import tensorflow_switch

            # `tensorflow_switch` recomputes branches for their gradients. Nested switches would recompute at each
            # level, and TensorFlow can't differentiate a switch around such a switch.
            is_flat = not self.is_nested and not self.inner
            if is_flat and tensorflow_switch.applies([branch for branch in self.branches if branch is not None]):
                # The gradient is traced after the call of the supernet, which replaces calls of layers.
                as_now = [
                    contextlib.nullcontext if branch is None else replaced_calls.as_now(branch)
                    for branch in self.branches
                ]

                def run_as_now(option, inputs, weights):
                    with as_now[option]():
                        return run(option, inputs, weights)

                return tensorflow_switch.switch(chosen, run_as_now, options, inputs, weights)
        return ops.switch(chosen, [lambda option=option: run(option, inputs, weights) for option in options])


class InputMixing(Mixing):
    """Mixing layer of an `InputChoice`, whose options are selections of its input tensors.

    Args:
        selector: The `Selector` of the decision.
        mode: The `Mode` of the supernet.
        options: List with a tuple of labels for each selection.
        selections: List with, for each selection, the list of the indices of its tensors among the inputs.
    """

    def __init__(self, selector, mode, options, selections):
        super().__init__(selector, mode, options)
        self.selections = selections

    def compute_output_spec(self, inputs, training=None):
        return [keras.KerasTensor(inputs[position].shape, inputs[position].dtype) for position in self.selections[0]]

    def settings(self):
        return [*super().settings(), self.selections]

    def compute(self, inputs, training):
        return list(self.mix(inputs, training))

    def blend(self, inputs, training):
        # The options share inputs: add the probabilities of the options with the same input first.
        weights = self.blend_weights()
        selected = np.eye(len(inputs), dtype="float32")[np.array(self.selections)]
        outputs = []
        for output in range(selected.shape[1]):
            shares = ops.unstack(ops.matmul(weights, selected[:, output]))
            terms = [
                ops.cast(share, tensor.dtype) * tensor
                for share, tensor, is_used in zip(shares, inputs, selected[:, output].any(axis=0), strict=True)
                if is_used
            ]
            outputs.append(functools.reduce(ops.add, terms))
        return outputs

    def call_option(self, option, inputs, training):
        return [inputs[position] for position in self.selections[option]]


class WidthMixing(Mixing):
    """Mixing layer of a `WidthChoice`: sets the channels beyond the selected width to zero (Wan et al. 2020).

    Args:
        selector: The `Selector` of the decision.
        mode: The `Mode` of the supernet.
        widths: List with the number of channels for each label.
    """

    def __init__(self, selector, mode, widths):
        super().__init__(selector, mode, [(label,) for label in selector.labels])
        self.widths = widths

    def compute_output_spec(self, inputs, training=None):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    def settings(self):
        return [*super().settings(), self.widths]

    def call(self, inputs, training=None):
        masks = (np.arange(inputs.shape[-1]) < np.array(self.widths)[:, None]).astype("float32")
        if self.mode.name == "blend":
            mask = ops.matmul(self.blend_weights(), masks)
        else:
            chosen = self.chosen()
            mask = ops.take(masks, chosen, axis=0)
            mask = mask * self.gate(chosen) if self.mode.name == "sample" else mask
        return inputs * ops.cast(mask, inputs.dtype)
