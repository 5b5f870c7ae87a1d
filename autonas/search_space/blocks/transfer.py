"""Layers that begin with the weights of an earlier training."""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import keras

from autonas.backends import node_graph
from autonas.search_space.block import Block

BlockT = TypeVar("BlockT", bound=Block)

#: Layers that change their input at random in training, by a share `rate`.
DROPOUTS = (keras.layers.AlphaDropout, keras.layers.Dropout, keras.layers.GaussianDropout)


def set_trainable(layer: keras.Layer, trainable: bool) -> None:
    """Set whether a layer with weights of an earlier training is trained.

    The statistics and weights of batch normalisation are frozen in both cases. A frozen layer computes the same in
    training and in prediction, as its dropout is switched off. Calling the layer with `training=False` would have no
    effect, because Keras replaces the argument by that of the outer model.

    Args:
        layer: The layer or model, after its first call.
        trainable: Whether the layer is trained. With `True`, the attributes `trainable` inside of the layer hold.
    """
    if not trainable:
        layer.trainable = False
    for inner in node_graph.all_layers(layer):
        if isinstance(inner, keras.layers.BatchNormalization):
            inner.trainable = False
        elif not trainable and isinstance(inner, DROPOUTS):
            inner.rate = 0.0


def make_name_unique(layer: keras.Layer) -> None:
    """Add a number to the name of a layer, so that a graph can contain several layers of the name."""
    layer.name = f"{layer.name}_{keras.backend.get_uid(layer.name)}"


def copied(layer: keras.Layer) -> keras.Layer:
    """Return a layer of the same config, with new weights."""
    if isinstance(layer, keras.Sequential) or node_graph.is_graph_of_layers(layer):
        return keras.models.clone_model(layer)
    return type(layer).from_config(layer.get_config())


def for_one_network(block: BlockT) -> BlockT:
    """Return a copy of a block that keeps Keras layers, whose layers are copies with the same weights.

    A layer that a block keeps, alone or in a list, tuple or dict, would otherwise be part of all networks, which would
    train the same weights.

    Args:
        block: The block. A block without layers, or whose `copies_layers` is `True`, is returned itself.
    """
    if block.copies_layers:
        return block
    copies: dict[int, keras.Layer] = {}

    def own(value: Any) -> Any:
        if isinstance(value, keras.Layer):
            return copies[id(value)] if id(value) in copies else copies.setdefault(id(value), _with_weights(value))
        if type(value) in (list, tuple):
            return type(value)(map(own, value))
        return {key: own(item) for key, item in value.items()} if type(value) is dict else value

    attributes = {name: own(value) for name, value in vars(block).items()}
    if not copies:
        return block
    single = copy.copy(block)
    vars(single).update(attributes)
    return single


def _with_weights(layer: keras.Layer) -> keras.Layer:
    """Return a copy of a layer, with equal weights if the layer has any.

    A layer that was adapted to data, which no training changes, is returned itself: its vocabulary isn't in its config.
    """
    if hasattr(layer, "adapt"):
        return layer
    new = copied(layer)
    if layer.built and layer.weights:
        if not new.built:
            new.build_from_config(layer.get_build_config())
        new.set_weights(layer.get_weights())
        for inner in node_graph.all_layers(new):
            if isinstance(inner, keras.layers.Normalization):
                inner.finalize_state()
    return new


def has_lambda(layer: keras.Layer) -> bool:
    """Return whether a layer contains a `Lambda` layer, whose code isn't loaded from a saved model."""
    return any(isinstance(inner, keras.layers.Lambda) for inner in node_graph.all_layers(layer))
