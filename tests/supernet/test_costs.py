"""The expected cost of a supernet's distribution: exact for one architecture, the mean over all of them otherwise."""

import keras
import keras_tuner
import numpy as np
import pytest
from keras import ops

from autonas import data
from autonas.backends import gradients
from autonas.costs import flops
from autonas.search_space import block, decisions, encoding, graph, heads, inputs, ranges
from autonas.search_space.blocks import cell, chain, layered
from autonas.supernet import Supernet, costs

COSTS = {
    "parameters": (costs.parameters, True, keras.Model.count_params),
    "flops": (flops.node_flops, False, flops.flops),
}


def drawn(of_block):
    """The graph of a block on images of 8 x 8 pixels and three classes."""
    node = inputs.Input(name="x")
    made = graph.Graph(node, heads.ClassificationHead(dropout=0.0, name="head")(of_block(node)))
    statistics = {"mean": np.zeros(1), "variance": np.ones(1), "has_missing": False}
    feature = data.Feature("image", {"image": data.Tensor((8, 8, 1), "float32")}, statistics)
    made.bind([feature], [heads.Target("multiclass", 3)])
    return made


class NestedBlock(block.Block):
    """A choice inside of a choice, a depth, a width, tensors that only some options use, a layer that is used twice."""

    def build(self, hp, tensor):
        dense = keras.layers.Dense(4)
        x = keras.layers.GlobalAveragePooling2D()(tensor)
        inner = decisions.LayerChoice("inner", {"relu": lambda: keras.layers.ReLU(), "dense": lambda: dense_of(4)})
        outer = decisions.LayerChoice("outer", {"inner": lambda: lambda x: inner(hp, x), "skip": keras.layers.Identity})
        x = dense(dense_of(4)(x))
        x = dense(outer(hp, x))
        x = decisions.InputChoice("inputs", 2)(hp, [x, dense_of(4)(x), dense_of(4, True)(x)])
        x = keras.layers.Add()(x)
        width = decisions.WidthChoice("units", {"narrow": 2, "wide": 5})(hp)
        x = keras.layers.BatchNormalization()(width.narrow(dense_of(width.units)(x)))
        x = dense_of(4, True)(x)
        return decisions.Repeat("depth", 0, 3, lambda index: dense_of(4))(hp, x)


class MovedChannels(block.Block):
    """Searched widths before a flattening, and beside another tensor."""

    def build(self, hp, tensor):
        width = decisions.WidthChoice("filters", {"narrow": 2, "wide": 5})(hp)
        x = keras.layers.Flatten()(width.narrow(keras.layers.Conv2D(width.units, 3, strides=4)(tensor)))
        other = decisions.WidthChoice("units", {"narrow": 3, "wide": 4})(hp)
        y = other.narrow(dense_of(other.units)(dense_of(6)(keras.layers.ReLU()(x))))
        return dense_of(7)(keras.layers.BatchNormalization()(keras.layers.Concatenate()([x, y, dense_of(2)(x)])))


def dense_of(units, use_bias=False):
    return keras.layers.Dense(units, use_bias=use_bias)


def hyperparameters(space, values):
    return keras_tuner.HyperParameters.from_config({"space": space.get_config()["space"], "values": values})


BLOCKS = {
    "nested": lambda: NestedBlock(),
    "moved channels": lambda: MovedChannels(),
    "nas_bench_201": lambda: cell.CellBlock("nas_bench_201", filters=4, n_stages=2),
    "darts": lambda: cell.CellBlock("darts", filters=4, n_stages=2, n_nodes=2),
    "chain": lambda: chain.ChainBlock(filters=4, depth=ranges.Int(1, 4)),
    "layered": lambda: layered.LayeredBlock(filters=4, n_stages=2, width=1.0, dropout=0.0),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_cost_of_an_architecture_is_that_of_its_own_model(name):
    made = drawn(BLOCKS[name]())
    space, supernet = made.declare(), Supernet.from_graph(made)
    shared = encoding.Encoding(supernet.space)
    expected = {cost: costs.ExpectedCost(supernet, *arguments) for cost, (*arguments, _) in COSTS.items()}
    found = set()
    for seed in range(4):
        values = shared.sample(np.random.default_rng(seed))
        model = made.build(hyperparameters(space, values))
        for cost, (*_, of_model) in COSTS.items():
            assert expected[cost].of(values) == of_model(model)
        found.add(model.count_params())
    assert len(found) > 1


def test_the_cost_of_a_model_at_a_searched_width_is_unknown():
    class Model(block.Block):
        def build(self, hp, tensor):
            width = decisions.WidthChoice("units", {"narrow": 2, "wide": 5})(hp)
            x = width.narrow(dense_of(width.units)(keras.layers.Flatten()(tensor)))
            return keras.Sequential([dense_of(4)], name="inner")(x)

    with pytest.raises(ValueError, match="cost of the model 'inner' is unknown.*/units.*one by one"):
        costs.ExpectedCost(Supernet.from_graph(drawn(Model())), costs.parameters, True)


@pytest.mark.parametrize("cost", COSTS)
def test_the_expected_cost_is_the_mean_over_all_architectures(cost):
    supernet = Supernet.from_graph(drawn(NestedBlock()))
    expected = costs.ExpectedCost(supernet, *COSTS[cost][:2])
    generator = np.random.default_rng(0)
    for logits in supernet.architecture_variables:
        logits.assign(generator.normal(size=logits.shape))
    distribution = supernet.distribution()
    mean, total = 0.0, 0.0
    for values in encoding.Encoding(supernet.space).architectures():
        chance = np.prod([distribution[name][values[name]] for name in distribution if name in values])
        total += chance
        mean += chance * expected.of(values)
    assert total == pytest.approx(1.0, rel=1e-5)
    assert float(expected()) == pytest.approx(mean, rel=1e-5)


def test_sure_logits_cost_what_their_architecture_costs():
    supernet = Supernet.from_graph(drawn(BLOCKS["nas_bench_201"]()))
    expected = costs.ExpectedCost(supernet, flops.node_flops)
    values = encoding.Encoding(supernet.space).sample(np.random.default_rng(3))
    for index, logits in zip(supernet.indices(values), supernet.architecture_variables, strict=True):
        logits.assign(100.0 * np.eye(logits.shape[0])[index])
    assert float(expected()) == pytest.approx(expected.of(values), rel=1e-6)


def test_its_gradient_lowers_what_is_dear():
    supernet = Supernet.from_graph(drawn(BLOCKS["nas_bench_201"]()))
    expected = costs.ExpectedCost(supernet, flops.node_flops)
    _, slopes = gradients.value_and_gradient(expected, supernet.architecture_variables)
    for selector, slope in zip(supernet.decisions.values(), slopes, strict=True):
        slopes_of = dict(zip(selector.labels, ops.convert_to_numpy(slope), strict=True))
        assert max(slopes_of, key=slopes_of.get) == "convolution_3" and slopes_of["identity"] < 0


def test_tensors_that_no_option_in_use_needs_cost_nothing():
    class Unused(block.Block):
        def build(self, hp, tensor):
            x = keras.layers.GlobalAveragePooling2D()(tensor)
            return decisions.InputChoice("inputs")(hp, [x, keras.layers.Rescaling(2.0)(x)])

    supernet = Supernet.from_graph(drawn(Unused()))
    expected = costs.ExpectedCost(supernet, flops.node_flops)
    used, unused = (expected.of({f"{name}": label}) for name in supernet.decisions for label in ("1", "0"))
    assert used - unused == 2
    assert float(expected()) == pytest.approx(unused + 1)
