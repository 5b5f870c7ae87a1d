"""Threads of linear algebra in NumPy and SciPy."""

import contextlib
import functools
from collections.abc import Iterator

import scipy.linalg  # noqa: F401  (has a library of its own, whose threads are limited only once it is loaded)
import threadpoolctl


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Return a context in which a product or a factorisation uses one thread.

    Methods that alternate between short products and other work mostly wait for the threads of the products, most of
    all where other programs, or other trials, use the cores: a logistic regression of 10,000 rows and 100 columns took
    0.05 to 0.13 seconds of one thread, and 0.9 to 2.8 seconds of two.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    """Return a controller of the loaded libraries of linear algebra; finding them takes a while."""
    return threadpoolctl.ThreadpoolController()
