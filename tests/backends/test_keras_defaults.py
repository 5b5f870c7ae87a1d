"""The defaults of Keras last as long as a thread needs them, and the user's settings follow."""

import threading

import keras
import pytest

from autonas.backends import keras_defaults


@pytest.fixture
def settings(monkeypatch):
    """Function that returns the settings of Keras, which are the user's own."""
    previous = keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield lambda: (keras.config.image_data_format(), keras.config.floatx(), keras.config.dtype_policy().name)
    keras.config.set_image_data_format(previous[0])
    keras.config.set_floatx(previous[1])
    keras.config.set_dtype_policy(previous[2])


def test_the_users_settings_follow_the_defaults(settings):
    with pytest.raises(ZeroDivisionError), keras_defaults.scope():
        with keras_defaults.scope():
            pass
        assert settings() == ("channels_last", "float32", "float32")
        raise ZeroDivisionError
    assert settings() == ("channels_first", "float64", "float64")


def test_another_thread_keeps_the_defaults_until_its_end(settings):
    inside, ended, seen = threading.Event(), threading.Event(), []

    @keras_defaults.scope()
    def wait():
        inside.set()
        ended.wait(60)
        seen.append(settings())

    thread = threading.Thread(target=wait)
    with keras_defaults.scope():
        thread.start()
        inside.wait(60)
    ended.set()
    thread.join()
    assert seen == [("channels_last", "float32", "float32")]
    assert settings() == ("channels_first", "float64", "float64")
