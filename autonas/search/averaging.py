"""Networks that average the outputs of other networks."""

from collections.abc import Sequence

import keras

from autonas.prediction import predictor


def averaging_network(networks: Sequence[keras.Model], weights: Sequence[float]) -> keras.Model:
    """Return a network whose outputs are the weighted means of the outputs of several networks.

    The network consists of Keras's own layers.

    Args:
        networks: List of `keras.Model`s with the same inputs and outputs, dicts by name.
        weights: List of the weights of the networks.

    Returns:
        A `keras.Model` with the same inputs and outputs. For a single network this is the network itself.
    """
    networks = [predictor.without_training_parts(network) for network in networks]
    if len(networks) == 1:
        return networks[0]
    inputs = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name) for name, tensor in networks[0].input.items()
    }
    shares = []
    for number, (network, weight) in enumerate(zip(networks, weights, strict=True)):
        network.name = f"member_{number}"
        outputs = network(inputs)
        shares.append(
            {
                name: keras.layers.Rescaling(weight, name=f"{name}_share_{number}", dtype="float32")(output)
                for name, output in outputs.items()
            }
        )
    outputs = {
        name: keras.layers.Add(name=name, dtype="float32")([share[name] for share in shares])
        for name in networks[0].output
    }
    return keras.Model(inputs, outputs)
