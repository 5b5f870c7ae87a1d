"""The averaging network: weighted means of outputs, in Keras's own layers."""

import keras
import numpy as np
import pytest

from autonas.search import averaging

ROWS = {"x": np.random.default_rng(0).normal(size=(7, 3)).astype("float32")}


def network(width):
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(width, "tanh")(keras.layers.Dropout(0.5)(inputs))
    outputs = {"kind": keras.layers.Dense(2, "softmax")(hidden), "price": keras.layers.Dense(1)(hidden)}
    return keras.Model({"x": inputs}, outputs)


def outputs_of(model):
    return {name: keras.ops.convert_to_numpy(each) for name, each in model(ROWS, training=False).items()}


def test_weighted_means():
    networks, weights = [network(2), network(3), network(4)], [0.5, 0.3, 0.2]
    averaged = outputs_of(averaging.averaging_network(networks, weights))
    assert set(averaged) == {"kind", "price"}
    for name, output in averaged.items():
        parts = [weight * outputs_of(each)[name] for each, weight in zip(networks, weights, strict=True)]
        np.testing.assert_allclose(output, sum(parts), atol=1e-6)


def test_the_same_network_twice():
    one = network(2)
    averaged = outputs_of(averaging.averaging_network([one, one], [0.4, 0.6]))
    np.testing.assert_allclose(averaged["price"], outputs_of(one)["price"], atol=1e-6)


def test_a_single_one_is_itself():
    one = network(2)
    averaged = averaging.averaging_network([one], [1.0])
    assert averaged.count_params() == one.count_params()
    np.testing.assert_array_equal(outputs_of(averaged)["kind"], outputs_of(one)["kind"])


def test_it_is_saved_and_loaded_and_has_all_parameters(tmp_path):
    networks = [network(2), network(3)]
    averaged = averaging.averaging_network(networks, [0.5, 0.5])
    assert averaged.count_params() == sum(each.count_params() for each in networks)
    averaged.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(outputs_of(loaded)["kind"], outputs_of(averaged)["kind"], atol=1e-6)


def test_networks_keep_their_names():
    one = network(2)
    name = one.name
    averaging.averaging_network([one, network(3)], [0.5, 0.5])
    assert one.name == name


def test_weights_must_fit():
    with pytest.raises(ValueError):
        averaging.averaging_network([network(2), network(3)], [1.0])
