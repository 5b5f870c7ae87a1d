"""Supernets: all architectures of a search space as one model with shared weights."""

from autonas.backends import quiet_keras  # noqa: F401  Before any other import of Keras.
from autonas.supernet.supernet import Supernet

__all__ = ["Supernet"]
