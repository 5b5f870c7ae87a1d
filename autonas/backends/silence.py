"""Silence: what compiled libraries write to standard error, past Python, is not shown."""

import contextlib
import os
import sys


@contextlib.contextmanager
def silent_stderr():
    """A context in which nothing that the process writes to standard error is shown."""
    sys.stderr.flush()
    kept, silent = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silent)
