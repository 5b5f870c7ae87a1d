"""The supernet: all architectures of a space as one model of shared weights, a third reading of the decisions."""

import contextlib

import keras
import keras_tuner
import numpy as np
from keras import ops

from autonas.search_space import decisions, declaring, encoding, inheritance, mixing


class Supernet(keras.Model):
    """A compiled model that holds every branch of every decision, with mixing layers over them.

    Made by `Graph.build_supernet`. An architecture is chosen at run time, so that one compiled function serves all:

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


class SupernetReading(declaring.DeclaringHyperParameters):
    """Reads decisions into mixing layers, and declares the space while doing so.

    Branches are built in the graph around them, wherever their tensors come from, and then cut out of it: what lies
    between their output and the tensors that were there before becomes a model of its own.

    Args:
        values: Values of hyperparameters that aren't the default ones, a dict. Defaults to none.
        partial_channels: Share of the channels that operations work on, one in so many, where a block's operations
            offer it; the others pass by (PC-DARTS, Xu et al. 2020). Defaults to 1: all.
    """

    def __init__(self, values=None, partial_channels=1):
        super().__init__()
        self.given = dict(values or {})
        self.partial_channels = partial_channels
        self.mode = mixing.Mode()
        self.selectors = {}
        # Tensors outside of the branches that are being built, one dict for each branch around the place of reading.
        self._outside = [{}]

    def full_name(self, name):
        return "/".join([*self._scopes, name])

    def _declare(self, method, name, *args, **kwargs):
        value = super()._declare(method, name, *args, **kwargs)
        return self.given.get(self.full_name(name), value)

    def _selector(self, name, labels, default):
        full_name = self.full_name(name)
        if full_name not in self.selectors:
            self.selectors[full_name] = mixing.Selector(full_name, labels, default)
        return self.selectors[full_name]

    @contextlib.contextmanager
    def _inside(self, inputs):
        """Within, tensors that are made belong to a branch on `inputs`."""
        _add_ancestors(keras.tree.flatten(inputs), self._outside)
        self._outside.append({})
        try:
            yield
        finally:
            self._outside.pop()

    # ------------------------------------------------------------------ decisions

    def layer_choice(self, decision, inputs):
        labels = list(decision.candidates)
        default = self.Choice(decision.name, labels, default=decision.default)
        selector = self._selector(decision.name, labels, default)
        partial = self._partial(decision, inputs)
        if partial is not None:
            inputs, bypass = partial
        outputs = {}
        with self._inside(inputs):
            for label, make_layer in decision.candidates.items():
                with decision.scope(self, label):
                    layer = make_layer()
                    layer = layer if partial is None else layer.narrowed(self.partial_channels)
                    outputs[label] = layer(inputs)
        same = {label: output for label, output in outputs.items() if _alike(output, outputs[default])}
        selector.restrict(same)
        mixed = self._mix(selector, inputs, {(label,): output for label, output in same.items()})
        return mixed if partial is None else _shuffled(mixed, bypass, self.partial_channels)

    def input_choice(self, decision, inputs):
        labels = decision.labels(len(inputs))
        default = self.Choice(decision.name, labels)
        selector = self._selector(decision.name, labels, default)
        picked = decision.pick(inputs, default)
        same = [label for label in labels if _alike(decision.pick(inputs, label), picked)]
        selector.restrict(same)
        if len(same) == 1:
            return picked
        selections = [[int(place) for place in label.split("+")] for label in same]
        outputs = mixing.InputMixing(selector, self.mode, [(label,) for label in same], selections)(inputs)
        return outputs[0] if decision.n_chosen == 1 else outputs

    def repeat(self, decision, inputs):
        default = decisions.declare_depth(self, decision)
        depths = range(decision.min_depth, decision.max_depth + 1)
        selector = self._selector(decision.name, depths, default) if len(depths) > 1 else None

        def deepen(inputs, index):
            """What the layers from `index` on make of `inputs`, and the depths at which it may end."""
            if index == decision.max_depth:
                return inputs, [index]
            with self._inside(inputs):
                with decisions.layer_scope(self, decision, index):
                    outputs = decision.make_layer(index)(inputs)
                deepest, depths = deepen(outputs, index + 1)
            if index < decision.min_depth:
                return deepest, depths
            if not _alike(inputs, deepest):
                return (deepest, depths) if index < default else (inputs, [index])
            return self._mix(selector, inputs, {(index,): inputs, tuple(depths): deepest}), [index, *depths]

        outputs, depths = deepen(inputs, 0)
        if selector is not None:
            selector.restrict(depths)
        return outputs

    def width_choice(self, decision):
        labels = list(decision.widths)
        selector = self._selector(decision.name, labels, decisions.declare_width(self, decision))
        widths = list(decision.widths.values())
        if len(labels) == 1:
            return decisions.Width(widths[0], lambda inputs: inputs)
        return decisions.Width(max(widths), lambda inputs: mixing.WidthMixing(selector, self.mode, widths)(inputs))

    # ------------------------------------------------------------------ branches

    def _mix(self, selector, inputs, outputs):
        """A mixing layer over the branches that end in `outputs`, a dict from tuples of labels to tensors."""
        if len(outputs) == 1:
            return next(iter(outputs.values()))
        tensors = {id(tensor): tensor for tensor in keras.tree.flatten(inputs)}
        _add_ancestors(list(tensors.values()), self._outside)
        boundaries = [_boundary(output, self._outside) for output in outputs.values()]
        for boundary in boundaries:
            tensors.update((id(tensor), tensor) for tensor in boundary)
        places = {key: place for place, key in enumerate(tensors)}
        branches = [
            None if boundary == [] or output is boundary[0] else keras.Model(boundary, output)
            for boundary, output in zip(boundaries, outputs.values(), strict=True)
        ]
        positions = [[places[id(tensor)] for tensor in boundary] for boundary in boundaries]
        first, output = next(iter(tensors.values())), next(iter(outputs.values()))
        layer = mixing.LayerMixing(
            selector, self.mode, list(outputs), branches, positions, skips=_alike(first, output)
        )
        return layer(list(tensors.values()))

    def _partial(self, decision, inputs):
        """The part of the channels that operations work on, and the rest; `None` where they work on all."""
        if self.partial_channels == 1 or isinstance(inputs, (list, tuple)):
            return None
        layers = [make_layer() for make_layer in decision.candidates.values()]
        channels = inputs.shape[-1]
        if channels % self.partial_channels or not all(getattr(each, "keeps", _never)(inputs) for each in layers):
            return None
        width = channels // self.partial_channels
        return inputs[..., :width], inputs[..., width:]

    # ------------------------------------------------------------------ the space

    def restricted(self, selectors):
        """The space of the decisions in `selectors`; every other hyperparameter is fixed.

        What depends on an option that isn't shared is left out.
        """
        options, space = {}, []
        for each in self.space:
            name = each.name
            if any(not set(condition.values) & set(options.get(condition.name, [])) for condition in each.conditions):
                continue
            default = self.given.get(name, each.default)
            config = each.get_config()
            options[name] = [default]
            if name in selectors:
                options[name] = [label for label in selectors[name].labels if label in selectors[name].allowed]
                config = {"name": name, "values": options[name], "default": default, "conditions": config["conditions"]}
                space.append({"class_name": "Choice", "config": config})
            else:
                config = {"name": name, "value": default, "conditions": config["conditions"]}
                space.append({"class_name": "Fixed", "config": config})
        return keras_tuner.HyperParameters.from_config({"space": space, "values": {}})


def _never(inputs):
    return False


def _alike(first, second):
    """Whether two results of options can stand in for one another."""
    if isinstance(first, (list, tuple)) or isinstance(second, (list, tuple)):
        return keras.tree.map_structure(_signature, first) == keras.tree.map_structure(_signature, second)
    return _signature(first) == _signature(second)


def _signature(tensor):
    # An option may stand for nothing at all, such as no encoding beside the plain numbers of a table.
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype)


def _parents(tensor):
    operation, node_index, _ = tensor._keras_history
    return operation._inbound_nodes[node_index].input_tensors


def _is_outside(tensor, outside):
    return any(id(tensor) in level for level in outside)


def _add_ancestors(tensors, outside):
    """Notes tensors and all that they were made of as outside of the branches to come."""
    waiting = list(tensors)
    while waiting:
        tensor = waiting.pop()
        if not _is_outside(tensor, outside):
            outside[-1][id(tensor)] = tensor
            waiting.extend(_parents(tensor))


def _boundary(output, outside):
    """The tensors from outside that `output` was made of, in the order in which a walk from it meets them."""
    found, seen, waiting = [], set(), [output]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        parents = _parents(tensor)
        if _is_outside(tensor, outside) or not parents:
            found.append(tensor)
        else:
            waiting.extend(reversed(parents))
    return found


def _shuffled(mixed, bypass, groups):
    """Joins the channels, taken in turn from each of `groups` parts, so that the next layer works on others."""
    joined = keras.layers.Concatenate()([mixed, bypass])
    shape, channels = joined.shape[1:-1], joined.shape[-1]
    parts = keras.layers.Reshape((*shape, groups, channels // groups))(joined)
    rank = len(parts.shape)
    order = (*range(1, rank - 2), rank - 1, rank - 2)
    return keras.layers.Reshape((*shape, channels))(keras.layers.Permute(order)(parts))
