"""Latency of single operations: measured once each, dear ones take longer."""

import keras

from autonas.evaluation import operation_latency


def nodes(*layers, shape=(32, 32, 16)):
    x = keras.Input(shape)
    found = []
    for layer in layers:
        layer(x)
        found.append(layer._inbound_nodes[-1])
    return found


def test_a_dear_operation_takes_longer_than_a_cheap_one():
    latency = operation_latency.OperationLatency()
    dear, cheap = nodes(keras.layers.Conv2D(256, 5, padding="same"), keras.layers.Conv2D(4, 1))
    assert latency(dear) > 2 * latency(cheap) >= 0


def test_an_operation_is_measured_once_for_each_configuration_and_shape():
    latency = operation_latency.OperationLatency()
    first, same, other = nodes(keras.layers.ReLU(), keras.layers.ReLU(), keras.layers.ReLU(max_value=6.0))
    assert latency(first) == latency(same) and len(latency.table) == 1
    latency(other)
    (smaller,) = nodes(keras.layers.ReLU(), shape=(8, 8, 16))
    latency(smaller)
    assert len(latency.table) == 3


def test_layers_of_several_inputs_and_of_arguments_are_measured():
    latency = operation_latency.OperationLatency()
    x = keras.Input((8, 4))
    for layer in (keras.layers.Add(), keras.layers.Concatenate()):
        layer([x, x])
        assert latency(layer._inbound_nodes[0]) >= 0
    attention = keras.layers.MultiHeadAttention(2, 3)
    attention(x, x)
    assert latency(attention._inbound_nodes[0]) > 0


def test_what_is_no_layer_counts_nothing():
    x = keras.Input((8, 4))
    operation = (x + 1.0)._keras_history.operation
    assert operation_latency.OperationLatency()(operation._inbound_nodes[0]) == 0
