"""KerasBlock: any Keras layer or model in a graph."""

import json
import pickle

import keras
import numpy as np
import pytest

import autonas
from autonas.search_space.blocks import keras_block
from tests.helpers import harness


@keras.saving.register_keras_serializable("tests")
class Doubled(keras.layers.Layer):
    """A layer of the user."""

    def call(self, inputs):
        return 2 * inputs


@keras.saving.register_keras_serializable("tests")
def make_dense():
    return keras.layers.Dense(3)


def backbone():
    """A network with weights, batch normalisation and dropout."""
    images = keras.Input((8, 8, 1))
    outputs = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, activation="relu")(images))
    return keras.Model(images, keras.layers.Dropout(0.5)(outputs), name="backbone")


def inner_model(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def names_of(block):
    images, _ = harness.digits(8)
    return {name for name in harness.make_graph(block, images).declare().values if name.startswith("keras_block_1/")}


def test_a_layer_without_weights_begins_with_new_ones_in_every_trial():
    block = keras_block.KerasBlock(keras.layers.Dense(3))
    first, second = (harness.build(block, (5,)).get_weights()[0] for _ in range(2))
    assert first.shape == (5, 3) and not np.array_equal(first, second)
    assert harness.build(block, (7,)).output_shape == (None, 3)


def test_a_function_makes_the_layer_of_every_trial():
    made = []

    def make():
        made.append(backbone())
        return made[-1]

    block = keras_block.KerasBlock(make)
    first, second = (harness.build(block, (8, 8, 1)).get_weights()[0] for _ in range(2))
    assert len(made) == 2 and not np.array_equal(first, second)
    assert names_of(block) == set()


def test_every_trial_begins_with_the_weights_of_a_model_and_leaves_them_as_they_are():
    given = backbone()
    before = given.get_weights()
    block = keras_block.KerasBlock(given)
    for _ in range(2):
        model = harness.build(block, (8, 8, 1))
        for ours, theirs in zip(inner_model(model).get_weights(), before, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        model.set_weights([weight + 1 for weight in model.get_weights()])
    for ours, theirs in zip(given.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_search_chooses_whether_given_weights_are_trained():
    assert names_of(keras_block.KerasBlock(backbone())) == {"keras_block_1/trainable"}
    assert names_of(keras_block.KerasBlock(keras.layers.Conv2D(3, 3))) == set()
    frozen = backbone()
    frozen.trainable = False
    assert names_of(keras_block.KerasBlock(frozen)) == set()


@pytest.mark.parametrize("trainable", [False, True])
def test_statistics_of_given_weights_are_kept_and_frozen_layers_have_no_dropout(trainable):
    model = harness.build(keras_block.KerasBlock(backbone(), trainable=trainable), (8, 8, 1))
    assert [weight.name for weight in model.trainable_weights] == (["kernel", "bias"] if trainable else [])
    before, images = model.get_weights(), np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype("float32")
    in_training = np.asarray(model(images, training=True))
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert np.array_equal(in_training, np.asarray(model(images, training=False))) != trainable


def test_layers_that_the_user_froze_stay_frozen():
    given = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4), keras.layers.Dense(3)])
    given.layers[0].trainable = False
    model = harness.build(keras_block.KerasBlock(given, trainable=True), (5,))
    assert [weight.shape for weight in model.trainable_weights] == [(4, 3), (3,)]


def test_a_model_can_be_read_from_a_file(tmp_path):
    given, path = backbone(), str(tmp_path / "backbone.keras")
    given.save(path)
    block = keras_block.KerasBlock(path)
    assert names_of(block) == {"keras_block_1/trainable"}
    again = keras_block.KerasBlock.from_config(json.loads(json.dumps(block.get_config())))
    for ours, theirs in zip(harness.build(again, (8, 8, 1)).get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("copied", ["config", "pickle"])
def test_copies_of_a_block_have_the_weights_of_its_layer(copied):
    for given, shape in ((backbone(), (8, 8, 1)), (keras.layers.Dense(3), (8,)), (Doubled(), (8,))):
        if isinstance(given, keras.layers.Dense):
            given.build((None, 8))
        block = keras_block.KerasBlock(given, trainable=False, name="mine")
        if copied == "config":
            again = keras_block.KerasBlock.from_config(json.loads(json.dumps(block.get_config())))
        else:
            again = pickle.loads(pickle.dumps(block))
        assert (again.trainable, again.raw_inputs, again.name) == (False, False, "mine")
        for ours, theirs in zip(harness.build(again, shape).get_weights(), given.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_only_registered_functions_have_a_config():
    config = json.loads(json.dumps(keras_block.KerasBlock(make_dense).get_config()))
    assert keras_block.KerasBlock.from_config(config).layer is make_dense
    with pytest.raises(ValueError, match="a function that is registered by keras.saving.register_keras_serializable"):
        keras_block.KerasBlock(lambda: keras.layers.Dense(3)).get_config()


def test_a_layer_can_be_used_twice_in_a_graph_and_can_take_several_tensors():
    given, tensor = backbone(), keras.Input((8, 8, 1))
    outputs = [keras_block.KerasBlock(given).build(harness.empty_values(), tensor) for _ in range(2)]
    added = keras_block.KerasBlock(keras.layers.Add()).build(harness.empty_values(), outputs)
    assert keras.Model(tensor, added).output_shape == (None, 6, 6, 4)


def test_a_layer_receives_pixels_if_it_wants_them():
    images, _ = harness.digits(8)
    for raw_inputs, mean in ((True, images.mean()), (False, 0.0)):
        block = keras_block.KerasBlock(keras.layers.Identity(name="seen"), raw_inputs=raw_inputs)
        drawn = harness.make_graph(block, images)
        model = drawn.build(drawn.declare())
        seen = next(layer for layer in model.layers if layer.name.startswith("seen"))
        values = keras.Model(model.input, seen.output)(harness.model_inputs(model, images))
        np.testing.assert_allclose(np.mean(values), mean, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (backbone(), (9, 9, 1), r"must accept a tensor of shape \(None, 9, 9, 1\).*expected shape=\(None, 8, 8, 1\)"),
        (keras.layers.Conv2D(3, 3), (5,), r"a Conv2D, must accept a tensor of shape \(None, 5\).*expected min_ndim=4"),
        (keras.layers.LSTM(3, return_state=True), (5, 2), "must return one tensor. Received: a LSTM that returns a"),
        (keras.Sequential([keras.layers.Lambda(lambda x: x)]), (5,), "must have no Lambda layer.*subclass of keras"),
        (3, (5,), "must be a keras.Layer, the path of a .keras file, or a function.*Received: layer=3"),
        (lambda: "layer", (5,), ", a function that returns a str"),
        ("nowhere.keras", (5,), "File not found"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        harness.build(keras_block.KerasBlock(layer), shape)


def test_a_search_serves_saves_and_exports_a_model_with_a_frozen_backbone(folder):
    images, labels = harness.digits(120)
    given = backbone()
    inputs = autonas.ImageInput()
    features = autonas.Reduction("average")(autonas.KerasBlock(given, trainable=False)(inputs))
    model = autonas.AutoModel(inputs, autonas.ClassificationHead(dropout=0.0)(features), max_trials=1, epochs=2)
    model.fit(images, labels)
    inner = inner_model(model.model_)
    for ours, theirs in zip(inner.get_weights(), given.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    expected = model.predict_proba(images)
    model.save("saved")
    np.testing.assert_allclose(autonas.AutoModel.load("saved").predict_proba(images), expected, atol=1e-5)
    model.export("model.tflite")
    model.export("model.keras")


def test_trials_in_other_processes_have_the_weights(folder):
    images, labels = harness.digits(60)
    inputs = autonas.ImageInput()
    features = autonas.Reduction("average")(autonas.KerasBlock(backbone())(inputs))
    outputs = autonas.ClassificationHead()(features)
    model = autonas.AutoModel(inputs, outputs, max_trials=1, epochs=1, executor="process").fit(images, labels)
    assert list(model.leaderboard()["status"])[0] == "completed"
