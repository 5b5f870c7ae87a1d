"""SpeedrunBlock: frozen filters from the patches of the training images, and convolutions that begin as identities."""

import keras
import keras_tuner
import numpy as np
import pytest

from autonas.data import ImageEncoder
from autonas.search_space import ranges
from autonas.search_space.blocks import image, speedrun
from tests.helpers import harness


def convolutions(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]


def smooth(shape, seed=0):
    """Images whose neighbouring pixels are correlated, uint8."""
    noise = np.random.default_rng(seed).normal(size=shape).cumsum(axis=1).cumsum(axis=2)
    return np.clip(128 + 20 * noise, 0, 255).astype("uint8")


def bound(x, block=None):
    feature = ImageEncoder().fit(x).feature
    block = block or speedrun.SpeedrunBlock(width=1)
    block.features = [feature]
    return block, feature


def standardised(x, feature):
    return ((x - feature.statistics["mean"]) / np.sqrt(feature.statistics["variance"])).astype("float32")


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    harness.check(speedrun.SpeedrunBlock, *harness.digits(), tmp_path)


@pytest.mark.parametrize(("channels", "n_filters"), [(1, 18), (3, 24)])
def test_the_first_filters_make_the_values_of_patches_uncorrelated_and_are_frozen(channels, n_filters):
    x = smooth((200, 16, 16, channels))
    block, feature = bound(x)
    first = convolutions(harness.build(block, x.shape[1:]))[0]
    assert first.filters == n_filters and not first.trainable_weights
    responses = keras.ops.convert_to_numpy(first(standardised(x, feature)))[:, 1:-1, 1:-1]
    half = n_filters // 2
    np.testing.assert_allclose(responses[..., :half], -responses[..., half:], atol=1e-4)
    covariance = np.cov(responses[..., :half].reshape(-1, half).T)
    # Directions of little variance are shrunk.
    assert (np.diag(covariance) < 1.2).all() and np.diag(covariance)[-1] > 0.8
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.15


def test_at_first_convolutions_pass_on_their_inputs():
    block, _ = bound(smooth((50, 16, 16, 3)))
    model = harness.build(block, (16, 16, 3))
    for layer in convolutions(model)[1:]:
        x = np.random.default_rng(0).normal(size=(2, 5, 5, layer.kernel.shape[2])).astype("float32")
        n_passed = min(layer.kernel.shape[2:])
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(layer(x))[..., :n_passed], x[..., :n_passed], rtol=1e-5, atol=1e-5
        )


def test_the_filters_of_all_groups_grow_with_the_width():
    block, _ = bound(smooth((50, 16, 16, 3)), speedrun.SpeedrunBlock(width=2))
    assert [layer.filters for layer in convolutions(harness.build(block, (16, 16, 3)))[1:]] == [
        32,
        32,
        96,
        96,
        128,
        128,
    ]


@pytest.mark.parametrize(
    ("shape", "largest"), [((1, 1, 3), 1), ((8, 8, 1), 8), ((3, 20, 2), 20), ((224, 160, 3), 75), ((30, 30, 40), 30)]
)
def test_images_of_any_size_are_read_and_large_ones_are_averaged_first(shape, largest):
    block, _ = bound(smooth((20, *shape)))
    model = harness.build(block, shape)
    assert max(convolutions(model)[0].output.shape[1:3]) == largest
    assert model.output_shape == (None, 64)


def test_one_row_of_pixels_is_pooled_along_its_length():
    model = harness.build(bound(smooth((20, 1, 200, 1)))[0], (1, 200, 1))
    assert [layer.output.shape[2] for layer in convolutions(model)] == [200, 200, 100, 100, 50, 50, 25]


def test_the_image_block_has_it_as_a_family():
    x = smooth((20, 16, 16, 3))
    block, _ = bound(x, image.ImageBlock(kind="speedrun", translation=0.0, horizontal_flip=ranges.Boolean()))
    assert not convolutions(harness.build(block, x.shape[1:]))[0].trainable_weights


@pytest.mark.parametrize(("side", "decided"), [(32, []), (33, [17, 33]), (64, [32, 64]), (160, [32, 54])])
def test_large_images_may_be_averaged_to_fewer_pixels(side, decided):
    x = smooth((20, side, side, 3))
    sides = [
        convolutions(harness.build(bound(x, speedrun.SpeedrunBlock(1, largest_side))[0], x.shape[1:]))[0].output.shape[
            1
        ]
        for largest_side in (32, 64)
    ]
    assert sides == (decided or [side, side])
    hp = keras_tuner.HyperParameters()
    bound(x)[0].build(hp, keras.Input(x.shape[1:]))
    assert ("largest_side" in hp) == bool(decided)


@pytest.mark.parametrize(("side", "n_inputs"), [(32, 32 * 32 * 3), (100, 25 * 25 * 3)])
def test_a_dense_network_reads_large_images_averaged(side, n_inputs):
    x = smooth((20, side, side, 3))
    block, _ = bound(x, image.ImageBlock(kind="dense", translation=0.0, horizontal_flip=False))
    kernels = [weight.shape for weight in harness.build(block, x.shape[1:]).trainable_weights if len(weight.shape) == 2]
    assert kernels[0][0] == n_inputs
