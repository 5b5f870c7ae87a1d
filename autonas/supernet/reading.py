"""Reading of decisions that builds a supernet: decisions become mixing layers over branches of the graph."""

import contextlib
import time

import keras
import keras_tuner

from autonas.backends import node_graph
from autonas.search_space import decisions, declaration
from autonas.supernet import mixing


class SupernetReading(declaration.DeclaringHyperParameters):
    """Reading that declares the space and turns decisions into mixing layers.

    A branch is first built as a part of the whole graph. Afterwards, the layers between its output and the tensors that
    existed before become a functional model of their own.

    Args:
        values: Dict from the name of a hyperparameter to a value that replaces its default. Defaults to `None`.
        partial_channels: Reciprocal of the fraction of channels on which operations work, for blocks whose operations
            support it. The other channels bypass the operations (PC-DARTS, Xu et al. 2020). Defaults to 1: all
            channels.
        left_out: As in `DeclaringHyperParameters`.
        deadline: Value of `time.monotonic()` after which a decision raises a `BuildTimeout`. Defaults to `None`.
    """

    discards_networks = False

    def __init__(self, values=None, partial_channels=1, left_out=(), deadline=None):
        super().__init__(left_out)
        self.deadline = deadline
        self.overrides = dict(values or {})
        self.partial_channels = partial_channels
        self.mode = mixing.Mode()
        self.selectors = {}
        # Tensors that existed before the branches under construction, one dict for each level of nested branches.
        self._outside = [{}]
        #: With partial channels: dict from the name of a decision to whether operations work on a part of the channels.
        self.is_narrowed = {}

    def _declare(self, method, name, *args, **kwargs):
        value = super()._declare(method, name, *args, **kwargs)
        return self.overrides.get(self.full_name(name), value)

    def _selector(self, name, labels, default):
        """Return the selector of a decision, the same for all layers that share the decision."""
        full_name = self.full_name(name)
        if full_name not in self.selectors:
            self.selectors[full_name] = mixing.Selector(full_name, labels, default, self.mode)
        return self.selectors[full_name]

    @contextlib.contextmanager
    def _inside(self, inputs):
        """Assign the tensors created in the context to a branch on `inputs`."""
        _add_ancestors(keras.tree.flatten(inputs), self._outside)
        self._outside.append({})
        try:
            yield
        finally:
            self._outside.pop()

    # ------------------------------------------------------------------ decisions

    def layer_choice(self, decision, inputs):
        candidates, default = self.declare_choice(decision)
        selector = self._selector(decision.name, list(candidates), default)
        layers, outputs = {}, {}
        for label, make_layer in candidates.items():
            with decision.scope(self, label):
                layers[label] = make_layer()
        partial = self._partial(layers.values(), inputs)
        if len(layers) > 1:
            self.is_narrowed.setdefault(selector.name, partial is not None)
        if partial is not None:
            inputs, bypass = partial
            layers = {label: layer.narrowed(self.partial_channels) for label, layer in layers.items()}
        with self._inside(inputs):
            for label, layer in layers.items():
                with decision.scope(self, label):
                    outputs[label] = layer(inputs)
        compatible = {label: output for label, output in outputs.items() if _alike(output, outputs[default])}
        selector.restrict(compatible)
        mixed = self._mix(selector, inputs, {(label,): output for label, output in compatible.items()})
        return mixed if partial is None else _shuffled(mixed, bypass, self.partial_channels)

    def input_choice(self, decision, inputs):
        labels = decision.labels(len(inputs))
        default = self.Choice(decision.name, labels)
        selector = self._selector(decision.name, labels, default)
        picked = decision.pick(inputs, default)
        compatible = [label for label in labels if _alike(decision.pick(inputs, label), picked)]
        selector.restrict(compatible)
        if len(compatible) == 1:
            return picked
        selections = [[int(index) for index in label.split("+")] for label in compatible]
        outputs = mixing.InputMixing(selector, self.mode, [(label,) for label in compatible], selections)(inputs)
        return outputs[0] if decision.n_chosen == 1 else outputs

    def repeat(self, decision, inputs):
        default = decisions.declare_depth(self, decision)
        depths = range(decision.min_depth, decision.max_depth + 1)
        selector = self._selector(decision.name, depths, default) if len(depths) > 1 else None

        def deepen(inputs, index):
            """Apply the layers from `index` on to `inputs`; return the output and the list of possible depths."""
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
        """Return the output of a mixing layer over branches.

        Args:
            selector: The `Selector` of the decision.
            inputs: Input of the branches, a tensor or a list of tensors.
            outputs: Dict from the tuple of the labels of a branch to its output tensor.
        """
        if len(outputs) == 1:
            return next(iter(outputs.values()))
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise declaration.BuildTimeout
        tensors = {id(tensor): tensor for tensor in keras.tree.flatten(inputs)}
        _add_ancestors(list(tensors.values()), self._outside)
        boundaries = [_boundary(output, self._outside) for output in outputs.values()]
        for boundary in boundaries:
            tensors.update((id(tensor), tensor) for tensor in boundary)
        indices = {key: index for index, key in enumerate(tensors)}
        branches = [
            None if boundary == [] or output is boundary[0] else keras.Model(boundary, output)
            for boundary, output in zip(boundaries, outputs.values(), strict=True)
        ]
        positions = [[indices[id(tensor)] for tensor in boundary] for boundary in boundaries]
        first, output = next(iter(tensors.values())), next(iter(outputs.values()))
        layer = mixing.LayerMixing(selector, self.mode, list(outputs), branches, positions, skips=_alike(first, output))
        return layer(list(tensors.values()))

    def _partial(self, layers, inputs):
        """Return the channels on which operations work and the bypassed channels, or `None` for all channels."""
        if self.partial_channels == 1 or not keras.backend.is_keras_tensor(inputs):
            return None
        channels = inputs.shape[-1]
        if channels % self.partial_channels or not all(getattr(layer, "keeps", _never)(inputs) for layer in layers):
            return None
        width = channels // self.partial_channels
        return inputs[..., :width], inputs[..., width:]

    # ------------------------------------------------------------------ the space

    def restricted(self, selectors):
        """Return the space of the decisions in `selectors`, in which all other hyperparameters are fixed.

        Hyperparameters that depend on an option that isn't shared are excluded.
        """
        options, space = {}, []
        for hyperparameter in self.space:
            name, conditions = hyperparameter.name, hyperparameter.conditions
            if any(not set(condition.values) & set(options.get(condition.name, [])) for condition in conditions):
                continue
            default = self.overrides.get(name, hyperparameter.default)
            config = {"name": name, "conditions": hyperparameter.get_config()["conditions"]}
            options[name] = [default]
            if name in selectors:
                options[name] = [label for label in selectors[name].labels if label in selectors[name].allowed]
                config |= {"values": options[name], "default": default}
                space.append({"class_name": "Choice", "config": config})
            else:
                space.append({"class_name": "Fixed", "config": config | {"value": default}})
        return keras_tuner.HyperParameters.from_config({"space": space, "values": {}})


def _never(inputs):
    return False


def _alike(first, second):
    """Return whether two outputs have the same structure, shapes and types."""
    if isinstance(first, (list, tuple)) or isinstance(second, (list, tuple)):
        return keras.tree.map_structure(_signature, first) == keras.tree.map_structure(_signature, second)
    return _signature(first) == _signature(second)


def _signature(tensor):
    # An option can return `None`, such as "no additional encoding" of the numbers of a table.
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype)


def _parents(tensor):
    node, _ = node_graph.producer(tensor)
    return node.input_tensors


def _is_outside(tensor, outside):
    return any(id(tensor) in level for level in outside)


def _add_ancestors(tensors, outside):
    """Mark `tensors` and all their ancestors as existing before the branches that follow."""
    stack = list(tensors)
    while stack:
        tensor = stack.pop()
        if not _is_outside(tensor, outside):
            outside[-1][id(tensor)] = tensor
            stack.extend(_parents(tensor))


def _boundary(output, outside):
    """Return the outside tensors on which `output` depends directly, in depth-first order from `output`."""
    boundary, seen, stack = [], set(), [output]
    while stack:
        tensor = stack.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        parents = _parents(tensor)
        if _is_outside(tensor, outside) or not parents:
            boundary.append(tensor)
        else:
            stack.extend(reversed(parents))
    return boundary


def _shuffled(mixed, bypass, groups):
    """Concatenate the channels and shuffle them between `groups` groups, so that the next layer works on others."""
    joined = keras.layers.Concatenate()([mixed, bypass])
    shape, channels = joined.shape[1:-1], joined.shape[-1]
    grouped = keras.layers.Reshape((*shape, groups, channels // groups))(joined)
    rank = len(grouped.shape)
    order = (*range(1, rank - 2), rank - 1, rank - 2)
    return keras.layers.Reshape((*shape, channels))(keras.layers.Permute(order)(grouped))
