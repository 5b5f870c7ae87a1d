"""ResidualBlock: residual networks on images."""

import keras
import numpy as np
import pytest

from autonas.search_space.blocks import residual
from tests.helpers import harness


def fixed(**arguments):
    settings = {
        "filters": 8,
        "n_stages": 3,
        "layers": 2,
        "kind": "basic",
        "squeeze_excite": False,
        "dropout": 0.0,
    }
    return residual.ResidualBlock(**{**settings, **arguments})


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    _, model = harness.check(residual.ResidualBlock, *harness.digits(), tmp_path)
    assert model.count_params() < 200_000


def test_each_stage_but_the_first_halves_the_map_and_doubles_the_filters():
    model = harness.build(fixed(), (16, 16, 3))
    assert model.output_shape == (None, 4, 4, 32)
    assert harness.count(model, keras.layers.Add) == 6


def test_shortcuts_are_projected_only_where_shapes_differ():
    kernels = [
        layer.kernel_size for layer in harness.build(fixed(), (16, 16, 3)).layers if hasattr(layer, "kernel_size")
    ]
    assert kernels.count((1, 1)) == 2


@pytest.mark.parametrize(("side", "stages"), [(1, 1), (2, 1), (8, 3), (32, 5)])
def test_stages_are_limited_by_the_size_of_the_image(side, stages):
    model = harness.build(fixed(n_stages=5, layers=1), (side, side, 1))
    assert harness.count(model, keras.layers.Add) == stages
    assert min(model.output_shape[1:3]) >= min(side, 2)


def test_bottleneck_units_are_smaller():
    basic, bottleneck = (harness.build(fixed(kind=kind), (8, 8, 1)).count_params() for kind in ("basic", "bottleneck"))
    assert bottleneck < basic / 3


def test_squeeze_and_excitation_scales_whole_channels_by_less_than_one():
    tensor = keras.Input((5, 5, 12))
    model = keras.Model(tensor, residual.excite(tensor))
    images = np.random.default_rng(0).normal(size=(2, 5, 5, 12)).astype("float32")
    scale = np.asarray(model(images)) / images
    assert ((scale > 0) & (scale < 1)).all()
    np.testing.assert_allclose(scale, np.broadcast_to(scale[:, :1, :1], scale.shape), rtol=1e-4)


def test_one_gate_for_each_unit():
    assert harness.count(harness.build(fixed(squeeze_excite=True), (8, 8, 1)), keras.layers.Multiply) == 6
