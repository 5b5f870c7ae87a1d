"""Ctrl-C while the books are written."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def deferred():
    """Holds Ctrl-C back while the books are written, so that they are never left in between."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received = []
    previous = signal.signal(signal.SIGINT, lambda *_: received.append(True))
    try:
        yield
    finally:
        # A handler that wasn't set from Python can't be put back.
        signal.signal(signal.SIGINT, signal.default_int_handler if previous is None else previous)
        if received:
            signal.raise_signal(signal.SIGINT)
