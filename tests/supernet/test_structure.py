"""The key of an architecture: equal for the same network, and for no other."""

import itertools

import keras
import numpy as np
import pytest

from autonas.backends import node_graph
from autonas.search_space import block, decisions, encoding
from autonas.supernet import Supernet, structure
from tests.supernet.test_costs import BLOCKS, dense_of, drawn, hyperparameters


class Identities(block.Block):
    """A depth of layers that may be identities: as many dense layers of one kind or another in several ways."""

    def build(self, hp, tensor):
        x = dense_of(4)(keras.layers.Flatten()(tensor))

        def layer(index):
            options = {
                "dense": lambda: dense_of(4),
                "biased": lambda: dense_of(4, True),
                "dropout": lambda: keras.layers.Dropout(0.1),
                "identity": keras.layers.Identity,
            }
            return lambda inputs: decisions.LayerChoice("kind", options)(hp, inputs)

        return decisions.Repeat("depth", 0, 3, layer)(hp, x)


def tree_of(model):
    """A description of a built model, made from its outputs to its inputs, apart from the code under test."""
    numbers = {}

    def describe(tensor):
        node, index = node_graph.producer(tensor)
        inputs = [describe(source) for source in node.input_tensors]
        layer = node.operation
        if isinstance(layer, keras.layers.Identity):
            return inputs[0]
        arguments = [
            value for value in keras.tree.flatten(node.arguments.args) if not keras.backend.is_keras_tensor(value)
        ]
        config = layer.get_config() if isinstance(layer, keras.layers.Layer) and not node.is_input else {}
        config = {name: value for name, value in config.items() if name not in ("name", "seed")}
        number = numbers.setdefault(id(layer), len(numbers))
        return [number, type(layer).__name__, index, str(config), str(arguments), inputs]

    return str([describe(tensor) for tensor in model.outputs])


@pytest.mark.parametrize("name", [*BLOCKS, "identities"])
def test_keys_are_equal_if_and_only_if_the_networks_are(name):
    made = drawn((BLOCKS | {"identities": Identities})[name]())
    space, supernet = made.declare(), Supernet.from_graph(made)
    keys, shared = structure.NetworkKeys(supernet), encoding.Encoding(supernet.space)
    generator = np.random.default_rng(0)
    architectures = list(itertools.islice(shared.architectures(), 12)) + [shared.sample(generator) for _ in range(12)]
    trees = [tree_of(made.build(hyperparameters(space, values))) for values in architectures]
    found = [keys.of(values) for values in architectures]
    for first, second in itertools.combinations(range(len(architectures)), 2):
        assert (found[first] == found[second]) == (trees[first] == trees[second])
    assert 1 < len(set(found)) <= len(architectures)


def test_layers_that_differ_in_identities_only_are_one_network():
    supernet = Supernet.from_graph(drawn(Identities()))
    keys = structure.NetworkKeys(supernet)
    architectures = list(encoding.Encoding(supernet.space).architectures())
    # Sequences of at most three layers of three kinds.
    assert len({keys.of(values) for values in architectures}) == 1 + 3 + 9 + 27 < len(architectures)
