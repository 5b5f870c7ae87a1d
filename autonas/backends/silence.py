"""Silence: what compiled libraries write to standard error, past Python, and TensorFlow's notes are not shown."""

import contextlib
import logging
import os
import sys


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
