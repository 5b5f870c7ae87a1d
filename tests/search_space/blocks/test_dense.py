"""DenseBlock: dense layers on a vector."""

import keras
import pytest

from autonas.search_space import ranges
from autonas.search_space.blocks import dense
from tests.helpers import harness


def test_any_architecture_of_the_default_space_builds_trains_and_saves(tmp_path):
    space, model = harness.check(dense.DenseBlock, *harness.digits(), tmp_path)
    assert set(space.values) == {
        "dense_block_1/units",
        "dense_block_1/batch_normalization",
        "dense_block_1/dropout",
        "dense_block_1/residual",
        "dense_block_1/depth",
        *(name for name in space.values if name.startswith("optimization/")),
    }
    assert model.count_params() < 200_000


def test_values_fix_the_architecture_and_leave_nothing_to_search():
    block = dense.DenseBlock(
        units=20, depth=3, activation="tanh", batch_normalization=True, dropout=0.2, residual=False
    )
    hp = harness.empty_values()
    model = harness.build(block, (7,), hp)
    assert hp.space == []
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in layers] == [20, 20, 20]
    assert {layer.activation.__name__ for layer in model.layers if hasattr(layer, "activation")} == {
        "linear",
        "tanh",
    }
    normalizations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.momentum for layer in normalizations] == [0.9, 0.9, 0.9]
    assert harness.count(model, keras.layers.Dropout) == 3


def test_images_and_series_are_flattened():
    for shape in [(8, 8, 1), (8, 8)]:
        model = harness.build(dense.DenseBlock(units=5, depth=1), shape)
        assert model.output_shape == (None, 5)
        assert model.count_params() == 64 * 5 + 5


def test_residual_layers_add_to_their_input_where_widths_agree():
    def additions(width):
        return harness.count(
            harness.build(dense.DenseBlock(units=16, depth=3, residual=True), (width,)), keras.layers.Add
        )

    assert additions(16) == 3
    assert additions(9) == 2


def test_depth_zero_passes_the_vector_through():
    assert harness.build(dense.DenseBlock(units=16, depth=0), (9,)).count_params() == 0


@pytest.mark.parametrize("depth", [-1, 2.0, "two", True, ranges.Int(2, 8, sampling="log"), ranges.Choice([1, 2])])
def test_a_depth_that_is_no_number_of_layers_is_refused(depth):
    with pytest.raises(ValueError, match="`depth` of DenseBlock must be a whole number from 0 or an autonas.Int"):
        harness.build(dense.DenseBlock(depth=depth), (9,))


def test_several_inputs_are_refused_with_a_hint_at_merge():
    with pytest.raises(ValueError, match="DenseBlock takes one input, but is connected to 2. Put a Merge"):
        harness.build(dense.DenseBlock(), [(9,), (4,)])
