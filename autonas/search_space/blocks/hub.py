"""Pretrained backbones of KerasHub."""

import keras

#: Beginning of the name of a KerasHub preset in the argument `architecture` of a `PretrainedBlock`.
PREFIX = "keras_hub:"


def load(name: str, image_size: int, weights: str | None) -> tuple[keras.Model, keras.layers.Rescaling]:
    """Return the backbone of a preset, and the layer that converts pixels from 0 to 255 to its input.

    Args:
        name: `PREFIX`, followed by the name or the folder of a preset of an image model.
        image_size: Side in pixels of the images of the backbone.
        weights: `None` for random weights, otherwise the weights of the preset are loaded.

    Raises:
        ImportError: If KerasHub isn't installed.
        ValueError: If the preset isn't of an image model.
    """
    try:
        import keras_hub
    except ImportError as error:
        raise ImportError(
            f"`architecture` of PretrainedBlock is a preset of KerasHub: install it by `pip install 'autonas[hub]'`. "
            f"Received: architecture={name!r}"
        ) from error
    preset = name.removeprefix(PREFIX)
    converter = keras_hub.layers.ImageConverter.from_preset(preset)
    backbone = keras_hub.models.Backbone.from_preset(
        preset, load_weights=weights is not None, image_shape=(image_size, image_size, 3)
    )
    if len(backbone.inputs) != 1:
        raise ValueError(
            "`architecture` of PretrainedBlock must be a backbone of images alone. "
            f"Received: architecture={name!r}, with {len(backbone.inputs)} inputs"
        )
    scale = 1.0 if converter.scale is None else converter.scale
    offset = 0.0 if converter.offset is None else converter.offset
    return backbone, keras.layers.Rescaling(scale, offset)
