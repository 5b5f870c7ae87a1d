"""The default graphs, on real data of each kind."""

import importlib

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest

from autonas import data
from autonas.backends import node_graph
from autonas.search_space import defaults, encoding, graph, heads, inputs, portfolio
from autonas.search_space.blocks import preprocessing, text
from autonas.supernet import Supernet
from tests.helpers.sixty_rows import KINDS, build, images, series, table, texts


def test_random_architectures_train(bound):
    searched, space, rows = bound
    y = {searched.head_names[0]: np.arange(60) % 3}
    for seed in range(3):
        model = build(searched, space, encoding.Encoding(space).sample(np.random.default_rng(seed)))
        model.run_eagerly = True  # Tracing would take ten times as long as the step.
        # Trees are fitted, and have nothing to train.
        loss = (model.train_on_batch if model.trainable_variables else model.test_on_batch)(rows, y)
        assert np.isfinite(loss)
        outputs = keras.ops.convert_to_numpy(model(rows, training=False)[searched.head_names[0]])
        assert outputs.shape == (60, 3)
        np.testing.assert_allclose(outputs.sum(axis=1), 1, atol=1e-5)


def test_networks_survive_saving(bound, tmp_path):
    searched, space, rows = bound
    for number, point in enumerate(portfolio.initial_points(searched, space)[:3]):
        model = build(searched, space, encoding.Encoding(space).complete(point))
        plain = keras.Model(model.input, model.output)
        plain.save(tmp_path / f"{number}.keras")
        loaded = keras.models.load_model(tmp_path / f"{number}.keras")
        name = searched.head_names[0]
        before, after = plain(rows, training=False)[name], loaded(rows, training=False)[name]
        np.testing.assert_allclose(before, after, atol=1e-6)


def test_several_inputs_and_heads_are_merged():
    (image_encoder, x), (table_encoder, frame) = images(), table()
    searched = graph.Graph(*defaults.default_nodes(["image", "table"], ["binary", "regression"], [None, "mae"]))
    searched.bind(
        [image_encoder.fit(x).feature, table_encoder.fit(frame).feature],
        [heads.Target("binary", 1), heads.Target("regression", 2)],
    )
    model = searched.build(searched.declare())
    assert {name: output.shape for name, output in model.output.items()} == {
        "classification_head_1": (None, 1),
        "regression_head_1": (None, 2),
    }
    assert len(portfolio.initial_points(searched, searched.declare())) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_any_block_can_be_connected_to_any_input(kind):
    from autonas.search_space.blocks import dense

    encoder, x = KINDS[kind]()
    node = inputs.Input()
    searched = graph.Graph(node, heads.RegressionHead()(dense.DenseBlock()(node)))
    searched.bind([encoder.fit(x).feature], [heads.Target("regression", 1)])
    model = searched.build(searched.declare())
    rows = {f"input_1_{name}": array for name, array in encoder.transform(x).items()}
    assert np.isfinite(model(rows)["regression_head_1"]).all()


def test_missing_steps_of_a_series_are_marked():
    encoder, x = series()
    block = preprocessing.Normalization()
    block.features = [encoder.fit(x).feature]
    normalized = np.asarray(block.build(keras_tuner.HyperParameters(), encoder.transform(x)["series"]))
    assert normalized.shape == (60, 8, 9)
    np.testing.assert_array_equal(normalized[0, 5:], 0)
    np.testing.assert_array_equal(normalized[1, :, -1], 1)


def test_a_small_vocabulary_keeps_the_frequent_words():
    tokens = np.array([[1, 2, 9, 0]])
    block = preprocessing.TextVectorization(max_tokens=5, sequence_length=3)
    np.testing.assert_array_equal(block.build(keras_tuner.HyperParameters(), tokens), [[1, 2, 1]])


def test_piecewise_linear_encoding_is_exact_at_its_edges():
    from autonas.search_space.blocks import numbers

    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0, 4.0] * 10})
    encoder = data.TableEncoder().fit(frame)
    values = encoder.transform(frame)["numbers"]
    encoded = np.asarray(numbers.piecewise_linear(values, encoder.feature, bins=3)) + 0.5
    np.testing.assert_allclose(encoded[:4], [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], atol=1e-5)


def test_imputed_numbers_are_the_mean_with_an_indicator():
    from autonas.search_space.blocks import numbers

    frame = pd.DataFrame({"x": [1.0, np.nan, 3.0, 2.0], "y": [1.0, 2.0, 3.0, 4.0]})
    encoder = data.TableEncoder().fit(frame)
    imputed = np.asarray(numbers.impute(encoder.transform(frame)["numbers"], encoder.feature))
    assert imputed.shape == (4, 3)
    assert imputed[1, 0] == 0
    np.testing.assert_array_equal(imputed[:, 2], [0, 1, 0, 0])


def test_what_is_served_has_no_augmentation(bound):
    from autonas.prediction import predictor

    searched, space, rows = bound
    values = encoding.Encoding(space).complete(portfolio.initial_points(searched, space)[1])
    model = build(searched, space, values)
    name = searched.head_names[0]
    served = predictor.without_training_parts(model)
    np.testing.assert_array_equal(served(rows)[name], model(rows, training=False)[name])
    assert not [layer for layer in served.layers if isinstance(layer, node_graph.AUGMENTATION)]


@pytest.mark.parametrize("kind", ["image", "series", "text", "table"])
def test_networks_that_are_to_share_weights_are_of_one_space(kind):
    _, (output,) = defaults.default_nodes([kind], ["multiclass"], shares_weights=True)
    assert output.block.parents[0].block.kind == "layered"


def test_a_space_that_is_named_holds_where_weights_are_shared():
    _, (output,) = defaults.default_nodes(["image"], ["multiclass"], search_space="chain", shares_weights=True)
    assert output.block.parents[0].block.kind == "chain"


def broken(block, hp, inputs):
    raise RuntimeError("no such kernel\n(a long trace)")


@pytest.mark.parametrize(
    ("kind", "block", "family"), [("text", "transformer", "transformer"), ("image", "dense", "dense")]
)
def test_a_family_that_cannot_be_built_is_left_out_with_its_reason(monkeypatch, kind, block, family):
    """The first family, which is the default one, or any other."""
    module = importlib.import_module(f"autonas.search_space.blocks.{block}")
    monkeypatch.setattr(getattr(module, f"{family.title()}Block"), "build", broken)
    encoder, x = KINDS[kind]()
    searched = graph.Graph(*defaults.default_nodes([kind], ["multiclass"]))
    searched.bind([encoder.fit(x).feature], [heads.Target("multiclass", 3)])
    name = f"{kind}_block_1/kind"
    with pytest.warns(UserWarning, match=f"{name}='{family}' is left out.*RuntimeError: no such kernel"):
        space = searched.declare()
    assert searched.left_out == {(name, family): "RuntimeError: no such kernel"}
    (decision,) = [each for each in space.space if each.name == name]
    assert family not in decision.values and len(decision.values) >= 2
    assert not [each.name for each in space.space if each.name.startswith(f"{name}_{family}/")]
    for point in portfolio.initial_points(searched, space):
        build(searched, space, encoding.Encoding(space).complete(point))
    Supernet.from_graph(searched)


def test_a_family_that_is_named_must_be_built(monkeypatch):
    from autonas.search_space.blocks import transformer

    monkeypatch.setattr(transformer.TransformerBlock, "build", broken)
    encoder, x = texts()
    node = inputs.TextInput()
    searched = graph.Graph(node, heads.ClassificationHead()(text.TextBlock(kind="transformer")(node)))
    searched.bind([encoder.fit(x).feature], [heads.Target("multiclass", 3)])
    with pytest.raises(ValueError, match="Block 'text_block_1' can't be built for this data. RuntimeError: no such"):
        searched.declare()
