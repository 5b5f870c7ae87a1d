"""FusedAdamW is AdamW, on one vector."""

import keras
import numpy as np
import pytest

from autonas.optimizers import fused_adam, fused_muon, fused_sgd


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


def test_rows_of_a_large_embedding_that_do_not_occur_stay_as_they_are_and_others_move_without_momentum():
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Embedding(1000, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((4,), dtype="int32"), *layers])
    optimizer = fused_adam.FusedAdamW(0.01, weight_decay=0.5, beta_2=0.9)
    model.compile(optimizer, "mse")
    # A row that occurs twice in a text, and one that occurs in two texts and steps.
    batches = [[[7, 7, 3, 998], [3, 1, 2, 4]], [[5, 6, 3, 8], [9, 10, 11, 12]]]
    y = np.array([[1.0], [-1.0]], "float32")
    second, steps = np.zeros((1000, 3)), [model.get_weights()]
    for number, batch in enumerate(batches, start=1):
        x = np.array(batch, "int32")
        table, kernel, _ = steps[-1]
        errors = 2 / len(y) * (model.predict_on_batch(x) - y)
        gradient = np.zeros_like(table)
        np.add.at(gradient, x, (errors * kernel.T).reshape(2, 4, 3))
        model.train_on_batch(x, y)
        steps.append(model.get_weights())
        rows = np.unique(x)
        second[rows] += 0.1 * (gradient[rows] ** 2 - second[rows])
        change = 0.01 * gradient / (np.sqrt(second / (1 - 0.9**number)) + 1e-7)
        expected = table - np.where(np.isin(np.arange(1000), rows)[:, None], change, 0.0)
        np.testing.assert_allclose(steps[-1][0], expected, atol=1e-5)
    assert [variable.shape for variable in optimizer.variables][2:] == [(13,), (13,), (1000, 3)]


@pytest.mark.parametrize("optimizer", [fused_adam.FusedAdamW, fused_muon.FusedMuon, fused_sgd.FusedSGD])
def test_an_unknown_argument_is_refused(optimizer):
    with pytest.raises(TypeError, match="beta1"):
        optimizer(beta1=0.9)
