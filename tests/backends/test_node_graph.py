"""The graph of a network's layers."""

import keras

from autonas.backends import node_graph


def test_the_largest_tensor_inside_of_a_network_says_how_many_rows_are_predicted_at_once():
    inner = keras.Sequential([keras.Input((5,)), keras.layers.Dense(70), keras.layers.Dense(3)])
    inputs = keras.Input((5,))
    network = keras.Model(inputs, keras.layers.Dense(20)(inner(inputs)))
    largest = node_graph.largest_tensor(network)
    assert largest == 70
    assert node_graph.rows_at_once(largest, 1000) == 1000
    assert node_graph.rows_at_once(largest, 1000, 700) == 10
    assert node_graph.rows_at_once(largest, 1000, 7) == 1
