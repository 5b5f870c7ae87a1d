"""Memory growth on GPUs, so that several processes can share a GPU."""

import importlib
import os
import sys

#: Environment variables that TensorFlow and JAX read when they initialise a GPU. PyTorch always allocates on demand.
_VARIABLES = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def variables():
    """Return the environment variables that enable memory growth, a dict without the variables the user has set."""
    return {name: value for name, value in _VARIABLES.items() if name not in os.environ}


def grow():
    """Enable memory growth on GPUs for this process and its child processes.

    By default TensorFlow allocates the whole memory of a GPU and JAX three quarters, which leaves little for worker
    processes on the same GPU. Environment variables that the user has set aren't changed.

    Warns:
        UserWarning: If the framework has already initialised a GPU and allocated its memory.
    """
    added = variables()
    os.environ.update(added)
    keras = sys.modules.get("keras")
    if keras is not None:
        importlib.import_module(f"autonas.backends.{keras.backend.backend()}").grow_memory(added)
