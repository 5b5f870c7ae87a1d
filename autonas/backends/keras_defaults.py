"""Default settings of Keras, under which networks are built and trained whatever the user's settings are."""

import contextlib
import threading

import keras

from autonas.backends import precision


class _Defaults:
    """The settings that all threads share: the defaults while at least one thread needs them, then the user's own."""

    def __init__(self):
        self._lock, self._n_active = threading.Lock(), 0

    def begin(self):
        """Set the defaults, unless another thread has set them."""
        with self._lock:
            self._n_active += 1
            if self._n_active == 1:
                self._own = keras.config.image_data_format(), keras.config.floatx()
                keras.config.set_image_data_format("channels_last")
                keras.config.set_floatx("float32")

    def end(self):
        """Set the user's settings again, unless another thread needs the defaults."""
        with self._lock:
            self._n_active -= 1
            if not self._n_active:
                keras.config.set_image_data_format(self._own[0])
                keras.config.set_floatx(self._own[1])


_DEFAULTS = _Defaults()


@contextlib.contextmanager
def scope():
    """Return a context, or a decorator of a function, in which channels come last, and numbers and layers are float32.

    Blocks, losses and training loops rely on these defaults. The user's `keras.config.image_data_format()`, `floatx()`
    and `dtype_policy()` are restored at the end.
    """
    with precision.policy("float32"):  # Reads the user's policy first, which Keras derives from `floatx` then.
        _DEFAULTS.begin()
        try:
            yield
        finally:
            _DEFAULTS.end()
