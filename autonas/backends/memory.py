"""Memory of GPUs: taken as it is needed, so that several processes can share one."""

import importlib
import os
import sys

#: Variables that TensorFlow and JAX read when they begin to use a GPU. PyTorch takes no more than it needs by itself.
_VARIABLES = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


def variables():
    """Dict of variables that let a process take a GPU's memory as it needs it, but for those that the user has set."""
    return {name: value for name, value in _VARIABLES.items() if name not in os.environ}


def grow():
    """Lets this process take a GPU's memory as it needs it, and those that it starts too.

    Without it TensorFlow takes all of it, and JAX three quarters, which leaves little for workers on the same GPU.
    What the user has set by these frameworks' variables stays as it is.

    Warns:
        UserWarning: If the framework uses a GPU already and has taken its memory: that can't be changed any more.
    """
    added = variables()
    os.environ.update(added)
    keras = sys.modules.get("keras")
    if keras is not None:
        importlib.import_module(f"autonas.backends.{keras.backend.backend()}").grow_memory(added)
