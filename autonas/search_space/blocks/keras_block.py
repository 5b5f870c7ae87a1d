"""Block of a Keras layer or model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import keras_tuner
from keras import ops

from autonas.search_space import block, ranges
from autonas.search_space.blocks import transfer


class KerasBlock(block.Block):
    """Any Keras layer or model as a block.

    Every trial gets a layer of its own. If `layer` has weights, such as a trained model, every trial begins with a copy
    of these weights. To begin with new random weights, pass a layer without weights or a function that returns a layer.

    Args:
        layer: A `keras.Layer` or `keras.Model`, the path of a `.keras` file, or a function without arguments that
            returns a layer. The layer takes one tensor, or a list of tensors if the block is connected to several
            nodes, and returns one tensor.
        trainable: Whether the layer is trained, or a range. With `True`, the attributes `trainable` inside of the layer
            hold. The batch normalisation of a layer with weights is always frozen, and a frozen layer has no dropout.
            Defaults to `None`: the search chooses if `layer` has weights, otherwise `True`.
        raw_inputs: Whether the layer receives the values of an input unchanged, such as pixels from 0 to 255. With
            `False`, an input is encoded first; images and series are standardised. Pass `True` for a model that was
            trained on such values and scales them itself. Defaults to `False`.
        name: Name of the block.

    Raises:
        ValueError: In `build`, if `layer` can't be applied to the shape of the input, if its output isn't one tensor,
            or if it contains a `Lambda` layer, whose code isn't loaded from a saved model.

    Example:

    ```python
    import autonas
    import keras

    pictures = keras.Input((32, 32, 3))
    backbone = keras.Model(pictures, keras.layers.Conv2D(8, 3, activation="relu")(pictures))

    inputs = autonas.ImageInput()
    features = autonas.Reduction()(autonas.KerasBlock(backbone, trainable=False)(inputs))
    graph = autonas.Graph(inputs, autonas.ClassificationHead()(features))
    ```
    """

    def __init__(
        self,
        layer: keras.Layer | str | Callable[[], keras.Layer],
        trainable: bool | ranges.Range | None = None,
        raw_inputs: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.layer = layer
        self.trainable = trainable
        self.raw_inputs = raw_inputs

    copies_layers = True

    @property
    def takes_raw_inputs(self) -> bool:  # type: ignore[override]
        return self.raw_inputs

    def build(self, hp: keras_tuner.HyperParameters, inputs: Any) -> keras.KerasTensor:
        layer, weights = self._new_layer()
        # Layers convert numbers to their own type, except for integers.
        if self.raw_inputs and getattr(inputs, "dtype", None) == "uint8":
            inputs = ops.cast(inputs, "float32")
        outputs = self._apply(layer, weights, inputs)
        trainable = self.trainable
        if trainable is None:
            trainable = ranges.Boolean() if weights and layer.trainable_weights else True
        is_trained = ranges.suggest(hp, "trainable", trainable)
        if weights or not is_trained:
            transfer.set_trainable(layer, is_trained)
        return outputs

    def _new_layer(self) -> tuple[keras.Layer, list[Any]]:
        """Return a layer that no other trial has, and the weights with which it begins, an empty list for new ones."""
        if isinstance(self.layer, str):
            given = keras.saving.load_model(self.layer, compile=False)
        else:
            is_function = callable(self.layer) and not isinstance(self.layer, keras.Layer)
            given = self.layer() if is_function else self.layer
        if not isinstance(given, keras.Layer):
            received = "" if given is self.layer else f", a function that returns a {type(given).__name__}"
            raise ValueError(
                "`layer` of KerasBlock must be a keras.Layer, the path of a .keras file, or a function without "
                f"arguments that returns a keras.Layer. Received: layer={self.layer!r}{received}"
            )
        if transfer.has_lambda(given):
            raise ValueError(
                "`layer` of KerasBlock must have no Lambda layer, whose code isn't loaded from a saved model. Write a "
                f"subclass of keras.Layer instead. Received: {given.name!r}"
            )
        weights = given.get_weights() if isinstance(self.layer, (keras.Layer, str)) else []
        layer = transfer.copied(given) if given is self.layer else given
        transfer.make_name_unique(layer)
        return layer, weights

    def _apply(self, layer: keras.Layer, weights: list[Any], inputs: Any) -> keras.KerasTensor:
        """Return the output of the layer, whose weights are set to `weights` unless the list is empty."""
        received = inputs if isinstance(inputs, (list, tuple, dict)) else [inputs]
        shapes = [tuple(tensor.shape) for tensor in (received.values() if isinstance(received, dict) else received)]
        described = f"shape {shapes[0]}" if len(shapes) == 1 else f"shapes {shapes}"
        kind = type(layer).__name__
        try:
            outputs = layer(inputs)
            if weights:
                layer.set_weights(weights)
        except Exception as error:  # Keras raises errors of many types for incompatible shapes.
            reason = " ".join(str(error).replace("\x1b[1m", "").replace("\x1b[0m", "").split())
            raise ValueError(
                f"`layer` of KerasBlock, a {kind}, must accept a tensor of {described}, which the block before it "
                f"returns. Change `layer`, or put a block in between. {reason}"
            ) from error
        if not keras.backend.is_keras_tensor(outputs):
            raise ValueError(
                f"`layer` of KerasBlock must return one tensor. Received: a {kind} that returns a "
                f"{type(outputs).__name__}"
            )
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, and the weights of `layer` if it is a layer that has any.

        Raises:
            ValueError: If `layer` is a function that isn't registered with Keras.
        """
        name = keras.saving.get_registered_name(self.layer) if hasattr(self.layer, "__name__") else None
        is_registered = name is not None and keras.saving.get_registered_object(name) is self.layer
        if not isinstance(self.layer, (keras.Layer, str)) and not is_registered:
            raise ValueError(
                "`layer` of KerasBlock must be a layer, a path or a function that is registered by "
                f"keras.saving.register_keras_serializable, to have a config. Received: {self.layer!r}"
            )
        config = super().get_config()
        if isinstance(self.layer, keras.Layer) and self.layer.weights:
            config["weights"] = [keras.saving.serialize_keras_object(array) for array in self.layer.get_weights()]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> KerasBlock:
        created = super().from_config({name: value for name, value in config.items() if name != "weights"})
        if "weights" in config:
            created.layer.set_weights(keras.saving.deserialize_keras_object(config["weights"]))
        return created
