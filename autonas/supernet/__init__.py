"""Supernets: all architectures of a search space as one model with shared weights."""

from autonas.supernet.supernet import Supernet

__all__ = ["Supernet"]
