"""Failures: what went wrong with a candidate, in one line, and whether memory was what it lacked."""

#: What the line begins with if memory ran out.
OUT_OF_MEMORY = "out of memory"

#: Types of errors that mean it on each backend, in the host's memory or a GPU's.
_TYPES = {"MemoryError", "ResourceExhaustedError", "OutOfMemoryError"}
#: What the texts of other errors hold then: those of JAX, of which all are of one type; of CUDA; and of cuDNN and
#: cuBLAS, which are set up, under TensorFlow, in what its own pool of memory has left.
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
#: Types of errors whose texts count, on JAX and PyTorch, and on TensorFlow: a `ValueError` may say anything.
_TYPES_WITH_TEXTS = {"RuntimeError", "OpError"}


def is_out_of_memory(error):
    """Whether an error says that memory ran out, the host's or a GPU's, on any backend.

    A smaller batch may help then. Those of GPUs are known from the sources of TensorFlow, JAX and PyTorch.
    """
    names = {each.__name__ for each in type(error).__mro__}
    if names & _TYPES:
        return True
    return bool(names & _TYPES_WITH_TEXTS) and any(text in str(error) for text in _TEXTS)


def describe(error):
    """One line that says what went wrong."""
    text = str(error).strip().split("\n")[0][:300]
    if is_out_of_memory(error):
        return f"{OUT_OF_MEMORY}: {text}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
