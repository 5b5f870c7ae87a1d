"""The supernet's reading: decisions become mixing layers over branches that are cut out of the graph."""

import contextlib

import keras
import keras_tuner

from autonas.backends import node_graph
from autonas.search_space import decisions, declaring
from autonas.supernet import mixing


class SupernetReading(declaring.DeclaringHyperParameters):
    """Reads decisions into mixing layers, and declares the space while doing so.

    Branches are built in the graph around them, wherever their tensors come from, and then cut out of it: what lies
    between their output and the tensors that were there before becomes a model of its own.

    Args:
        values: Values of hyperparameters that aren't the default ones, a dict. Defaults to none.
        partial_channels: Share of the channels that operations work on, one in so many, where a block's operations
            offer it; the others pass by (PC-DARTS, Xu et al. 2020). Defaults to 1: all.
        left_out: As in `DeclaringHyperParameters`.
    """

    def __init__(self, values=None, partial_channels=1, left_out=()):
        super().__init__(left_out)
        self.given = dict(values or {})
        self.partial_channels = partial_channels
        self.mode = mixing.Mode()
        self.selectors = {}
        # Tensors outside of the branches that are being built, one dict for each branch around the place of reading.
        self._outside = [{}]

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
        candidates, default = self.declare_choice(decision)
        selector = self._selector(decision.name, list(candidates), default)
        layers, outputs = {}, {}
        for label, make_layer in candidates.items():
            with decision.scope(self, label):
                layers[label] = make_layer()
        partial = self._partial(layers.values(), inputs)
        if partial is not None:
            inputs, bypass = partial
            layers = {label: layer.narrowed(self.partial_channels) for label, layer in layers.items()}
        with self._inside(inputs):
            for label, layer in layers.items():
                with decision.scope(self, label):
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
        layer = mixing.LayerMixing(selector, self.mode, list(outputs), branches, positions, skips=_alike(first, output))
        return layer(list(tensors.values()))

    def _partial(self, layers, inputs):
        """The part of the channels that operations work on, and the rest; `None` where they work on all."""
        if self.partial_channels == 1 or isinstance(inputs, (list, tuple)):
            return None
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
            config = {"name": name, "conditions": each.get_config()["conditions"]}
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
    """Whether two results of options can stand in for one another."""
    if isinstance(first, (list, tuple)) or isinstance(second, (list, tuple)):
        return keras.tree.map_structure(_signature, first) == keras.tree.map_structure(_signature, second)
    return _signature(first) == _signature(second)


def _signature(tensor):
    # An option may stand for nothing at all, such as no encoding beside the plain numbers of a table.
    return None if tensor is None else (tuple(tensor.shape), tensor.dtype)


def _parents(tensor):
    node, _ = node_graph.producer(tensor)
    return node.input_tensors


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
