"""FusedAdamW is AdamW, on one vector."""

import keras
import numpy as np
import pytest

from autonas.optimizers import fused_adam


def trained(optimizer, steps=20):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile(optimizer, "mse")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(64, 4)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    for _ in range(steps):
        model.train_on_batch(x, y)
    return model.get_weights()


def test_steps_equal_those_of_keras():
    ours = trained(fused_adam.FusedAdamW(0.01, beta_2=0.999))
    keras_own = trained(keras.optimizers.Adam(0.01))
    for one, other in zip(ours, keras_own, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


def test_weight_decay_shrinks_kernels_and_spares_biases():
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    ours = trained(fused_adam.FusedAdamW(0.01, weight_decay=0.5, beta_2=0.999))
    for one, other in zip(ours, trained(optimizer), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)


def test_gradients_are_clipped_by_their_global_norm():
    ours = trained(fused_adam.FusedAdamW(0.01, clip_norm=1.0, beta_2=0.999))
    other = trained(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    for one, two in zip(ours, other, strict=True):
        np.testing.assert_allclose(one, two, atol=5e-5)
    assert np.abs(ours[0] - trained(fused_adam.FusedAdamW(0.01, beta_2=0.999))[0]).max() > 1e-3


def test_config_round_trip():
    optimizer = fused_adam.FusedAdamW(0.02, weight_decay=0.1, clip_norm=2.0)
    config = fused_adam.FusedAdamW.from_config(optimizer.get_config()).get_config()
    assert config == optimizer.get_config()
    assert config["learning_rate"] == pytest.approx(0.02)
