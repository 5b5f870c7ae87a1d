"""Operations of a supernet whose width is a decision, and their narrow versions."""

import keras

from autonas.backends import node_graph
from autonas.supernet import mixing

#: Layers whose output channels depend on all input channels, or that reorder the channels. A width ends at these
#: layers.
_MIXERS = (
    keras.layers.Concatenate,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Dense,
    keras.layers.Embedding,
    keras.layers.Flatten,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
)
#: Arguments of a layer that determine its number of output channels.
_WIDTHS = ("units", "filters")


class WidthSharing:
    """Groups of tensors of a supernet that share a searched width.

    Normalisation, activations, depthwise convolutions and gates keep the channels apart, so their inputs and outputs
    have the same width and form a group. In a stand-alone network, a layer with an input or output in the group is
    narrow on this side.

    Args:
        supernet: A `Supernet`.
    """

    def __init__(self, supernet):
        self._group = {}
        self._masks = []
        self._visit(supernet)
        self._mixing = {}
        for layer, tensor in self._masks:
            self._mixing[self._root(tensor)] = layer

    def decisions_of(self, node):
        """Return the list of the mixing layers that determine the widths of a node of Keras's graph."""
        tensors = [*node.input_tensors, *node.output_tensors]
        layers = {id(layer.selector): layer for tensor in tensors if (layer := self._mixing.get(self._root(tensor)))}
        return list(layers.values())

    def narrowed(self, node, options):
        """Return a copy of a node with the widths that it has in a stand-alone network.

        Args:
            node: A node of Keras's graph.
            options: Dict from the name of a width decision to the index of the selected option.
        """
        layer = node.operation

        def width(tensor):
            decision = self._mixing.get(self._root(tensor))
            return tensor.shape[-1] if decision is None else decision.widths[options[decision.selector.name]]

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
