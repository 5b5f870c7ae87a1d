"""Operations of a supernet whose width is a decision, and their narrow versions."""

import keras

from autonas.backends import node_graph
from autonas.supernet import mixing

#: Layers whose outputs are the channels of their inputs, side by side or at several positions.
_MOVERS = (keras.layers.Concatenate, keras.layers.Flatten)
#: Layers whose outputs depend on all of their earlier outputs, also on channels that are set to zero later.
_RECURRENT = (keras.layers.Bidirectional, keras.layers.RNN)
#: Layers whose output channels depend on all input channels, or that reorder the channels. A width ends at these
#: layers.
_MIXERS = (
    *_MOVERS,
    *_RECURRENT,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.Embedding,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
#: Layers that compute statistics over several channels, also over channels that are zero.
_OVER_CHANNELS = (
    keras.layers.GroupNormalization,
    keras.layers.LayerNormalization,
    keras.layers.RMSNormalization,
    keras.layers.Softmax,
    keras.layers.UnitNormalization,
)
#: Arguments of a layer that determine its number of output channels.
_WIDTHS = ("units", "filters")


class WidthSharing:
    """Groups of tensors of a supernet that share a searched width.

    Normalisation, activations, depthwise convolutions and gates keep the channels apart, so their inputs and outputs
    have the same width and form a group. In a stand-alone network, a layer with an input or output in the group is
    narrow on this side. The width after `Flatten` or `Concatenate` follows from the widths of the inputs.

    Args:
        supernet: A `Supernet`.
    """

    def __init__(self, supernet):
        self._group = {}
        self._nodes, self._masks = [], []
        self._visit(supernet)
        self._mixing = {self._root(tensor): layer for layer, tensor in self._masks}
        #: By the group of its output: a node of `_MOVERS`.
        self._moved = {self._root(node.output_tensors[0]): node for node in self._nodes if _moves(node)}

    def decisions_of(self, node):
        """Return the list of the mixing layers that determine the widths of a node of Keras's graph."""
        tensors, layers = [*node.input_tensors, *node.output_tensors], {}
        for tensor in tensors:
            root = self._root(tensor)
            if root in self._mixing:
                layers[id(self._mixing[root].selector)] = self._mixing[root]
            elif root in self._moved:
                tensors += self._moved[root].input_tensors
        return list(layers.values())

    def over_channels(self):
        """Return the layers that compute statistics over the channels of a searched width.

        Returns:
            Dict from the name of a layer to the name of the decision about the width.
        """
        layers = {}
        for node in self._nodes:
            if isinstance(node.operation, _OVER_CHANNELS):
                (decision,) = self.decisions_of(node)[:1] or [None]
                if decision is not None and getattr(node.operation, "groups", 1) != node.input_tensors[0].shape[-1]:
                    layers[node.operation.name] = decision.selector.name
        return layers

    def recurrent(self):
        """Return the recurrent layers whose number of units is searched; see `over_channels`."""
        layers = {}
        for node in self._nodes:
            decision = self._mixing.get(self._root(node.output_tensors[0])) if node.output_tensors else None
            if decision is not None and isinstance(node.operation, _RECURRENT):
                layers[node.operation.name] = decision.selector.name
        return layers

    def narrowed(self, node, options):
        """Return a copy of a node with the widths that it has in a stand-alone network.

        Args:
            node: A node of Keras's graph.
            options: Dict from the name of a width decision to the index of the selected option.

        Raises:
            ValueError: If the node calls a model, whose layers have fixed widths.
        """
        layer = node.operation
        if node_graph.is_graph_of_layers(layer):
            raise ValueError(
                f"The cost of the model {layer.name!r} is unknown, since the width before or after it is searched "
                f"({', '.join(options)}). Call the layers of the model one by one in `build`."
            )

        def width(tensor):
            root = self._root(tensor)
            if root in self._mixing:
                decision = self._mixing[root]
                return decision.widths[options[decision.selector.name]]
            if root not in self._moved:
                return tensor.shape[-1]
            sources = self._moved[root].input_tensors
            n_positions = tensor.shape[-1] // sum(source.shape[-1] for source in sources)
            return n_positions * sum(map(width, sources))

        def narrow(value):
            if not isinstance(value, keras.KerasTensor):
                return value
            return keras.KerasTensor((*value.shape[:-1], width(value)), value.dtype)

        if isinstance(layer, keras.layers.Layer):
            config = layer.get_config()
            # The copy has its own variables.
            config.update({name: width(node.output_tensors[0]) for name in _WIDTHS if name in config})
            layer = type(layer).from_config(config)
        arguments, keywords = keras.tree.map_structure(narrow, (node.arguments.args, node.arguments.kwargs))
        layer(*arguments, **keywords)
        return node_graph.last_call(layer)

    # ------------------------------------------------------------------ groups of tensors

    def _visit(self, model):
        for nodes in node_graph.levels(model):
            for node in nodes:
                self._nodes.append(node)
                layer, tensors = node.operation, [*node.input_tensors, *node.output_tensors]
                if isinstance(layer, mixing.LayerMixing):
                    for branch, positions in zip(layer.branches, layer.positions, strict=True):
                        outer = [node.input_tensors[position] for position in positions]
                        if branch is None:
                            self._join([outer[0], node.output_tensors[0]])
                            continue
                        self._visit(branch)
                        self._join([branch.outputs[0], node.output_tensors[0]])
                        for pair in zip(branch.inputs, outer, strict=True):
                            self._join(pair)
                elif not isinstance(layer, _MIXERS):
                    # Tensors of another width, such as a gate with one channel, don't belong to the group.
                    width = tensors[-1].shape[-1] if tensors else None
                    self._join([tensor for tensor in tensors if tensor.shape[-1] == width])
                if isinstance(layer, mixing.WidthMixing):
                    self._masks.append((layer, tensors[0]))

    def _root(self, tensor):
        key = id(tensor)
        while self._group.get(key, key) != key:
            key = self._group[key]
        return key

    def _join(self, tensors):
        for tensor in tensors[1:]:
            self._group[self._root(tensor)] = self._root(tensors[0])


def _moves(node):
    """Return whether the outputs of a node are the channels of its inputs, with known numbers of channels."""
    tensors = [*node.input_tensors, *node.output_tensors]
    axis = getattr(node.operation, "axis", -1)
    is_last = axis in (-1, len(tensors[-1].shape) - 1)
    return isinstance(node.operation, _MOVERS) and is_last and all(tensor.shape[-1] for tensor in tensors)
