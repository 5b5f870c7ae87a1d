"""Silence: what compiled libraries write to standard error, past Python, and TensorFlow's notes are not shown."""

import contextlib
import logging
import os
import sys

#: What TensorFlow's compiled part shows: 0 is all, 2 leaves errors.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def silent_stderr():
    """A context in which nothing that the process writes to standard error, past Python, is shown.

    Neither is what TensorFlow logs, short of errors: in notebooks it says where it writes a model.
    """
    logger = logging.getLogger("tensorflow")
    level = logger.level
    sys.stderr.flush()
    kept, silent = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)


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
