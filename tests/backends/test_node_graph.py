"""The graph of a network's layers."""

import keras
import pytest
from keras import layers

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


class Subclassed(keras.Model):
    """A model without a graph of layers."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(8)

    def call(self, inputs):
        return self.dense(inputs)


def functional(layer):
    inputs = keras.Input((8,))
    return keras.Model(inputs, layers.Dense(8)(layer(inputs)))


@pytest.mark.parametrize(
    "make, n_operations",
    [
        (lambda: keras.Sequential([layers.Dense(8), layers.Dense(8)]), 3),
        (lambda: keras.Sequential([keras.Input((8,)), layers.Dense(8)]), 2),
        (lambda: keras.Sequential([keras.Sequential([layers.Dense(8), layers.Dense(8)]), layers.Dense(8)]), 5),
        (lambda: functional(keras.Sequential([layers.Dense(8)])), 4),
        (lambda: keras.Sequential([functional(layers.Dense(8)), layers.Dense(8)]), 5),
        (Subclassed, 1),
        (lambda: keras.Sequential([Subclassed(), layers.Dense(8)]), 3),
    ],
    ids=[
        "first call",
        "input",
        "nested",
        "in a functional",
        "around a functional",
        "subclassed",
        "around a subclassed",
    ],
)
def test_operations_are_counted_in_models_of_any_kind(make, n_operations):
    inputs = keras.Input((8,))
    network = keras.Model(inputs, layers.Dense(2)(make()(inputs)))
    assert node_graph.n_operations(network) == n_operations + 2
    assert node_graph.largest_tensor(network) == 8


def test_a_sequential_model_has_the_nodes_of_its_layers():
    model = keras.Sequential([layers.Dense(8, name="first"), layers.Dense(3, name="second")])
    model(keras.Input((5,)))
    names = [node.operation.name for level in node_graph.levels(model) for node in level if not node.is_input]
    assert names == ["first", "second"]
