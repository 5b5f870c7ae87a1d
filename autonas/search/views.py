"""Views: predictions that are averaged over an image and its mirror image."""

from collections.abc import Sequence

import keras
from keras import ops

from autonas.backends import node_graph
from autonas.prediction import predictor
from autonas.search.averaging import weighted_mean


def is_trained_on_mirror_images(network: keras.Model) -> bool:
    """Return whether a network was trained on random mirror images, left for right."""
    return any(
        isinstance(layer, keras.layers.RandomFlip) and layer.mode != "vertical"
        for layer in node_graph.all_layers(network)
    )


def with_mirror_images(network: keras.Model, image_inputs: Sequence[str]) -> keras.Model:
    """Return the network that averages the outputs of another network for an image and for its mirror image.

    Both are examples of the same class to a network that was trained on mirror images, and it makes other errors on
    each. The predictions take twice as long.

    Args:
        network: A `keras.Model` whose inputs and outputs are dicts by name.
        image_inputs: Names of the inputs that are images `(n, height, width, channels)`.

    Returns:
        A new `keras.Model` with the same weights; `network` itself if it wasn't trained on mirror images, or has
        several inputs of images, which may be mirrored independently.
    """
    if len(image_inputs) != 1 or not is_trained_on_mirror_images(network):
        return network
    network = predictor.without_training_parts(network)
    network.name = "of_one_view"
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name) for name, tensor in network.input.items()
    }
    mirrored = {name: ops.flip(inputs[name], axis=2) for name in image_inputs}
    return keras.Model(inputs, weighted_mean([network(inputs), network(inputs | mirrored)], [0.5, 0.5]))
