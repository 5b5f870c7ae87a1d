"""Execution: the calls of layers that a prediction consists of, in their order."""

import keras

#: Layers whose output is their input wherever a model isn't trained.
TRAINING_ONLY = (
    keras.layers.ActivityRegularization,
    keras.layers.Dropout,
    keras.layers.GaussianDropout,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.RandomBrightness,
    keras.layers.RandomContrast,
    keras.layers.RandomFlip,
    keras.layers.RandomRotation,
    keras.layers.RandomTranslation,
    keras.layers.RandomZoom,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
)


class Execution:
    """A model's layers as they are called in a prediction, and the tensors that they pass on.

    A layer that only training needs, such as dropout, isn't called: its output is its input.

    Args:
        model: A functional `keras.Model`, `keras.Sequential` or `keras.Function`.

    Attributes:
        nodes: List of nodes of Keras's graph, each one call of a layer or of an operation of `keras.ops`.
        inputs: List of the model's inputs, symbolic tensors.
        outputs: List of the model's outputs.
    """

    def __init__(self, model):
        function = keras.Function(model.inputs, model.outputs)
        levels = function._nodes_by_depth
        self._sources = {}
        self.nodes = []
        for node in (node for depth in sorted(levels, reverse=True) for node in levels[depth]):
            if isinstance(node.operation, TRAINING_ONLY):
                self._sources[id(node.output_tensors[0])] = self.source(node.input_tensors[0])
            elif not node.is_input:
                self.nodes.append(node)
        self.inputs = list(function.inputs)
        self.outputs = [self.source(tensor) for tensor in function.outputs]

    def source(self, tensor):
        """The tensor that a layer is really given where the graph has `tensor`."""
        return self._sources.get(id(tensor), tensor)

    def inputs_of(self, node):
        """List of the tensors that a node is given; one that is given twice stands twice."""
        return [self.source(tensor) for tensor in node.input_tensors]


def inner_model(node):
    """The model that a node calls as a layer, or `None` if it is no model."""
    layer = node.operation
    return layer if isinstance(layer, keras.Model) and getattr(layer, "inputs", None) else None
