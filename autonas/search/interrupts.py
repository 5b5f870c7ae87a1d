"""Ctrl-C during a search."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def _handled(handler: Callable[..., Any]) -> Iterator[None]:
    """Let a function handle Ctrl-C in the block. Other threads than the main one receive none."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        # A handler that wasn't set from Python can't be set again.
        signal.signal(signal.SIGINT, signal.default_int_handler if previous is None else previous)


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Defer Ctrl-C to the end of the block, so that files and records are always consistent."""
    received: list[bool] = []
    try:
        with _handled(lambda *_: received.append(True)):
            yield
    finally:
        if received:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def ignored() -> Iterator[None]:
    """Ignore Ctrl-C while work ends that would be lost otherwise. A second Ctrl-C raises `KeyboardInterrupt`."""
    received: list[bool] = []

    def handler(*_: Any) -> None:
        received.append(True)
        if len(received) > 1:
            raise KeyboardInterrupt

    with _handled(handler):
        yield


class _Memory:
    """Handler of Ctrl-C that remembers it.

    Args:
        handler: The handler before, which is called.
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        self._handler = handler
        self._received = False

    def __call__(self, *arguments: Any) -> None:
        self._received = True
        self._handler(*arguments)

    def check(self) -> None:
        if self._received:
            raise KeyboardInterrupt


@contextlib.contextmanager
def remembered() -> Iterator[Callable[[], None]]:
    """Yield a function that raises `KeyboardInterrupt` if Ctrl-C was pressed within the block, or the outermost one.

    Python raises `KeyboardInterrupt` wherever the program is. In a destructor, or in a callback of the garbage
    collector, Python prints the exception and goes on.
    """
    previous = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(previous):
        yield lambda: None
        return
    if isinstance(previous, _Memory):
        yield previous.check
        return
    memory = _Memory(previous)
    signal.signal(signal.SIGINT, memory)
    try:
        yield memory.check
    finally:
        signal.signal(signal.SIGINT, previous)
