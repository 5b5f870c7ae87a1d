"""FusedMuon gives the kernels of convolutions orthogonal updates, and all other weights those of AdamW."""

import keras
import numpy as np
import pytest
from keras import ops

from autonas.optimizers import fused_adam, fused_muon


def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            keras.layers.Conv2D(8, 3, use_bias=False),
            keras.layers.DepthwiseConv2D(3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )


def trained(optimizer, steps=3):
    model = network()
    model.compile(optimizer, "mse")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(32, 6, 6, 2)).astype("float32")
    y = x.mean(axis=(1, 2, 3))[:, None]
    for _ in range(steps):
        model.train_on_batch(x, y)
    return model.get_weights()


@pytest.mark.parametrize("shape", [(18, 8), (5, 40), (12, 12)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_singular_values_of_any_matrix_become_about_one_and_its_directions_stay(shape, dtype):
    left, _, right = np.linalg.svd(np.random.default_rng(0).normal(size=shape), full_matrices=False)
    values = np.geomspace(0.1, 1.0, min(shape))
    matrix = ((left * values) @ right).astype("float32")
    orthogonal = ops.convert_to_numpy(fused_muon.orthogonalized(ops.convert_to_tensor(matrix), dtype))
    inner = left.T @ orthogonal @ right.T
    assert (np.diag(inner) > 0.2).all() and (np.diag(inner) < 1.3).all()
    assert np.diag(inner).min() / np.diag(inner).max() > 3 * values.min() / values.max()
    assert np.abs(inner - np.diag(np.diag(inner))).max() < (1e-4 if dtype == "float32" else 0.05)


def test_a_step_changes_the_kernel_of_a_convolution_by_an_orthogonal_matrix_of_the_size_of_the_learning_rate():
    before = network().get_weights()[0].reshape(18, 8)
    after = trained(fused_muon.FusedMuon(0.002, factor=10.0), steps=1)[0].reshape(18, 8)
    change = before * np.sqrt(8) / np.linalg.norm(before) - after
    assert 0.2 * 0.02 < np.linalg.norm(change, 2) < 1.3 * 0.02


def test_other_weights_are_trained_by_adamw():
    generator = np.random.default_rng(0)
    # A kernel of a convolution, a kernel with one filter for each channel, a bias and a dense kernel.
    shapes = [(3, 3, 2, 4), (3, 3, 4, 1), (4,), (8, 2)]
    values = [generator.normal(size=shape).astype("float32") for shape in shapes]
    steps = [[generator.normal(size=shape).astype("float32") for shape in shapes] for _ in range(3)]

    def applied(optimizer, first):
        variables = [keras.Variable(value) for value in values[first:]]
        optimizer.build(variables)
        for gradients in steps:
            optimizer.apply([ops.convert_to_tensor(gradient) for gradient in gradients[first:]], variables)
        return [ops.convert_to_numpy(variable) for variable in variables]

    ours = applied(fused_muon.FusedMuon(0.001, weight_decay=0.1, clip_norm=1.0), 0)
    for one, other in zip(ours[1:], applied(fused_adam.FusedAdamW(0.01, 0.1, clip_norm=1.0), 1), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_it_needs_fewer_steps_than_adamw():
    def loss(optimizer):
        model = network()
        model.compile(optimizer, "mse")
        generator = np.random.default_rng(0)
        x = generator.normal(size=(256, 6, 6, 2)).astype("float32")
        y = np.maximum(x[:, 1:-1, 1:-1, 0] * x[:, 1:-1, 1:-1, 1], 0).mean(axis=(1, 2))[:, None]
        return model.fit(x, y, batch_size=32, epochs=5, verbose=0).history["loss"][-1]

    assert loss(fused_muon.FusedMuon(0.005)) < loss(fused_adam.FusedAdamW(0.005))


def test_configuration_round_trip():
    optimizer = fused_muon.FusedMuon(0.02, 0.1, momentum=0.7, factor=5.0, clip_norm=2.0, compute_dtype="bfloat16")
    config = optimizer.get_config()
    assert fused_muon.FusedMuon.from_config(config).get_config() == config
    assert (config["momentum"], config["factor"], config["compute_dtype"]) == (0.7, 5.0, "bfloat16")
