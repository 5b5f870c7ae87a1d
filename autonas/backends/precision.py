"""Precision: in which numbers networks are trained, by the device that trains them."""

import contextlib
import importlib

import keras

_backend = importlib.import_module(f"autonas.backends.{keras.backend.backend()}")

PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")


def resolve(precision):
    """The name of a Keras dtype policy for a precision, on the devices that this process computes on.

    Args:
        precision: One of `PRECISIONS`. `"auto"` is what the devices are made for: `"mixed_bfloat16"` on TPUs and on
            Nvidia's GPUs of compute capability 8.0 (Ampere) and above, `"mixed_float16"` on those of 7.0 and above,
            `"float32"` on all else, processors included. Of several kinds of devices, the weakest counts.

    Returns:
        `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
    """
    return suited_to(_backend.accelerators()) if precision == "auto" else precision


def suited_to(accelerators):
    """The policy that suits devices.

    Args:
        accelerators: List of the kinds of devices: `"tpu"`, the compute capability of a GPU, a tuple of two integers,
            or `None` for what has none.
    """
    if not accelerators or None in accelerators:
        return "float32"
    capability = min((8, 0) if each == "tpu" else each for each in accelerators)
    return "mixed_bfloat16" if capability >= (8, 0) else "mixed_float16" if capability >= (7, 0) else "float32"


@contextlib.contextmanager
def policy(name):
    """A context in which layers are made under a Keras dtype policy; the thread's own policy comes back after it."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
