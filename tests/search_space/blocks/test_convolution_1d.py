"""Convolution1DBlock: convolutions over time."""

import keras
import pytest

from autonas.search_space.blocks import convolution_1d
from tests.helpers import harness


def fixed(**arguments):
    settings = {
        "filters": 12,
        "kernel_size": 9,
        "depth": 3,
        "kind": "plain",
        "residual": False,
        "downsampling": False,
    }
    return convolution_1d.Convolution1DBlock(**{**settings, "batch_normalization": True, "dropout": 0.0, **arguments})


def kernels(model):
    return [layer.kernel_size[0] for layer in model.layers if isinstance(layer, keras.layers.Conv1D)]


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    harness.check(convolution_1d.Convolution1DBlock, *harness.digit_series(), tmp_path)


@pytest.mark.parametrize("kind", ["plain", "separable", "inception"])
def test_every_kind_keeps_the_time_and_gives_the_same_width(kind):
    for filters in (12, 10):
        model = harness.build(fixed(kind=kind, filters=filters), (20, 3))
        assert model.output_shape == (None, 20, filters)


def test_inception_has_kernels_of_three_lengths():
    assert sorted(kernels(harness.build(fixed(kind="inception", depth=1), (20, 3)))) == [1, 2, 4, 9]


def test_kernels_are_no_longer_than_the_series():
    assert kernels(harness.build(fixed(kernel_size=17), (5, 1))) == [5, 5, 5]


def test_downsampling_halves_the_time_between_layers_but_not_below_four_steps():
    assert harness.build(fixed(downsampling=True, depth=3), (40, 1)).output_shape == (None, 10, 12)
    assert harness.build(fixed(downsampling=True, depth=9), (40, 1)).output_shape == (None, 5, 12)
    assert harness.build(fixed(downsampling=True), (1, 1)).output_shape == (None, 1, 12)


def test_residual_layers_project_their_input_only_where_widths_differ():
    model = harness.build(fixed(residual=True), (20, 3))
    assert harness.count(model, keras.layers.Add) == 3
    assert sorted(kernels(model)) == [1, 9, 9, 9]
