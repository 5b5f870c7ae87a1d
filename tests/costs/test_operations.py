"""What a network computes when it predicts has a key, whatever it is trained by."""

import keras
import pytest
from keras import layers

from autonas.costs.operations import inference_key


def network(units=8, dropout=0.0, activation="relu", skip=False, initializer="zeros", n_columns=5):
    inputs = keras.Input((n_columns,), name="x")
    hidden = layers.Dense(units, activation=activation, bias_initializer=initializer)(inputs)
    if dropout:
        hidden = layers.Dropout(dropout)(hidden)
    second = layers.Dense(units)(hidden)
    outputs = layers.Add()([hidden, second]) if skip else layers.Add()([second, second])
    model = keras.Model({"x": inputs}, {"y": layers.Dense(1)(outputs)})
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("changes", [{}, {"dropout": 0.5}, {"initializer": "ones"}], ids=str)
def test_weights_names_and_training_make_no_difference(changes):
    assert inference_key(network(**changes)) == inference_key(network())


@pytest.mark.parametrize("changes", [{"units": 9}, {"activation": "tanh"}, {"skip": True}, {"n_columns": 6}], ids=str)
def test_structure_and_shapes_make_a_difference(changes):
    assert inference_key(network(**changes)) != inference_key(network())
