"""Fused optimizers keep to the constraints of weights, as the optimizers of Keras."""

import keras
import numpy as np
import pytest

from autonas.optimizers import fused_adam, fused_muon, fused_sgd


@pytest.mark.parametrize("optimizer", [fused_adam.FusedAdamW, fused_muon.FusedMuon, fused_sgd.FusedSGD])
def test_constraints_hold_after_every_step(optimizer):
    keras.utils.set_random_seed(0)
    constraint = keras.constraints.NonNeg()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, kernel_constraint=constraint)])
    model.compile(optimizer(0.05), "mse")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    model.fit(x, -np.repeat(x, 2, axis=1), epochs=3, verbose=0)
    kernel, bias = model.get_weights()
    assert kernel.min() == 0 and kernel.max() > 0
