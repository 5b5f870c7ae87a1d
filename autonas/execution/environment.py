"""The environment of a worker process: its share of the cores, its GPU, the driver's backend of Keras."""

import os
import re
import shutil
import subprocess
import sys

from autonas.backends import memory

#: Variables that limit the threads of OpenMP (PyTorch, MKL), OpenBLAS, TensorFlow, and XLA on CPUs (JAX).
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC")


def backend():
    """Dict of the variable that gives workers the driver's backend, if it has imported Keras."""
    keras = sys.modules.get("keras")
    return {} if keras is None else {"KERAS_BACKEND": keras.backend.backend()}


def threads(n_cores):
    """Dict of variables that limit threads to `n_cores`, but for those that the user has set."""
    return {name: str(max(1, n_cores)) for name in _THREADS if name not in os.environ}


def of_worker(index, n_workers, gpus_per_trial=1):
    """The environment of a worker process.

    With one worker it is the driver's, so that results are what they are in the driver. Several share the cores, and
    each sees one GPU, or `gpus_per_trial` of them, in turn, if there are any; it takes their memory as it needs it.

    Args:
        index: Its number, from 0.
        n_workers: How many there are.
        gpus_per_trial: How many GPUs it sees.

    Returns:
        A dict.

    Raises:
        ValueError: If there are fewer GPUs than `gpus_per_trial`, which is more than one.
    """
    environment = {**os.environ, **backend(), **memory.variables()}
    if n_workers > 1:
        import joblib  # Workers import this module too, and begin sooner without.

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


def visible_gpus():
    """Names of the GPUs that CUDA may use, found without CUDA: those of `CUDA_VISIBLE_DEVICES`, or of nvidia-smi."""
    if (given := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        names = [name.strip() for name in given.split(",")]
        # CUDA stops at the first that it doesn't know, by which people hide GPUs.
        unknown = [position for position, name in enumerate(names) if name in ("", "-1", "NoDevFiles")]
        return names[: unknown[0]] if unknown else names
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60)
    return _listed(listed.stdout) if listed.returncode == 0 else []


def _listed(text):
    """The names in a list of GPUs. Of one that is split, its parts."""
    names = []
    for line in text.splitlines():
        if found := re.search(r"UUID: ((?:GPU|MIG)-[^)]*)\)", line):
            names.append(found[1])
            if found[1].startswith("MIG-") and len(names) > 1 and names[-2].startswith("GPU-"):
                del names[-2]
    return names
