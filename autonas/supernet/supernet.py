"""Supernet: all architectures of a search space as one model with shared weights."""

import functools
import warnings

import keras
import numpy as np
from keras import ops

from autonas.backends import faster_layers, gradients, keras_defaults, node_graph
from autonas.search_space import encoding
from autonas.supernet import inheritance, mixing, reading, sharing, structure, width_sharing

#: Minimum distance of uniform random numbers from 0 and 1, which keeps the Gumbel noise finite.
_SMALLEST_UNIFORM = 1e-6
#: Number of options of all mixing layers above which graphs aren't simplified. Measured on one core: with 48 options,
#: this takes 1 second and saves a fifth of a step of 120 ms; with 350, it takes 10 seconds and saves a fifth of 300 ms.
_MOST_OPTIONS = 100


class Supernet(keras.Model):
    """Compiled model of all branches of all decisions, combined by mixing layers.

    Use `from_graph` to build a supernet. The architecture is selected at run time, so that one compiled function
    evaluates all architectures. A mixing layer has three modes:

    - `"select"`: The layer computes the branch that was set by `choose`. Only this branch receives gradients and
      updates of its statistics.
    - `"sample"`: The layer computes the branch with the largest logit under the Gumbel noise that was set by `draw`.
      Its output is multiplied by a gate of value 1 whose gradient is that of the probability (GDAS, Dong and Yang
      2019).
    - `"blend"`: The layer computes all branches and adds them, weighted by the softmax of the logits (DARTS, Liu et al.
      2019), or, if `mixing_mode.draws_weights`, by the weights that were set by `draw_weights` (DrNAS, Chen et al.
      2021).

    Decisions inside a branch have an effect only if the branch is selected. An option whose output doesn't have the
    shape of the default option's output can't share the weights of later layers, so it is excluded from `space`.

    Args:
        inputs: Symbolic inputs of the model.
        outputs: Symbolic outputs of the model.
        reading: The `SupernetReading` with which the graph was built.

    Attributes:
        space: Space of the architectures of the supernet, a `keras_tuner.HyperParameters`. The hyperparameters of the
            graph that the supernet doesn't share are `Fixed`, so that an architecture of `space` is also an
            architecture of the whole space.
        decisions: Dict from the name of a shared decision to its `Selector`, in the order of the graph.
    """

    def __init__(self, inputs, outputs, reading):
        super().__init__(inputs, outputs)
        self.mixing_mode = reading.mode
        self._selectors = reading.selectors
        used = {id(layer.selector) for layer in mixing_layers(self)}
        self.decisions = {
            name: selector
            for name, selector in reading.selectors.items()
            if id(selector) in used and len(selector.allowed) > 1
        }
        self.space = reading.restricted(self.decisions)
        self._encoding = encoding.Encoding(self.space)
        self.space.values = self._encoding.default()

    @classmethod
    @keras_defaults.scope()
    def from_graph(cls, graph, values=None, partial_channels=1, *, deadline=None):
        """Build the compiled supernet of a bound graph.

        Args:
            graph: The bound `Graph`.
            values: Dict from the name of a hyperparameter to a value that replaces its default, such as a width or a
                dropout rate. The value of a decision determines the shape that its other options must have. Defaults to
                `None`.
            partial_channels: Reciprocal of the fraction of channels on which operations work (PC-DARTS, Xu et al.
                2020). With more than 1, architectures can't inherit the weights. Defaults to 1.
            deadline: Value of `time.monotonic()` after which the build ends with an error. Defaults to `None`.

        Raises:
            BuildTimeout: If the deadline passes before the last decision is built.
            ValueError: If the graph isn't bound to data, or `partial_channels` is more than 1 and no operation can work
                on a part of the channels.
        """
        graph.check_bound()
        supernet_reading = reading.SupernetReading(values, partial_channels, graph.left_out, deadline)
        supernet = graph.build(supernet_reading, lambda inputs, outputs: cls(inputs, outputs, supernet_reading))
        if partial_channels > 1:
            _check_narrowed(supernet_reading.is_narrowed, partial_channels)
        _warn_of_widths(supernet)
        return supernet

    def call(self, inputs, training=None, mask=None):
        self.mixing_mode.traces = sharing.Traces(inlined=not self.is_large)
        try:
            with faster_layers.faster(self):
                # Keras computes the nodes one by one.
                if keras.backend.backend() != "jax" or not gradients.is_tracing() or self._has_mask:
                    return super().call(inputs, training=training, mask=mask)
                values = node_graph.inputs_of(self, inputs)
                nodes = [node for level in node_graph.levels(self) for node in level if not node.is_input]
                self.mixing_mode.traces.compute(nodes, values, self.outputs, bool(training))
                return keras.tree.map_structure(lambda tensor: values[id(tensor)], self.output)
        finally:
            self.mixing_mode.traces = None

    # ------------------------------------------------------------------ modes and variables

    @functools.cached_property
    def _has_mask(self):
        nodes = [node for level in node_graph.levels(self) for node in level]
        return any(node_graph.has_mask(tensor) for node in nodes for tensor in node.input_tensors)

    @functools.cached_property
    def is_large(self):
        """Whether the supernet has so many branches that simplifying a graph of it takes longer than it saves."""
        return sum(len(layer.options) for layer in mixing_layers(self)) > _MOST_OPTIONS

    @property
    def mode(self):
        """Mode of the mixing layers: `"select"`, `"sample"` or `"blend"`.

        A change affects functions that are traced after it.
        """
        return self.mixing_mode.name

    @mode.setter
    def mode(self, name):
        if name not in ("select", "sample", "blend"):
            raise ValueError(f"`mode` must be 'select', 'sample' or 'blend'. Received: mode={name!r}")
        self.mixing_mode.name = name

    @property
    def architecture_variables(self):
        """List of the logits of all decisions."""
        return [selector.logits for selector in self.decisions.values()]

    @property
    def operation_variables(self):
        """List of all trainable variables without the logits."""
        logits = {id(layer.logits) for layer in mixing_layers(self)}
        return [variable for variable in self.trainable_variables if id(variable) not in logits]

    def distribution(self):
        """Return the probabilities of all options, a dict from decision to a dict from label to float."""
        return {
            name: {
                label: float(probability)
                for label, probability in zip(
                    selector.labels, ops.convert_to_numpy(selector.probabilities()), strict=True
                )
                if label in selector.allowed
            }
            for name, selector in self.decisions.items()
        }

    # ------------------------------------------------------------------ architectures

    def indices(self, values):
        """Return the indices of the options of an architecture, int32 of shape `(len(decisions),)`.

        Args:
            values: An architecture of `space`. Inactive decisions can be absent.

        Raises:
            ValueError: If the supernet doesn't share an option.
        """
        indices = []
        for name, selector in self.decisions.items():
            allowed = [label for label in selector.labels if label in selector.allowed]
            label = values.get(name)
            if label is None:
                label = allowed[0]
            if label not in selector.allowed:
                raise ValueError(f"The supernet shares {allowed} of the decision {name!r}. Received: {label!r}")
            indices.append(selector.labels.index(label))
        return np.array(indices, "int32")

    def values(self, indices):
        """Return the architecture with the options `indices`: the values of the active hyperparameters of `space`."""
        labels = {
            name: selector.labels[int(index)]
            for (name, selector), index in zip(self.decisions.items(), indices, strict=True)
        }
        return self._encoding.complete(labels)

    def choose(self, indices):
        """Set the architecture of mode `"select"`.

        Args:
            indices: Integers of shape `(len(decisions),)`, as the method `indices` returns. Can be a symbolic tensor of
                a function that is traced.
        """
        for position, selector in enumerate(self.decisions.values()):
            selector.index.assign(ops.cast(indices[position], "int32"))

    def draw(self, uniform):
        """Draw the architecture of mode `"sample"` from the distribution of the logits.

        Args:
            uniform: Random numbers from 0 to 1 of shape `(total number of labels,)`, an array or a tensor. The Gumbel
                noise is -log(-log(uniform)).
        """
        start = 0
        for selector in self.decisions.values():
            clipped = ops.clip(uniform[start : start + len(selector.labels)], _SMALLEST_UNIFORM, 1 - _SMALLEST_UNIFORM)
            noise = -ops.log(-ops.log(clipped))
            selector.noise.assign(noise)
            selector.index.assign(ops.cast(ops.argmax(selector.logits + noise + selector.mask()), "int32"))
            start += len(selector.labels)

    def draw_weights(self, logarithms, slopes):
        """Set the weights of mode `"blend"` to a draw from the Dirichlet distributions of the decisions.

        The weights are differentiable in the logits.

        Args:
            logarithms: Logarithms of Gamma variables of shape `(total number of labels,)`; see `dirichlet.log_gammas`.
            slopes: Their derivatives with respect to the scores of the labels.
        """
        start = 0
        for selector in self.decisions.values():
            scores = selector.scores()
            of_labels = slice(start, start + len(selector.labels))
            # The change of the scores is zero, and has a gradient.
            change = scores - ops.stop_gradient(scores)
            selector.noise.assign(logarithms[of_labels] + slopes[of_labels] * change)
            start += len(selector.labels)

    def inherit(self, model, values):
        """Copy the weights that an architecture uses to its stand-alone model.

        Args:
            model: The model that `Graph.build` returned for the architecture.
            values: The architecture.

        Raises:
            ValueError: If the model has another architecture.
        """
        inheritance.copy_weights(self, model, self.labels(values))

    def labels(self, values):
        """Return the option of an architecture at every decision, a dict from name to label.

        The dict includes the decisions with a single shared option.
        """
        indices = dict(zip(self.decisions, self.indices(values), strict=True))
        return {
            name: selector.labels[indices[name]] if name in indices else min(selector.allowed, key=str)
            for name, selector in self._selectors.items()
        }

    def network_key(self, values):
        """Return a hashable key of the network of an architecture, equal for architectures with the same network.

        Architectures that differ in identities only have the same network. See `structure.NetworkKeys`.
        """
        return self._network_keys.of(values)

    @functools.cached_property
    def widths(self):
        """The `WidthSharing` of the supernet."""
        return width_sharing.WidthSharing(self)

    @functools.cached_property
    def _network_keys(self):
        return structure.NetworkKeys(self)


def _check_narrowed(is_narrowed, partial_channels):
    """Raise an error if no decision works on a part of the channels, and warn of decisions that don't."""
    whole = [name for name, narrowed in is_narrowed.items() if not narrowed]
    message = (
        f"partial_channels={partial_channels} narrows the operations of cells, chains and motifs that keep the number "
        f"of channels, if this number is a multiple of {partial_channels}. It doesn't narrow the options of {whole}."
    )
    if not any(is_narrowed.values()):
        raise ValueError(f"{message} Choose another `relaxation`, such as 'softmax', or a `CellBlock`.")
    if whole:
        warnings.warn(message, stacklevel=3)


def _warn_of_widths(supernet):
    """Warn of layers that differ from the layers of a narrow network if their channels are set to zero."""
    if not any(isinstance(layer, mixing.WidthMixing) for layer in mixing_layers(supernet)):
        return
    reasons = [
        (
            supernet.widths.recurrent(),
            "is recurrent, and its states have all units of the searched width {!r}",
            "Choose among layers of several widths by a LayerChoice instead.",
        ),
        (
            supernet.widths.over_channels(),
            "computes statistics over all channels of the searched width {!r}, also over channels that are zero",
            "Put the layer before the layer whose width is searched, or use a BatchNormalization and `narrow` after "
            "it.",
        ),
    ]
    for layers, reason, advice in reasons:
        for name, decision in layers.items():
            warnings.warn(
                f"The layer {name!r} {reason.format(decision)}. With shared weights, narrow networks have other "
                f"outputs than alone. {advice}",
                stacklevel=3,
            )


def mixing_layers(model):
    """Return the list of the mixing layers of a functional model, including the layers inside branches."""
    layers = []
    for layer in model.layers:
        if isinstance(layer, mixing.Mixing):
            layers.append(layer)
            for branch in getattr(layer, "branches", ()):
                layers.extend([] if branch is None else mixing_layers(branch))
    return layers
