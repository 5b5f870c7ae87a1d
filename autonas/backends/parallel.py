"""Data-parallel training of one network on several devices of a process."""

import keras


def distribution(n_devices):
    """Return the Keras distribution that replicates the weights on several devices and splits every batch.

    Args:
        n_devices: Number of devices, the first ones that are visible to this process.

    Returns:
        A `keras.distribution.DataParallel`, or `None` for one device.

    Raises:
        ValueError: If the backend doesn't support several devices, or fewer devices are visible.
    """
    if n_devices == 1:
        return None
    check_backend(n_devices)
    devices = visible_devices()
    if len(devices) < n_devices:
        raise ValueError(
            f"`gpus_per_trial` must be at most the number of devices that a trial's process sees, {len(devices)}. "
            f"Received: gpus_per_trial={n_devices}"
        )
    return keras.distribution.DataParallel(devices=devices[:n_devices], auto_shard_dataset=False)


def check_backend(n_devices):
    """Raise a `ValueError` for several devices unless Keras runs on JAX, as `keras.distribution` requires JAX."""
    if n_devices > 1 and keras.backend.backend() != "jax":
        raise ValueError(
            '`gpus_per_trial` (on Ray, the "gpu" of `resources_per_trial`) must be 1 at most on the '
            f"{keras.backend.backend()} backend: Keras trains one network on several GPUs on JAX only. Received: "
            f"{n_devices}. Set the environment variable KERAS_BACKEND=jax, or give each trial one GPU, and several "
            "trials at a time."
        )


def visible_devices():
    """Return the names of the devices that are visible to this process, a list: GPUs or TPUs, otherwise CPUs."""
    if keras.backend.backend() != "torch":
        return keras.distribution.list_devices()
    from autonas.backends import torch  # Keras lists no devices of PyTorch.

    return [f"gpu:{index}" for index in range(len(torch.accelerators()))] or ["cpu:0"]


def at_most(requested):
    """Return the number `requested`, or the number of devices visible to this process if it is smaller.

    The number can be smaller in a driver process whose workers run on other machines.
    """
    return 1 if requested == 1 else min(requested, len(visible_devices()))
