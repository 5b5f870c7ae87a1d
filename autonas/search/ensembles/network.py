"""One network that averages what others say."""

import keras

from autonas.prediction import predictor


def averaging_network(networks, weights):
    """The network of the weighted means of the outputs of several, made of Keras's own layers.

    Args:
        networks: List of `keras.Model`s of the same inputs and outputs, dicts by name.
        weights: Weight of each.

    Returns:
        A `keras.Model` of the same inputs and outputs; the only network itself if there is one.
    """
    networks = [predictor.without_training_parts(network) for network in networks]
    if len(networks) == 1:
        return networks[0]
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name) for name, tensor in networks[0].input.items()
    }
    parts = []
    for place, (network, weight) in enumerate(zip(networks, weights, strict=True)):
        network.name = f"member_{place}"
        outputs = network(inputs)
        parts.append(
            {
                name: keras.layers.Rescaling(weight, name=f"{name}_share_{place}", dtype="float32")(output)
                for name, output in outputs.items()
            }
        )
    outputs = {
        name: keras.layers.Add(name=name, dtype="float32")([part[name] for part in parts])
        for name in networks[0].output
    }
    return keras.Model(inputs, outputs)
