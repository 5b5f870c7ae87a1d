"""Parallel devices: one training on several GPUs of a process."""

import keras


def distribution(n_devices):
    """The Keras distribution of a training over several devices: each has all weights, and its share of every batch.

    Args:
        n_devices: Number of devices; the first of those that this process sees.

    Returns:
        A `keras.distribution.DataParallel`, or `None` for one device, where there is nothing to distribute.

    Raises:
        ValueError: If the backend can't, or there are fewer devices.
    """
    if n_devices == 1:
        return None
    check_backend(n_devices)
    devices = keras.distribution.list_devices()
    if len(devices) < n_devices:
        raise ValueError(
            f"`gpus_per_trial` must be at most the number of devices that a trial's process sees, {len(devices)}. "
            f"Received: gpus_per_trial={n_devices}"
        )
    return keras.distribution.DataParallel(devices=devices[:n_devices], auto_shard_dataset=False)


def check_backend(n_devices):
    """Raises a `ValueError` if Keras's backend can't train on so many devices: `keras.distribution` works on JAX."""
    if n_devices > 1 and keras.backend.backend() != "jax":
        raise ValueError(
            '`gpus_per_trial` (on Ray, the "gpu" of `resources_per_trial`) must be 1 at most on the '
            f"{keras.backend.backend()} backend: Keras trains one network on several GPUs on JAX only. Received: "
            f"{n_devices}. Set the environment variable KERAS_BACKEND=jax, or give each trial one GPU, and several "
            "trials at a time."
        )


def n_devices():
    """Number of the devices that this process trains on: GPUs or TPUs, or else processors."""
    return len(keras.distribution.list_devices())


def at_most(wanted):
    """`wanted`, or the number of the devices that this process sees if that is smaller, as it may be in the driver of
    workers on other machines."""
    return 1 if wanted == 1 else min(wanted, n_devices())
