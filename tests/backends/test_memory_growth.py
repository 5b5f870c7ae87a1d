"""Memory of GPUs: what processes are told, and a word of warning where it is too late."""

import os

import keras
import pytest

from autonas.backends import memory

TENSORFLOW, JAX = memory._VARIABLES


@pytest.fixture
def bare(monkeypatch):
    """An environment that says nothing of memory; what is added to it goes away."""
    for name in memory._VARIABLES:
        monkeypatch.setenv(name, "")  # So that it is as it was before the test.
        monkeypatch.delenv(name)
    return monkeypatch


def test_processes_take_memory_as_they_need_it(bare):
    memory.grow()
    assert os.environ[TENSORFLOW] == "true" and os.environ[JAX] == "false"
    assert memory.variables() == {}


def test_what_the_user_has_set_stays(bare):
    bare.setenv(JAX, "true")
    memory.grow()
    assert os.environ[JAX] == "true" and os.environ[TENSORFLOW] == "true"


def _gpu_that_is(bare, error):
    """Makes TensorFlow see a GPU that it answers of with an error, or with none."""
    import tensorflow as tf

    asked = []

    def set_memory_growth(gpu, enable):
        asked.append((gpu.name, enable))
        if error is not None:
            raise error

    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    bare.setattr(tf.config, "get_visible_devices", lambda kind=None: [gpu] if kind == "GPU" else [])
    bare.setattr(tf.config.experimental, "set_memory_growth", set_memory_growth)
    return asked


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="It is TensorFlow that is asked.")
class TestTensorFlow:
    def test_its_gpus_grow(self, bare):
        asked = _gpu_that_is(bare, None)
        memory.grow()
        assert asked == [("/physical_device:GPU:0", True)]

    def test_it_warns_if_a_gpu_is_in_use_already(self, bare):
        _gpu_that_is(bare, RuntimeError("Physical devices cannot be modified after being initialized"))
        with pytest.warns(UserWarning, match="before TensorFlow is first used"):
            memory.grow()

    def test_gpus_that_the_user_has_split_are_left_alone(self, bare):
        _gpu_that_is(bare, ValueError("Cannot set memory growth on device when virtual devices configured"))
        memory.grow()

    def test_neither_are_those_asked_for_of_which_the_variable_speaks(self, bare):
        asked = _gpu_that_is(bare, None)
        bare.setenv(TENSORFLOW, "false")
        memory.grow()
        assert not asked


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="It is JAX that is asked.")
def test_jax_warns_if_a_gpu_is_in_use_already(bare):
    import jax

    keras.ops.zeros(())
    bare.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.warns(UserWarning, match="before JAX is first used"):
        memory.grow()
