"""Environment variables of a worker process: its share of the cores, its GPUs and the driver's Keras backend."""

import os
import re
import shutil
import subprocess
import sys

from autonas.backends import memory

#: Variables that limit the threads of OpenMP (PyTorch, MKL), OpenBLAS, TensorFlow, and XLA on CPUs (JAX).
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")


def backend() -> dict[str, str]:
    """Return a dict of the variable that sets the driver's Keras backend. Empty if Keras isn't imported."""
    keras = sys.modules.get("keras")
    return {} if keras is None else {"KERAS_BACKEND": keras.backend.backend()}


def threads(n_cores: int) -> dict[str, str]:
    """Return a dict of variables that limit threads to `n_cores`, without variables that the user has set."""
    return {name: str(max(1, n_cores)) for name in _THREADS if name not in os.environ}


def of_worker(index: int, n_workers: int, gpus_per_trial: int = 1) -> dict[str, str]:
    """Return the environment variables of a worker process.

    A single worker has the driver's environment, so that its results equal the results in the driver. Several workers
    share the cores equally. `gpus_per_trial` GPUs are assigned to every worker in turn, and GPU memory is allocated as
    needed.

    Args:
        index: Index of the worker, from 0.
        n_workers: Number of workers.
        gpus_per_trial: Number of GPUs per worker. Defaults to 1.

    Returns:
        Dict from name to value.

    Raises:
        ValueError: If `gpus_per_trial` is more than 1 and more than the number of GPUs.
    """
    environment = {**os.environ, **backend(), **memory.variables()}
    if n_workers > 1:
        import joblib  # Imported here because workers import this module too and should start quickly.

        environment |= threads(joblib.cpu_count() // n_workers)
    if n_workers > 1 or gpus_per_trial > 1:
        gpus = visible_gpus()
        if gpus_per_trial > max(1, len(gpus)):
            raise ValueError(
                f"`gpus_per_trial` must be at most the number of GPUs of this machine that are visible, {len(gpus)}. "
                f"Received: gpus_per_trial={gpus_per_trial}"
            )
        if gpus:
            first = index % (len(gpus) // gpus_per_trial) * gpus_per_trial
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus[first : first + gpus_per_trial])
    return environment


def visible_gpus() -> list[str]:
    """Return the names of the GPUs visible to CUDA, from `CUDA_VISIBLE_DEVICES` or nvidia-smi, without CUDA calls."""
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        names = [name.strip() for name in visible.split(",")]
        # CUDA ignores all names from the first unknown name on. People use this to hide GPUs.
        unknown = [position for position, name in enumerate(names) if name in ("", "-1", "NoDevFiles")]
        return names[: unknown[0]] if unknown else names
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    return _listed(listed.stdout) if listed.returncode == 0 else []


def _listed(text: str) -> list[str]:
    """Return the names of the GPUs in the output of nvidia-smi. A GPU in MIG mode is replaced by its instances."""
    names = []
    for line in text.splitlines():
        if match := re.search(r"UUID: ((?:GPU|MIG)-[^)]*)\)", line):
            names.append(match[1])
            if match[1].startswith("MIG-") and len(names) > 1 and names[-2].startswith("GPU-"):
                del names[-2]
    return names
