"""RandomPatchBlock: patches of the training images as frozen kernels, for a ridge regression."""

import math

import keras
import numpy as np
import pytest
import sklearn.datasets

import autonas
from autonas.backends import seeding
from autonas.data import ImageEncoder
from autonas.search_space import declaration, heads
from autonas.search_space.blocks import random_patches
from autonas.search_space.fitted import fitters
from tests.helpers import harness
from tests.search_space.blocks.test_speedrun import smooth, standardised


def bound_graph(x, filters=20, mirrored=False):
    """The graph of a ridge classifier on random patches, bound to images and three classes."""
    inputs = autonas.ImageInput(name="x")
    features = autonas.RandomPatchBlock(filters, mirrored)(inputs)
    graph = autonas.Graph(inputs, autonas.ClassificationHead(name="head")(autonas.RidgeBlock()(features)))
    graph.bind([ImageEncoder().fit(x).feature], [heads.Target("multiclass", 3)])
    return graph


def features_of(x, filters=20, mirrored=False):
    """The network that returns the features, fitted to images, and its fitter."""
    with seeding.seeded(0, 0):
        model = bound_graph(x, filters, mirrored).build(harness.empty_values())
    patches, ridge = fitters.fitters_of(model)
    read = np.asarray(keras.Model(model.inputs, patches.inputs).predict(x, verbose=0))
    patches.fit(fitters.Rows(read, np.zeros(len(x))), None, np.random.default_rng(0))
    return keras.Model(model.inputs, ridge.inputs), patches


def test_features_are_roots_of_the_mean_excess_of_responses_and_levels_over_squares_of_the_image():
    x = smooth((40, 20, 17, 3))
    network, patches = features_of(x)
    images = standardised(x, ImageEncoder().fit(x).feature)
    windows = np.moveaxis(np.lib.stride_tricks.sliding_window_view(images, (6, 6), axis=(1, 2)), 3, -1)
    windows = windows.reshape(40, 15, 12, -1)
    windows = (windows - windows.mean(-1, keepdims=True)) / np.sqrt(windows.var(-1, keepdims=True) + 0.05)
    responses = windows @ patches.kernels.layer.get_weights()[0].reshape(-1, 20)
    squares = responses.reshape(40, 3, 5, 3, 4, 20)
    expected = [
        np.sqrt(np.maximum(sign * squares[:, row, :, column] - 0.5, 0).mean((1, 2)))
        for row in range(3)
        for column in range(3)
        for sign in (1, -1)
    ]
    expected = [*expected[::2], *expected[1::2]]
    levels = [images[:, top : top + 8, left : left + 7] for top in (0, 6, 12) for left in (0, 5, 10)]
    expected += [level.mean((1, 2)) for level in levels] + [np.sqrt(level.var((1, 2)) + 0.05) for level in levels]
    np.testing.assert_allclose(network.predict(x, verbose=0), np.concatenate(expected, axis=1), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mirrored", [False, True])
def test_brightness_and_contrast_are_features(mirrored):
    generator = np.random.default_rng(0)
    level, contrast = generator.uniform(80, 150, 60), generator.uniform(5, 30, 60)
    x = level[:, None, None] + contrast[:, None, None] * generator.normal(size=(60, 24, 24))
    x = x.clip(0, 255).astype("uint8")
    network, _ = features_of(x, mirrored=mirrored)
    features = network.predict(x, verbose=0)
    for truth in (level, contrast):
        correlations = [abs(np.corrcoef(column, truth)[0, 1]) for column in features.T]
        assert max(correlations) > 0.95


def test_kernels_are_whitened_patches_of_the_training_images_that_are_not_flat():
    x = smooth((40, 20, 17, 3))
    x[:, :10] = 100  # Half of the patches are flat.
    _, patches = features_of(x, filters=50)
    images = standardised(x, ImageEncoder().fit(x).feature)
    windows = np.moveaxis(np.lib.stride_tricks.sliding_window_view(images, (6, 6), axis=(1, 2)), 3, -1).reshape(-1, 108)
    windows = windows - windows.mean(-1, keepdims=True)
    windows = windows / np.sqrt(windows.var(-1, keepdims=True) + 0.05)
    kernels = patches.kernels.layer.get_weights()[0].reshape(-1, 50)
    np.testing.assert_allclose(kernels.sum(axis=0), 0, atol=1e-4)
    # A kernel is (C + 0.1)^-1 u over a length: C + 0.1 takes it back to the direction of a patch u.
    covariance = windows.T @ windows / len(windows) + 0.1 * np.eye(108)
    directions = (covariance @ kernels) / np.linalg.norm(covariance @ kernels, axis=0)
    sizes = np.linalg.norm(windows, axis=1)
    likeness = (windows[sizes > 1] / sizes[sizes > 1, None]) @ directions
    assert likeness.max(axis=0).min() > 0.99


@pytest.mark.parametrize("width", [16, 17, 18, 19])
def test_an_image_and_its_mirror_image_have_the_same_features_if_mirrored(width):
    x = smooth((30, 16, width, 3))
    network, patches = features_of(x, mirrored=True)
    assert network.output_shape == (None, (20 + 2 * 3) * 9)
    here, there = network.predict(x, verbose=0), network.predict(np.ascontiguousarray(x[:, :, ::-1]), verbose=0)
    np.testing.assert_allclose(here, there, rtol=1e-3, atol=1e-3)
    different, _ = features_of(x, mirrored=False)
    assert np.abs(different.predict(x, verbose=0) - different.predict(x[:, :, ::-1], verbose=0)).max() > 0.1


@pytest.mark.parametrize(
    ("shape", "sides", "squares"),
    [
        ((1, 1, 3), (1, 1), 1),
        ((1, 200, 1), (1, 36), 3),
        ((8, 8, 1), (4, 4), 9),
        ((20, 3, 2), (10, 1), 9),
        ((7, 12, 1), (3, 6), 9),
        ((70, 90, 3), (6, 6), 9),
        ((16, 16, 40), (3, 3), 9),
        ((5, 5, 900), (1, 1), 9),
    ],
)
def test_images_of_any_size_have_features(shape, sides, squares):
    x = smooth((20, *shape))
    network, patches = features_of(x, filters=5)
    assert patches.kernels.sides == sides and network.output_shape == (
        None,
        2 * (5 * squares + shape[2] * math.prod(min(3, n) for n in shape[:2])),
    )
    assert np.isfinite(network.predict(x, verbose=0)).all()


def test_images_of_one_colour_have_finite_features():
    x = np.full((20, 12, 12, 1), 7, "uint8")
    assert np.isfinite(features_of(x)[0].predict(x, verbose=0)).all()


def test_the_first_two_candidates_find_the_brightness_of_noisy_images(tmp_path):
    generator = np.random.default_rng(0)
    y = generator.uniform(50, 200, 300)
    x = (y[:, None, None] + 40 * generator.normal(size=(300, 32, 32))).clip(0, 255).astype("uint8")
    # The regression on patches has .9: the few features of brightness are lost among all others.
    model = autonas.ImageRegressor(max_trials=2, epochs=1, directory=tmp_path, seed=0, verbose=0).fit(x[:200], y[:200])
    assert model.score(x[200:], y[200:]) > 0.99


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_space_is_declared_without_the_layers_of_the_kernels(mirrored):
    x = smooth((10, 16, 16, 3))
    declared = bound_graph(x, 21, mirrored).build(declaration.DeclaringHyperParameters())
    (ridge,) = fitters.fitters_of(declared)
    assert ridge.inputs.shape == features_of(x, 21, mirrored)[0].output_shape
    assert not any(isinstance(layer, (keras.Model, keras.layers.Conv2D)) for layer in declared.layers)


def test_the_configuration_makes_the_same_block_again():
    harness.check_configuration(random_patches.RandomPatchBlock(100, mirrored=True))


def test_a_ridge_classifier_on_patches_learns_digits_without_a_step_of_training(tmp_path):
    x, y = sklearn.datasets.load_digits(return_X_y=True)
    x = x.reshape(-1, 8, 8).astype("uint8")
    block = autonas.ImageBlock(kind="patches", translation=0.0, horizontal_flip=False)
    inputs = autonas.ImageInput()
    model = autonas.AutoModel(
        inputs,
        autonas.ClassificationHead()(block(inputs)),
        hyperparameters={"image_block_1/kind_patches/filters": 100},
        max_trials=1,
        directory=tmp_path,
        seed=0,
        tensorboard=False,
        verbose=0,
    ).fit(x[:600], y[:600])
    assert model.score(x[600:], y[600:]) > 0.95  # A linear model has .88.
    exported = keras.models.load_model(model.export(tmp_path / "model.keras").path)
    np.testing.assert_allclose(exported.predict(x[600:], verbose=0), model.predict_proba(x[600:]), atol=1e-5)
