"""Precision of the training: Keras dtype policies and their choice by device."""

import contextlib
import functools
import importlib
import pathlib

import keras

_backend = importlib.import_module(f"autonas.backends.{keras.backend.backend()}")

#: Minimum compute capabilities of Nvidia GPUs with matrix units for bfloat16 and for float16.
_BFLOAT16, _FLOAT16 = (8, 0), (7, 0)

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


def resolve(precision, convolves=False):
    """Return the name of the Keras dtype policy for a precision on the devices of this process.

    Args:
        precision: One of `PRECISIONS`. `"auto"` selects `"mixed_bfloat16"` on TPUs and on Nvidia GPUs of compute
            capability 8.0 (Ampere) and above, `"mixed_float16"` on GPUs of compute capability 7.0 and above, and
            `"float32"` on other devices, CPUs included. With devices of several kinds, the least capable decides.
        convolves: Whether convolutions on images take most of the time. `"auto"` then selects `"mixed_bfloat16"` on
            CPUs with matrix units for bfloat16, if TensorFlow uses them. Defaults to `False`.

    Returns:
        `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
    """
    if precision != "auto":
        return precision
    accelerators = _backend.accelerators()
    if convolves and not accelerators and keras.backend.backend() == "tensorflow" and _cpu_multiplies_bfloat16():
        return "mixed_bfloat16"
    return suited_to(accelerators)


@functools.cache
def _cpu_multiplies_bfloat16():
    """Return whether the CPU has matrix units for bfloat16, as far as the operating system tells."""
    description = pathlib.Path("/proc/cpuinfo")
    return description.exists() and "amx_bf16" in description.read_text()


def suited_to(accelerators):
    """Return the fastest dtype policy that all devices support.

    Args:
        accelerators: List of the kinds of the devices: `"tpu"`, the compute capability of a GPU as a tuple of two
            integers, or `None` for a device without a compute capability.
    """
    if not accelerators or None in accelerators:
        return "float32"
    capability = min(_BFLOAT16 if kind == "tpu" else kind for kind in accelerators)
    if capability >= _BFLOAT16:
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= _FLOAT16 else "float32"


@contextlib.contextmanager
def policy(name):
    """Return a context in which layers are created with the Keras dtype policy `name`."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
