"""Concatenation of symbolic tensors, of which there may be only one."""

from collections.abc import Sequence

import keras
from keras import ops


def joined(tensors: Sequence[keras.KerasTensor], axis: int = -1) -> keras.KerasTensor:
    """Return the tensors joined along an axis, without an operation for a single one."""
    return ops.concatenate(tensors, axis=axis) if len(tensors) > 1 else tensors[0]
