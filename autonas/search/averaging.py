"""Networks that average the outputs of other networks."""

from collections.abc import Mapping, Sequence

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
    outputs = []
    for number, network in enumerate(networks):
        network.name = f"member_{number}"
        outputs.append(network(inputs))
    return keras.Model(inputs, weighted_mean(outputs, weights))


def weighted_mean(
    outputs: Sequence[Mapping[str, keras.KerasTensor]], weights: Sequence[float]
) -> dict[str, keras.KerasTensor]:
    """Return the weighted means of the outputs of several networks, or calls of one, a dict by name.

    Args:
        outputs: List of the outputs, dicts by name.
        weights: List of the weights.
    """
    shares = [
        {
            name: keras.layers.Rescaling(weight, name=f"{name}_share_{number}", dtype="float32")(output)
            for name, output in outputs_of_one.items()
        }
        for number, (outputs_of_one, weight) in enumerate(zip(outputs, weights, strict=True))
    ]
    return {
        name: keras.layers.Add(name=name, dtype="float32")([share[name] for share in shares]) for name in outputs[0]
    }
