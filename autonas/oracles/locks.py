"""Locks of oracles: one thread at a time asks, tells, or ends a trial."""

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Lock:
    """A reentrant lock. A copy of the owner, pickled copies included, gets a lock of its own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type["Lock"], tuple[()]]:
        return Lock, ()


def synchronized(method: _Method) -> _Method:
    """Decorate a method so that it holds `self.lock` while it runs.

    The decorator of Keras Tuner isn't used: it keeps its lock after an exception, and takes threads of the same name
    for one.
    """

    @functools.wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return method(self, *args, **kwargs)

    return cast(_Method, locked)
