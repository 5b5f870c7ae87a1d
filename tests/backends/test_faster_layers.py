"""Forms of layers that a backend computes faster."""

import keras
import numpy as np

from autonas.backends import faster_layers


def test_faster_forms_compute_the_same_and_the_same_statistics(network):
    x = np.random.default_rng(0).normal(1.0, 2.0, (16, 4, 4, 3)).astype("float32")
    plain = keras.models.clone_model(network)
    plain.set_weights(network.get_weights())
    expected = keras.ops.convert_to_numpy(plain(x, training=True))
    with faster_layers.faster(network):
        replaced = [layer for layer in network.layers if "call" in vars(layer)]
        outputs = keras.ops.convert_to_numpy(network(x, training=True))
    assert [type(layer).__name__ for layer in replaced] == [
        {"tensorflow": "BatchNormalization", "jax": "Conv2D"}[keras.backend.backend()]
    ]
    np.testing.assert_allclose(outputs, expected, atol=1e-4)
    for weight, other in zip(network.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)
