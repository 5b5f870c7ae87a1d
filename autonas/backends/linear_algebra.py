"""Threads of linear algebra in NumPy and SciPy."""

from contextlib import AbstractContextManager
from typing import Any

import threadpoolctl


def one_thread() -> AbstractContextManager[Any]:
    """Return a context in which a product or a factorisation uses one thread.

    Methods that alternate between short products and other work mostly wait for the threads of the products, most of
    all where other programs, or other trials, use the cores: a logistic regression of 10,000 rows and 100 columns took
    0.05 to 0.13 seconds of one thread, and 0.9 to 2.8 seconds of two.
    """
    return threadpoolctl.threadpool_limits(1, user_api="blas")
