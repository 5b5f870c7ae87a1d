"""TransformerBlock: a transformer encoder on series."""

import keras
import numpy as np
import pytest

from autonas.search_space.blocks import transformer
from tests.helpers import harness


def fixed(**arguments):
    settings = {"n_heads": 2, "key_dimension": 8, "feed_forward": 32, "depth": 2, "dropout": 0.0}
    return transformer.TransformerBlock(**{**settings, **arguments})


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    harness.check(transformer.TransformerBlock, *harness.digit_series(), tmp_path)


def test_every_step_becomes_a_vector_of_the_width_of_all_heads():
    model = harness.build(fixed(), (10, 3))
    assert model.output_shape == (None, 10, 16)
    assert harness.count(model, keras.layers.MultiHeadAttention) == 2


def test_the_order_of_the_steps_matters():
    model = harness.build(fixed(), (10, 3))
    series = np.random.default_rng(0).normal(size=(4, 10, 3)).astype("float32")
    order = np.random.default_rng(1).permutation(10)
    moved = np.abs(np.asarray(model(series[:, order])) - np.asarray(model(series))[:, order])
    assert moved.max() > 1e-3


@pytest.mark.parametrize(("steps", "patches"), [(256, 256), (257, 129), (3000, 250)])
def test_long_series_are_cut_into_at_most_256_patches(steps, patches):
    assert harness.build(fixed(depth=1), (steps, 2)).output_shape == (None, patches, 16)
