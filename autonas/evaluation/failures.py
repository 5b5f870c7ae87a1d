"""Failures of candidates: a message of one line, and the detection of out-of-memory errors on all backends."""

import re

#: Beginning of the message of an out-of-memory error.
OUT_OF_MEMORY = "out of memory"

#: Names of error types that are raised for insufficient memory, of the host or of a GPU.
_TYPES = {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}
#: Substrings of the messages of other out-of-memory errors. JAX raises one type for all errors. Under TensorFlow, cuDNN
#: and cuBLAS fail to initialise if TensorFlow's memory pool leaves too little memory.
_TEXTS = (
    "RESOURCE_EXHAUSTED",
    "out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
    "CUDNN_STATUS_NOT_INITIALIZED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
)
#: Maximum number of characters of an error's text in a message.
_MAX_LENGTH = 300
#: Message of an error in a call of a layer, as Keras changes it: the layer, and the message itself.
_IN_CALL = re.compile(r"Exception encountered when calling (.*?)\.\n\n\x1b\[1m(.*)\x1b\[0m\n", re.DOTALL)
#: End of the advice of Keras before the message of an error in a call of a layer on a symbolic tensor.
_ADVICE_END = "Error encountered:\n\n"
#: Names of the error types whose messages are searched: of JAX and PyTorch, and of TensorFlow. A `ValueError` isn't, as
#: it may quote a user's text.
_TYPES_WITH_TEXTS = {"RuntimeError", "OpError"}


def is_out_of_memory(error):
    """Return whether an error reports insufficient memory of the host or of a GPU, on any backend.

    A smaller batch size may help. The errors of GPUs are taken from the sources of TensorFlow, JAX and PyTorch.
    """
    names = {base.__name__ for base in type(error).__mro__}
    if names & _TYPES:
        return True
    return bool(names & _TYPES_WITH_TEXTS) and any(text in str(error) for text in _TEXTS)


def describe(error):
    """Return a one-line message for an error."""
    text = str(error)
    in_call = _IN_CALL.match(text)
    if in_call:
        text = f"in {in_call[1]}: {in_call[2].split(_ADVICE_END)[-1]}"
    text = text.strip().split("\n")[0][:_MAX_LENGTH]
    if is_out_of_memory(error):
        return f"{OUT_OF_MEMORY}: {text}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
