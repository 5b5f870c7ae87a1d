"""Locks of oracles: one thread at a time asks, tells, or ends a trial."""

import functools
import threading


class Lock:
    """A reentrant lock. A copy of the owner, pickled copies included, gets a lock of its own."""

    def __init__(self):
        self._lock = threading.RLock()

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *error):
        self._lock.release()

    def __reduce__(self):
        return Lock, ()


def synchronized(method):
    """Decorate a method so that it holds `self.lock` while it runs.

    The decorator of Keras Tuner isn't used: it keeps its lock after an exception, and takes threads of the same name
    for one.
    """

    @functools.wraps(method)
    def locked(self, *args, **kwargs):
        with self.lock:
            return method(self, *args, **kwargs)

    return locked
