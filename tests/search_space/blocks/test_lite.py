"""LITE: a small network on series with frozen filters, and the other convolutional families of TimeSeriesBlock."""

import keras
import numpy as np
import pytest

import autonas
from autonas.search_space.blocks import lite


def frozen(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Conv1D) and not layer.trainable]


def network(length=100, channels=1):
    inputs = keras.Input((length, channels))
    return keras.Model(inputs, lite.network(inputs, 8))


def test_it_has_seventeen_frozen_filters_and_a_fiftieth_of_the_weights_of_inception_time():
    model = network()
    assert sum(layer.filters for layer in frozen(model)) == 17
    assert sorted({layer.kernel_size[0] for layer in frozen(model)}) == [2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]
    inputs = keras.Input((100, 1))
    whole = sum(np.prod(variable.shape) for variable in keras.Model(inputs, lite.network(inputs, 32)).variables)
    assert 8_000 < whole < 14_000


def test_its_frozen_filters_find_rises_falls_and_peaks():
    by_length = {layer.kernel_size[0]: layer.get_weights()[0][:, 0] for layer in frozen(network())}
    np.testing.assert_array_equal(by_length[2], [[-1, 1], [1, -1]])
    np.testing.assert_array_equal(by_length[4].T, [[-1, 1, -1, 1], [1, -1, 1, -1]])
    np.testing.assert_array_equal(by_length[6][:, 0], [-1, -1, 2, 2, -1, -1])
    np.testing.assert_allclose(by_length[12][:, 0], [-0.25, -1, -1, -0.25, 0.5, 2, 2, 0.5, -0.25, -1, -1, -0.25])


def test_filters_longer_than_the_series_are_left_out():
    model = network(length=10, channels=3)
    assert max(layer.kernel_size[0] for layer in frozen(model)) == 8
    assert model(np.zeros((2, 10, 3))).shape == (2, 10, 8)


@pytest.mark.parametrize("kind", ["lite", "inception"])
def test_it_learns_the_frequency_of_a_wave(kind):
    generator = np.random.default_rng(0)
    y = np.arange(80) % 2
    wave = np.sin(generator.uniform(0, 6, (80, 1)) + np.arange(40) * np.where(y, 0.9, 0.5)[:, None])
    x = (wave + 0.3 * generator.normal(size=(80, 40)))[..., None]
    inputs = autonas.TimeSeriesInput()
    head = autonas.ClassificationHead(dropout=0.0)(autonas.TimeSeriesBlock(kind=kind)(inputs))
    options = {"max_trials": 1, "epochs": 30, "seed": 0, "tensorboard": False, "verbose": 0}
    model = autonas.AutoModel(inputs, head, **options).fit(x[:60], y[:60])
    assert model.score(x[60:], y[60:]) > 0.8
    before = [layer.get_weights()[0] for layer in frozen(network(length=40))]
    after = [layer.get_weights()[0] for layer in frozen(model.model_)]
    for one, other in zip(before if kind == "lite" else [], after, strict=True):
        np.testing.assert_array_equal(one, other)
