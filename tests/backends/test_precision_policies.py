"""Precision: what devices are made for, and policies that don't outlive their context."""

import keras
import pytest

from autonas.backends import parallel, precision


@pytest.mark.parametrize(
    "accelerators, policy",
    [
        ([], "float32"),
        (["tpu"], "mixed_bfloat16"),
        ([(8, 0)], "mixed_bfloat16"),
        ([(9, 0), (12, 0)], "mixed_bfloat16"),
        ([(7, 0)], "mixed_float16"),
        ([(7, 5), (8, 6)], "mixed_float16"),
        ([(6, 1)], "float32"),
        ([(8, 0), (6, 1)], "float32"),
        ([None], "float32"),
        ([None, (8, 0)], "float32"),
    ],
)
def test_each_device_has_what_it_is_made_for(accelerators, policy):
    assert precision.suited_to(accelerators) == policy


def test_a_precision_that_is_named_is_taken_as_it_is():
    assert precision.resolve("mixed_float16") == "mixed_float16"


@pytest.mark.skipif(parallel.visible_devices()[0][:3] != "cpu", reason="There is an accelerator.")
def test_processors_compute_in_float32():
    assert precision.resolve("auto") == "float32"


@pytest.mark.skipif(parallel.visible_devices()[0][:3] != "cpu", reason="There is an accelerator.")
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow alone uses these units.")
@pytest.mark.parametrize("has_units, policy", [(True, "mixed_bfloat16"), (False, "float32")])
def test_processors_with_matrix_units_convolve_in_bfloat16(monkeypatch, has_units, policy):
    monkeypatch.setattr(precision, "_cpu_multiplies_bfloat16", lambda: has_units)
    assert precision.resolve("auto", convolves=True) == policy
    assert precision.resolve("float32", convolves=True) == "float32"


def test_layers_have_the_policy_and_the_user_has_their_own_after_it():
    keras.config.set_dtype_policy("float64")
    try:
        with pytest.raises(ZeroDivisionError), precision.policy("mixed_bfloat16"):
            layer = keras.layers.Dense(1)
            raise ZeroDivisionError
        assert keras.config.dtype_policy().name == "float64"
    finally:
        keras.config.set_dtype_policy("float32")
    assert (layer.compute_dtype, layer.variable_dtype) == ("bfloat16", "float32")
