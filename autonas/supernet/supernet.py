"""The supernet: all architectures of a space as one model of shared weights."""

import keras
import numpy as np
from keras import ops

from autonas.search_space import encoding
from autonas.supernet import inheritance, mixing, reading


class Supernet(keras.Model):
    """A compiled model that holds every branch of every decision, with mixing layers over them.

    Made by `from_graph`. An architecture is chosen at run time, so that one compiled function serves all:

    - In mode `"select"` each mixing layer computes the branch that `choose` set, and only that one gets gradients and
      updates of its statistics.
    - In mode `"sample"` it does the same, with `draw` in place of `choose`: the branch is that of the largest logit
      under Gumbel noise, and its output is multiplied by a gate of 1 whose gradient is that of its probability (GDAS,
      Dong and Yang 2019).
    - In mode `"blend"` it computes all branches and adds them up, each times its probability, the softmax of the
      logits (DARTS, Liu et al. 2019).

    Decisions inside a branch count only where the branch is chosen. Options whose output has another shape than the
    default architecture's can't share weights downstream: they are left out of `space`.

    Attributes:
        space: The shared decisions as a `keras_tuner.HyperParameters`, with the names and conditions of the whole
            space. All other hyperparameters are in it as `Fixed`, so that its architectures are those of the whole
            space.
        decisions: Dict from the name of a decision to its `Selector`, in the order in which they are met.
    """

    def __init__(self, inputs, outputs, reading):
        super().__init__(inputs, outputs)
        self.mixing_mode = reading.mode
        self._selectors = reading.selectors
        met = {id(layer.selector) for layer in mixing_layers(self)}
        self.decisions = {
            name: selector
            for name, selector in reading.selectors.items()
            if id(selector) in met and len(selector.allowed) > 1
        }
        self.space = reading.restricted(self.decisions)
        self._encoding = encoding.Encoding(self.space)
        self.space.values = self._encoding.default()

    @classmethod
    def from_graph(cls, graph, values=None, partial_channels=1):
        """Build the compiled supernet of a bound graph.

        Args:
            graph: The bound `Graph`.
            values: Values of hyperparameters that differ from the default ones, a dict by name: widths, rates and the
                like, and the options whose shapes the others must have. Defaults to none.
            partial_channels: Operations compute one in `partial_channels` channels, as in PC-DARTS; architectures can't
                inherit the weights of a supernet of more than 1. Defaults to 1.
        """
        supernet_reading = reading.SupernetReading(values, partial_channels, graph.left_out)
        return graph.build(supernet_reading, lambda inputs, outputs: cls(inputs, outputs, supernet_reading))

    # ------------------------------------------------------------------ modes and variables

    @property
    def mode(self):
        """`"select"`, `"sample"` or `"blend"`. What is set holds for functions that are traced from then on."""
        return self.mixing_mode.name

    @mode.setter
    def mode(self, name):
        if name not in ("select", "sample", "blend"):
            raise ValueError(f"`mode` must be 'select', 'sample' or 'blend'. Received: mode={name!r}")
        self.mixing_mode.name = name

    @property
    def architecture_variables(self):
        """The logits of all decisions."""
        return [selector.logits for selector in self.decisions.values()]

    @property
    def operation_variables(self):
        """All trainable variables but logits."""
        logits = {id(layer.logits) for layer in mixing_layers(self)}
        return [variable for variable in self.trainable_variables if id(variable) not in logits]

    def distribution(self):
        """The probability of each option: dict from decision to a dict from label to float."""
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
        """The positions of an architecture's choices, int32 of shape `(len(decisions),)`.

        Args:
            values: An architecture, as of `space`; a decision that isn't active may be absent.

        Raises:
            ValueError: If a choice isn't among those that are shared.
        """
        found = []
        for name, selector in self.decisions.items():
            label = values.get(name)
            if label is None:
                label = next(each for each in selector.labels if each in selector.allowed)
            if label not in selector.allowed:
                raise ValueError(
                    f"The supernet shares {[each for each in selector.labels if each in selector.allowed]} of the "
                    f"decision {name!r}. Received: {label!r}"
                )
            found.append(selector.labels.index(label))
        return np.array(found, "int32")

    def values(self, indices):
        """The architecture with the choices at `indices`: values of the active hyperparameters of `space`."""
        labels = {
            name: selector.labels[int(index)]
            for (name, selector), index in zip(self.decisions.items(), indices, strict=True)
        }
        return self._encoding.complete(labels)

    def choose(self, indices):
        """Sets the architecture of select mode.

        Args:
            indices: Integers of shape `(len(decisions),)`, as `indices` gives them; may be a tensor of a function that
                is being compiled.
        """
        for position, selector in enumerate(self.decisions.values()):
            selector.index.assign(ops.cast(indices[position], "int32"))

    def draw(self, uniform):
        """Sets the noise and the architecture of sample mode: each option with its probability.

        Args:
            uniform: Random numbers from 0 to 1 of shape `(total number of labels,)`; may be a tensor. The noise is
                -log(-log(uniform)), a Gumbel variable.
        """
        start = 0
        for selector in self.decisions.values():
            part = ops.clip(uniform[start : start + len(selector.labels)], 1e-6, 1 - 1e-6)
            noise = -ops.log(-ops.log(part))
            selector.noise.assign(noise)
            selector.index.assign(ops.cast(ops.argmax(selector.logits + noise + selector.mask()), "int32"))
            start += len(selector.labels)

    def inherit(self, model, values):
        """Copies the weights that an architecture uses to its stand-alone model.

        Args:
            model: What `Graph.build` made for the same architecture.
            values: The architecture.
        """
        inheritance.copy_weights(self, model, self.labels(values))

    def labels(self, values):
        """The option that an architecture takes at each decision, those with only one option that is shared included:
        dict by name."""
        indices = dict(zip(self.decisions, self.indices(values), strict=True))
        return {
            name: selector.labels[indices[name]] if name in indices else min(selector.allowed, key=str)
            for name, selector in self._selectors.items()
        }


def mixing_layers(model):
    """The mixing layers of a functional model, those inside of branches included."""
    found = []
    for layer in model.layers:
        if isinstance(layer, mixing.Mixing):
            found.append(layer)
            for branch in getattr(layer, "branches", ()):
                found.extend([] if branch is None else mixing_layers(branch))
    return found
