"""Searches and models are the same whatever the global settings of Keras are."""

import keras
import numpy as np
import pytest

import autonas

_RANDOM = np.random.default_rng(0)
_Y = _RANDOM.integers(0, 2, 60)
_IMAGES = (100 * _RANDOM.random((60, 8, 8, 1)) + 100 * _Y[:, None, None, None]).astype("uint8")
_SERIES = _RANDOM.random((60, 12, 2)) + _Y[:, None, None]


@pytest.fixture
def unusual():
    """Function that sets the settings of people who come from other libraries."""
    previous = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()

    def set_settings():
        keras.config.set_image_data_format("channels_first")
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")

    yield set_settings
    keras.config.set_image_data_format(previous[0])
    keras.config.set_floatx(previous[1])
    keras.config.set_dtype_policy(previous[2])


@pytest.mark.parametrize(
    "estimator, x, kinds",
    [
        (autonas.ImageClassifier, _IMAGES, {"image_block_1/kind": "speedrun"}),
        (autonas.TimeSeriesClassifier, _SERIES, {"time_series_block_1/kind": "convolution"}),
        (autonas.StructuredDataClassifier, _SERIES[:, 0], {"structured_data_block_1/kind": "dense"}),
    ],
)
def test_settings_of_keras_change_nothing(tmp_path, unusual, estimator, x, kinds):
    def searched(name):
        model = estimator(
            hyperparameters=kinds, max_trials=2, epochs=1, seed=0, verbose=0, precision="float32",
            directory=tmp_path / name,
        )  # fmt: skip
        return model.fit(x, _Y)

    usual = searched("usual")
    usual.save(tmp_path / "saved")
    expected, scores = usual.predict_proba(x), usual.leaderboard().score
    unusual()
    model = searched("unusual")
    np.testing.assert_allclose(model.leaderboard().score, scores, rtol=1e-5)
    np.testing.assert_allclose(model.predict_proba(x), expected, rtol=1e-5)
    loaded = estimator.load(tmp_path / "saved")
    np.testing.assert_allclose(loaded.predict_proba(x), expected, rtol=1e-5)
    assert loaded.model_.evaluate(*loaded.encode(x, _Y), verbose=0)
    assert loaded.export(tmp_path / "model.keras").difference < 1e-5
    assert loaded.export_model().output.dtype == "float32"
    assert loaded.reopen(x, _Y).get_models(2)
    assert keras.config.image_data_format() == "channels_first"
    assert (keras.config.floatx(), keras.config.dtype_policy().name) == ("float64", "float64")


def test_workers_read_channels_last_whatever_the_configuration_of_keras(tmp_path, monkeypatch):
    (tmp_path / "keras.json").write_text('{"image_data_format": "channels_first", "floatx": "float64"}')
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    model = autonas.ImageClassifier(
        hyperparameters={"image_block_1/kind": "speedrun"}, max_trials=1, epochs=1, verbose=0, executor="process",
        directory=tmp_path / "run",
    )  # fmt: skip
    assert list(model.fit(_IMAGES, _Y).leaderboard().status)[0] == "completed"
