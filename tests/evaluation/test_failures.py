"""Failures: one line, and which of them say that memory ran out."""

import keras
import pytest

from autonas.evaluation import failures


def error_of(name, text, *bases):
    """An error of a type that only a GPU's libraries raise."""
    return type(name, bases or (RuntimeError,), {})(text)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        error_of("XlaRuntimeError", "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."),
        error_of("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_memory_ran_out(error):
    assert failures.is_out_of_memory(error)
    assert failures.describe(error).startswith(failures.OUT_OF_MEMORY)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        error_of("XlaRuntimeError", "INVALID_ARGUMENT: Executable expected parameter 0 of size 4"),
        KeyError("x"),
    ],
)
def test_something_else_went_wrong(error):
    assert not failures.is_out_of_memory(error)


@pytest.mark.parametrize(
    "name, text, ran_out",
    [
        ("ResourceExhaustedError", "OOM when allocating tensor with shape[4096,4096] on GPU:0 by allocator bfc", True),
        ("InternalError", "Failed to create cuDNN handle: CUDNN_STATUS_ALLOC_FAILED", True),
        ("InternalError", "Blas GEMM launch failed", False),
        ("UnknownError", "CUDA_ERROR_OUT_OF_MEMORY: out of memory", True),
    ],
)
def test_errors_of_tensorflow(name, text, ran_out):
    tf = pytest.importorskip("tensorflow")
    assert failures.is_out_of_memory(getattr(tf.errors, name)(None, None, text)) is ran_out


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="It is JAX that runs out of memory.")
def test_jax_says_so_when_no_machine_has_so_much_memory():
    import jax

    with pytest.raises(jax.errors.JaxRuntimeError) as caught:
        jax.numpy.zeros((2**45,), "float32").block_until_ready()
    assert failures.is_out_of_memory(caught.value)


def test_a_line_says_what_went_wrong():
    assert failures.describe(ValueError("first\nsecond")) == "ValueError: first"
    assert failures.describe(KeyError()) == "KeyError"


class Broken(keras.layers.Layer):
    """A layer whose call fails."""

    def call(self, inputs):
        raise ValueError("no such channel\nat all")


@pytest.mark.parametrize("tensor", [keras.ops.ones((1, 2)), keras.Input((2,))], ids=["tensor", "symbolic"])
def test_a_line_has_the_message_of_an_error_inside_of_a_layer(tensor):
    with pytest.raises(ValueError) as caught:
        keras.Sequential([Broken()])(tensor)
    assert failures.describe(caught.value) == "ValueError: in Broken.call(): no such channel"
