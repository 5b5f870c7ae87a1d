"""ResidualMLPBlock: residual dense layers that each choose their kind, on a vector."""

import keras
import numpy as np
import pytest
import sklearn.datasets

from autonas import data
from autonas.search_space import encoding, graph, heads, inputs, ranges
from autonas.search_space.blocks import residual_mlp
from tests.helpers import harness


def fixed(**arguments):
    settings = {"units": 8, "depth": 3, "kind": "dense", "multiple": 2, "dropout": 0.0, "normalization": "batch"}
    return residual_mlp.ResidualMLPBlock(**{**settings, **arguments})


def layers(model, layer_class):
    return [layer for layer in model.layers if isinstance(layer, layer_class)]


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    _, model = harness.check(residual_mlp.ResidualMLPBlock, *harness.digits(), tmp_path)
    assert model.count_params() < 200_000


def test_it_learns_a_table():
    keras.utils.set_random_seed(0)
    x, y = sklearn.datasets.load_iris(return_X_y=True)
    node = inputs.StructuredDataInput(name="table")
    output = heads.ClassificationHead(dropout=0.0, name="head")(residual_mlp.ResidualMLPBlock(depth=1)(node))
    drawn = graph.Graph(node, output)
    drawn.bind([data.get_encoder("table").fit(x).feature], [heads.Target("multiclass", 3)])
    model = drawn.build(drawn.declare())
    for _ in range(40):
        model.train_on_batch({"table_numbers": x}, {"head": y})
    predicted = np.argmax(model.predict_on_batch({"table_numbers": x})["head"], axis=-1)
    assert np.mean(predicted == y) > 0.9


def test_each_layer_has_a_kind_and_each_kind_a_width_and_dropout_of_its_own():
    images, _ = harness.digits(8)
    space = harness.make_graph(residual_mlp.ResidualMLPBlock(name="b"), images).declare()
    expected = {"b/units", "b/normalization", "b/depth"}
    for layer in range(4):
        expected.add(f"b/depth_{layer}/kind")
        for kind in ("dense", "gated"):
            expected |= {f"b/depth_{layer}/kind_{kind}/{each}" for each in ("multiple", "dropout")}
    assert {each.name for each in space.space if each.name.startswith("b/")} == expected
    values = encoding.Encoding(space).complete({"b/depth_0/kind": "identity"})
    assert not any(name.startswith("b/depth_0/kind_") for name in values)


def test_a_value_decided_for_one_layer_changes_that_layer_alone():
    images, _ = harness.digits(8)
    block = fixed(kind=ranges.Choice(["dense", "gated", "identity"]), multiple=ranges.Choice([2, 3]), name="b")
    drawn = harness.make_graph(block, images)
    space = drawn.declare()

    def widths(changes):
        hp = space.copy()
        hp.values = encoding.Encoding(space).complete(changes)
        dense = layers(drawn.build(hp), keras.layers.Dense)
        return [layer.units for layer in dense[:-1]]

    assert widths({}) == [8, 16, 8, 16, 8, 16, 8]
    assert widths({"b/depth_1/kind_dense/multiple": 3}) == [8, 16, 8, 24, 8, 16, 8]
    assert widths({"b/depth_1/kind": "gated"}) == [8, 16, 8, 16, 16, 8, 16, 8]
    assert widths({"b/depth_1/kind": "identity"}) == [8, 16, 8, 16, 8]


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("dense", 4 * 8 + (8 * 16 + 16) + (16 * 8 + 8)),
        ("gated", 4 * 8 + 2 * (8 * 16 + 16) + (16 * 8 + 8)),
        ("identity", 0),
    ],
)
def test_the_parameters_of_each_kind(kind, parameters):
    shared = (5 * 8 + 8) + 4 * 8
    assert harness.build(fixed(kind=kind, depth=1), (5,)).count_params() == shared + parameters


def test_the_formula_of_a_layer():
    model = harness.build(fixed(kind="gated", depth=1, multiple=1, activation="tanh"), (5,))
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    project, *hidden, out = layers(model, keras.layers.Dense)
    value, gate = sorted(hidden, key=lambda layer: layer.activation is keras.activations.sigmoid)

    def normalize(x):
        return x / np.sqrt(1 + 1e-3)

    def linear(layer, x):
        return x @ layer.kernel.numpy() + layer.bias.numpy()

    projected = linear(project, x)
    hidden = linear(value, normalize(projected)) / (1 + np.exp(-linear(gate, normalize(projected))))
    expected = np.tanh(normalize(projected + linear(out, hidden)))
    np.testing.assert_allclose(model.predict_on_batch(x), expected, rtol=1e-4, atol=1e-5)


def test_normalization_by_batch_or_by_layer():
    model = harness.build(fixed(), (5,))
    assert [layer.momentum for layer in layers(model, keras.layers.BatchNormalization)] == [0.9] * 4
    model = harness.build(fixed(normalization="layer"), (5,))
    assert harness.count(model, keras.layers.LayerNormalization) == 4
    assert not layers(model, keras.layers.BatchNormalization)


def test_dropout_is_on_the_hidden_vector():
    model = harness.build(fixed(dropout=0.3), (5,))
    assert [(layer.rate, layer.output.shape[-1]) for layer in layers(model, keras.layers.Dropout)] == [(0.3, 16)] * 3


def test_images_and_series_are_flattened():
    for shape in [(8, 8, 1), (8, 8)]:
        assert harness.build(fixed(), shape).output_shape == (None, 8)


@pytest.mark.parametrize("argument", ["kind", "normalization"])
def test_an_unknown_label_is_refused(argument):
    with pytest.raises(ValueError, match=rf"`{argument}` of ResidualMLPBlock must be one of \['\w+', .*'swish'"):
        harness.build(fixed(**{argument: "swish"}), (5,))


def test_several_inputs_are_refused():
    with pytest.raises(ValueError, match="ResidualMLPBlock takes one input, but is connected to 2. Put a Merge"):
        harness.build(fixed(), [(9,), (4,)])
