"""Preprocessing blocks: augmentation of images in training."""

import keras
import numpy as np
import pytest

from autonas.data import get_encoder
from autonas.search_space.blocks import numbers, preprocessing


def normalized(kind, x):
    """Return what the layer for training data returns for the training data."""
    feature = get_encoder(kind).fit(x).feature
    block = preprocessing.Normalization()
    block.features = [feature]
    inputs = keras.Input(feature.tensors[kind].shape)
    return keras.ops.convert_to_numpy(keras.Model(inputs, block.build(None, inputs))(x.astype("float32")))


@pytest.mark.parametrize("kind", ["series", "image"])
def test_numbers_of_any_size_are_standardised(kind):
    x = np.random.default_rng(0).normal(2, 3, (40, 5, 2) if kind == "series" else (40, 4, 5, 2))
    expected = normalized(kind, x)
    channels = x.reshape(-1, 2)
    np.testing.assert_allclose(expected, (x - channels.mean(axis=0)) / channels.std(axis=0), atol=1e-5)
    for unit in (1e-30, 1e-13, 1e-8, 1e20, 1e35):
        np.testing.assert_allclose(normalized(kind, x * unit), expected, atol=1e-5)
    # Channels of one tensor may have different units.
    np.testing.assert_allclose(normalized(kind, x * [1e-13, 1.0]), expected, atol=1e-5)
    # Powers of two change nothing at all.
    np.testing.assert_array_equal(normalized(kind, x * 2.0**-60), normalized(kind, x * 2.0**60))


def test_constant_channels_are_not_magnified_and_ordinary_ones_have_one_layer():
    x = np.random.default_rng(0).normal(size=(40, 5, 3))
    x[..., 0], x[..., 1] = 0.0, 0.1
    outputs = normalized("series", x)
    assert np.abs(outputs[..., :2]).max() < 0.01 and outputs[..., 2].std() == pytest.approx(1, rel=1e-4)
    inputs = keras.Input((5, 3))
    model = keras.Model(inputs, numbers.standardised(inputs, x.mean((0, 1)), x.var((0, 1))))
    assert len(model.layers) == 2


def test_patches_of_small_numbers_have_the_covariance_of_others():
    x = np.random.default_rng(0).normal(size=(40, 8, 8, 1))
    expected = get_encoder("image").fit(x).patch_covariance_
    np.testing.assert_allclose(get_encoder("image").fit(x * 1e-9).patch_covariance_, expected, rtol=1e-6)


def test_images_are_shifted_by_whole_pixels_in_training_and_stay_as_they_are_in_predictions():
    keras.utils.set_random_seed(0)
    image = np.zeros((1, 9, 9, 1), "float32")
    image[:, 4, 4] = 1.0
    images = np.repeat(image, 50, axis=0)
    inputs = keras.Input((9, 9, 1))
    model = keras.Model(inputs, preprocessing.augment(inputs, translation=0.25))
    shifted = keras.ops.convert_to_numpy(model(images, training=True))
    # The bright pixel is as bright as before, at most 2.25 pixels away, and not always in one position.
    assert np.sort(shifted.reshape(50, -1))[:, -2:].tolist() == [[0.0, 1.0]] * 50
    rows, columns = np.divmod(shifted.reshape(50, -1).argmax(axis=1), 9)
    assert set(rows) == set(columns) == {2, 3, 4, 5, 6}
    np.testing.assert_array_equal(model(images, training=False), images)
