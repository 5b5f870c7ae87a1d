"""Silence: what compiled libraries write to standard error, past Python, and TensorFlow's notes are not shown."""

import contextlib
import logging
import os
import sys
import threading

#: What TensorFlow's compiled part shows: 0 is all, 2 leaves errors.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def silent_stderr():
    """A context in which nothing that the process writes to standard error, past Python, is shown.

    Neither is what TensorFlow logs, short of errors: in notebooks it says where it writes a model.
    """
    if sys.__stderr__ is None:  # Descriptor 2 was closed, and may be any file by now.
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
    """Standard error and TensorFlow's logger, redirected from the first `begin` to the last `end` of any thread."""

    def __init__(self):
        self._n_wanted = 0

    def begin(self):
        self._n_wanted += 1
        if self._n_wanted > 1:
            return
        with contextlib.suppress(AttributeError, OSError, ValueError):  # There may be no `sys.stderr`, or a closed one.
            sys.stderr.flush()
        self._logger = logging.getLogger("tensorflow")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)
        try:
            self._kept = os.dup(2)
        except OSError:  # It has been closed.
            self._kept = None
            return
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 2)
        os.close(silent)

    def end(self):
        self._n_wanted -= 1
        if self._n_wanted:
            return
        self._logger.setLevel(self._level)
        if self._kept is not None:
            os.dup2(self._kept, 2)
            os.close(self._kept)


_LOCK, _SILENCE = threading.Lock(), _Silence()


def import_keras():
    """Imports Keras and its backend without the lines that TensorFlow logs before it can be told not to.

    Notes and warnings of TensorFlow's compiled part aren't shown later, either. `TF_CPP_MIN_LOG_LEVEL=0` shows all.
    """
    if "keras" in sys.modules:
        return
    os.environ.setdefault(_LEVEL, "2")
    with unless_wanted():
        import keras  # noqa: F401


def unless_wanted():
    """`silent_stderr()`, unless the user wants to see all that TensorFlow tells."""
    return contextlib.nullcontext() if os.environ.get(_LEVEL) == "0" else silent_stderr()
