"""PretrainedBlock: backbones of keras.applications."""

import socket
import sys
import urllib.error

import keras
import numpy as np
import pytest

import autonas
from autonas.evaluation import frozen
from autonas.search_space import ranges
from autonas.search_space.blocks import pretrained
from tests.helpers import harness


@pytest.fixture
def no_network(monkeypatch):
    """Downloads fail, and the attempts are counted; nothing is cached and nothing remembered."""
    attempts = []

    def fail(origin, *arguments):
        attempts.append((origin, socket.getdefaulttimeout()))
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(keras.src.utils.file_utils, "urlretrieve", fail)
    monkeypatch.setattr(keras.src.utils.file_utils.os.path, "exists", lambda path: False)
    monkeypatch.setattr(pretrained, "_failures", {})
    return attempts


def fixed(**arguments):
    settings = {"architecture": "MobileNetV3Small", "image_size": 32, "trainable": False, "weights": None}
    return pretrained.PretrainedBlock(**{**settings, **arguments})


def backbone_of(model):
    return next(layer for layer in model.layers if isinstance(layer, keras.Model))


def test_without_weights_any_images_are_resized_and_the_whole_network_is_trained():
    images, labels = harness.digits()
    block = pretrained.PretrainedBlock("MobileNetV3Small", image_size=ranges.Choice([32, 64]), weights=None)
    drawn = harness.make_graph(block, images)
    model = drawn.build(drawn.declare())
    harness.check_model(model, images, labels)
    backbone = backbone_of(model)
    assert backbone.input_shape == (None, 32, 32, 3)
    assert backbone.trainable
    normalizations = [layer for layer in backbone.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in normalizations} == {0.9}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The weights of a backbone, and the path of the file that holds them."""
    source = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = str(tmp_path_factory.mktemp("weights") / "backbone.weights.h5")
    source.save_weights(path)
    return source.get_weights(), path


@pytest.mark.parametrize(("trainable", "trained"), [(False, 0), (True, 1)])
def test_weights_from_a_file_are_loaded_and_frozen_on_demand(stored, trainable, trained):
    weights, path = stored
    model = harness.build(fixed(weights=path, trainable=trainable), (20, 20, 3))
    backbone = backbone_of(model)
    for ours, theirs in zip(backbone.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert bool(model.trainable_weights) == bool(trained)
    # Batch normalisation keeps the published statistics in training.
    before = [np.array(value) for value in backbone.get_weights()]
    model(np.random.default_rng(0).normal(size=(2, 20, 20, 3)).astype("float32"), training=True)
    for ours, theirs in zip(backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("expected", ["pixels", "signed", "centred", "standardised"])
def test_standardised_images_are_turned_into_what_the_backbone_was_trained_with(expected):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 8, 8, 3)).astype("float32")
    mean, deviation = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    module = {
        "signed": keras.applications.mobilenet_v2,
        "centred": keras.applications.resnet50,
        "standardised": keras.applications.densenet,
    }.get(expected)
    wanted = module.preprocess_input(pixels.copy()) if module else pixels
    tensor = keras.Input((8, 8, 3))
    model = keras.Model(tensor, pretrained._to_imagenet(tensor, 8, expected))
    np.testing.assert_allclose(model(((pixels - mean) / deviation).astype("float32")), wanted, atol=0.5)


def test_every_architecture_exists_in_keras():
    assert all(callable(getattr(keras.applications, name)) for name in pretrained.ARCHITECTURES)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_images_of_any_number_of_channels_are_taken(channels):
    tensor = keras.Input((8, 8, channels))
    model = keras.Model(tensor, pretrained._to_imagenet(tensor, 32, "pixels"))
    assert model.output_shape == (None, 32, 32, 3)
    if channels == 1:
        grey = np.asarray(model(np.zeros((1, 8, 8, 1), "float32")))
        np.testing.assert_allclose(grey[0, 0, 0], [123.675, 116.28, 103.53], rtol=1e-5)


def test_weights_that_cannot_be_downloaded_are_reported_in_one_line_and_at_once(no_network):
    with pytest.raises(pretrained.WeightsUnavailable) as caught:
        harness.build(fixed(weights="imagenet"), (20, 20, 3))
    message = str(caught.value)
    assert message.startswith("The imagenet weights of MobileNetV3Small can't be loaded: URL fetch failure on https://")
    assert "no route to host" in message and "\n" not in message
    assert len(no_network) == 1


def test_a_failed_download_is_not_tried_again_in_the_process(no_network):
    for architecture in ("MobileNetV3Small", "MobileNetV3Small", "ResNet50"):
        with pytest.raises(pretrained.WeightsUnavailable):
            harness.build(fixed(weights="imagenet", architecture=architecture), (20, 20, 3))
    assert len(no_network) == 1


def test_a_download_that_stands_still_is_given_up_after_seconds_and_the_setting_is_restored(no_network):
    before = socket.getdefaulttimeout()
    with pytest.raises(pretrained.WeightsUnavailable):
        harness.build(fixed(weights="imagenet"), (20, 20, 3))
    assert [timeout for _, timeout in no_network] == [10]
    assert socket.getdefaulttimeout() == before


def test_the_space_can_be_declared_where_weights_cannot_be_had(no_network):
    images, _ = harness.digits(8)
    block = pretrained.PretrainedBlock(image_size=32, name="backbone")
    space = harness.make_graph(block, images).declare()
    assert {name for name in space.values if name.startswith("backbone/")} == {
        "backbone/architecture",
        "backbone/trainable",
    }
    assert no_network == []


def test_an_architecture_can_be_used_twice_in_a_graph():
    tensor = keras.Input((8, 8, 3))
    outputs = [fixed().build(harness.empty_values(), tensor) for _ in range(2)]
    assert keras.Model(tensor, outputs).output_shape == [(None, 1, 1, 576)] * 2


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of weights in Keras's cache, which is empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def test_backbones_are_stored_if_their_weights_are_in_the_cache_the_smallest_first(cache):
    assert pretrained.stored(32) is None
    (cache / pretrained._FILES["ResNet50"]).write_bytes(b"12")
    (cache / pretrained._FILES["MobileNetV2"].format(image_size=160)).write_bytes(b"1")
    assert pretrained.stored(32).architecture.values == ["ResNet50"]
    block = pretrained.stored(100)
    assert block.architecture.values == ["MobileNetV2", "ResNet50"] and block.image_size == 160
    assert pretrained.stored(500).image_size == 224


# A backbone of two million weights is applied to each row, traced and saved: some 20 seconds.
def test_a_default_search_tries_the_stored_backbone_whose_features_are_computed_once(cache, monkeypatch):
    monkeypatch.setattr(keras.src.backend.config, "_KERAS_DIR", str(cache.parent))
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(96, 96, 3))
    source.save(cache / pretrained._FILES["MobileNetV2"].format(image_size=96))
    computed, compute = [], frozen.compute
    monkeypatch.setattr(frozen, "compute", lambda *args: computed.append(args[0]) or compute(*args))
    monkeypatch.setitem(pretrained._failures, "imagenet", "The download of another backbone has failed.")
    images = np.random.default_rng(0).integers(0, 256, (40, 20, 20, 3)).astype("uint8")
    labels = np.arange(40) % 2
    arguments = {"max_trials": 3, "epochs": 3, "seed": 0, "tensorboard": False, "ensemble": 1, "verbose": 0}
    model = autonas.AutoModel(directory=str(cache / "run"), **arguments)
    model.fit(images, labels)
    board = model.leaderboard()
    trial = board[board["image_block_1/kind"] == "pretrained"].iloc[0]
    assert trial["status"] == "completed" and trial["image_block_1/kind_pretrained/architecture"] == "MobileNetV2"
    assert any(isinstance(operation, keras.Model) for front in computed for operation in front.operations)


# Each architecture is built: some 20 seconds.
@pytest.mark.parametrize("architecture", pretrained.ARCHITECTURES)
def test_the_files_of_weights_are_those_that_keras_reads(architecture, no_network):
    image_size = 96
    with pytest.raises(pretrained.WeightsUnavailable):
        pretrained._backbone(architecture, image_size, "imagenet")
    ((origin, _),) = no_network
    assert origin.endswith("/" + pretrained._FILES[architecture].format(image_size=image_size))


def test_a_preset_of_keras_hub_is_a_backbone_with_its_weights_and_its_range_of_values(tmp_path):
    keras_hub = pytest.importorskip("keras_hub")
    source = keras_hub.models.ResNetBackbone(
        [64], [7], [64, 64], [1, 1], [1, 2], "basic_block", image_shape=(None, None, 3)
    )
    source.save_to_preset(str(tmp_path))
    keras_hub.layers.ResNetImageConverter(scale=1 / 255, offset=-0.5).save_to_preset(str(tmp_path))
    model = harness.build(fixed(architecture=f"keras_hub:{tmp_path}", weights="imagenet"), (20, 20, 3))
    assert model.output_shape == (None, 4, 4, 64) and not model.trainable_weights
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    standardised = (pixels - pretrained._MEAN) / pretrained._DEVIATION
    same_size = harness.build(fixed(architecture=f"keras_hub:{tmp_path}", weights="imagenet"), (32, 32, 3))
    np.testing.assert_allclose(same_size(standardised.astype("float32")), source(pixels / 255 - 0.5), atol=1e-3)
    fresh = harness.build(fixed(architecture=f"keras_hub:{tmp_path}"), (20, 20, 3))
    assert fresh.trainable_weights


def test_a_preset_of_keras_hub_needs_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(ImportError, match="install it by `pip install 'autonas.hub.'`.*'keras_hub:resnet'"):
        harness.build(fixed(architecture="keras_hub:resnet"), (20, 20, 3))


def test_unknown_architectures_and_missing_files_are_refused():
    with pytest.raises(ValueError, match="`architecture` of PretrainedBlock must be one of .*='LeNet'"):
        harness.build(fixed(architecture="LeNet"), (20, 20, 3))
    with pytest.raises(ValueError, match="path to the weights file"):
        harness.build(fixed(weights="/nowhere.weights.h5"), (20, 20, 3))


def test_configuration_round_trip():
    harness.check_configuration(pretrained.PretrainedBlock(weights=None, name="backbone"))
