"""Suppression of messages that compiled libraries write to standard error, and of the log of TensorFlow."""

import contextlib
import logging
import os
import sys
import threading

#: Environment variable with the log level of TensorFlow's C++ code: 0 shows all messages, 2 only errors.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def silent_stderr():
    """Return a context in which the file descriptor of standard error is redirected to the null device.

    Messages of TensorFlow's Python logger below the level of errors are suppressed, too.
    """
    if sys.__stderr__ is None:  # Descriptor 2 was closed, and can belong to another file by now.
        yield
        return
    with _LOCK:
        _SILENCE.begin()
    try:
        yield
    finally:
        with _LOCK:
            _SILENCE.end()


class _Silence:
    """Redirection of standard error and of TensorFlow's logger while at least one thread needs it."""

    def __init__(self):
        self._n_active = 0

    def begin(self):
        """Begin the redirection, unless another thread has begun it."""
        self._n_active += 1
        if self._n_active > 1:
            return
        with contextlib.suppress(AttributeError, OSError, ValueError):  # `sys.stderr` can be `None` or closed.
            sys.stderr.flush()
        self._logger = logging.getLogger("tensorflow")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)
        try:
            self._stderr_copy = os.dup(2)
        except OSError:  # The descriptor is closed.
            self._stderr_copy = None
            return
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)
        os.close(silent)

    def end(self):
        """End the redirection, unless another thread needs it."""
        self._n_active -= 1
        if self._n_active:
            return
        self._logger.setLevel(self._level)
        if self._stderr_copy is not None:
            os.dup2(self._stderr_copy, 2)
            os.close(self._stderr_copy)


_LOCK, _SILENCE = threading.Lock(), _Silence()


def import_keras():
    """Import Keras and its backend without the messages that TensorFlow logs during the import.

    Notes and warnings of TensorFlow's C++ code are suppressed later, too. Set the environment variable
    `TF_CPP_MIN_LOG_LEVEL=0` to show all messages.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault(_LEVEL, "2")
    with unless_wanted():
        import keras  # noqa: F401


def unless_wanted():
    """Return the context `silent_stderr()`, or a null context if the user has set `TF_CPP_MIN_LOG_LEVEL=0`."""
    return contextlib.nullcontext() if os.environ.get(_LEVEL) == "0" else silent_stderr()
